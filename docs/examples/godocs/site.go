package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/load"
)

// wireMargin is by how much wires outlive pages: they are made while a page is rendered, for
// which the loader allows 10 s, and some servers count seconds.
const wireMargin = 12 * time.Second

// site is the pages of a library behind a cache. Pages are served whatever the cache
// does.
type site struct {
	library  *library
	cache    *cache.Cache
	changes  *dependency.Dependency // package to the pages that show something of it
	pages    *load.Bytes
	activity *activity
}

func newSite(l *library, c *cache.Cache, ttl time.Duration) (*site, error) {
	counts := newActivity()
	c = c.WithHook(noticeTrouble{}).WithHook(counts)
	changes, err := dependency.New(c, ttl+wireMargin)
	if err != nil {
		return nil, err
	}
	pages, err := load.New(c, load.Config[[]byte]{TTL: ttl})
	if err != nil {
		return nil, err
	}
	return &site{library: l, cache: c, changes: changes, pages: pages, activity: counts}, nil
}

// pageKey is where the page of a package is cached.
func pageKey(path string) string { return "page:" + path }

// master is the key that every page showing something of a package is wired to. The
// colon at the end keeps the wires of "crypto/sha" apart from "crypto/sha1".
func master(path string) string { return "pkg:" + path + ":" }

// view is a page as one reader gets it.
type view struct {
	content
	hit     bool // this reader did not have to render it
	took    time.Duration
	trouble error // why the cache could not be used; nil if it could
}

// content is a page as it is cached: the packages it is wired to, and its HTML.
type content struct {
	wired []string
	html  []byte
}

func (c content) encode() []byte {
	return slices.Concat([]byte(strings.Join(c.wired, " ")), []byte("\n"), c.html)
}

func decode(b []byte) content {
	wired, html, _ := bytes.Cut(b, []byte("\n"))
	return content{strings.Fields(string(wired)), html}
}

var errNoPackage = errors.New("no such package")

// page returns the page of a package, from the cache or rendered. However many readers
// want it at once, it is rendered once.
func (s *site) page(ctx context.Context, path string) (view, error) {
	if s.library.get(path) == nil {
		return view{}, fmt.Errorf("%w: %q", errNoPackage, path)
	}
	v := view{hit: true}
	// A reader who leaves does not take the page from the next one.
	ctx, trouble := watchTrouble(context.WithoutCancel(ctx))
	start := time.Now()
	b, err := s.pages.Get(ctx, pageKey(path), func(ctx context.Context, e *load.Entry[[]byte]) ([]byte, error) {
		v.hit = false
		return s.render(ctx, path, e)
	})
	v.took, v.trouble = time.Since(start), trouble.first()
	if err != nil {
		return view{}, err
	}
	v.content = decode(b)
	return v, nil
}

// render makes a page from the sources. Each package is wired before it is read: one
// that changes later then finds the wire, and a page that was made of both old and new
// is not kept.
func (s *site) render(ctx context.Context, path string, e *load.Entry[[]byte]) ([]byte, error) {
	// After a wire that failed the page is not kept, and the reader is told by the hook;
	// more wires would only take more time.
	wired := true
	wire := func(path string) {
		if wired && s.changes.Add(ctx, master(path), e.Key()) != nil {
			wired = false
			e.NoStore()
		}
	}
	wire(path)
	p, err := s.library.refresh(path)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fmt.Errorf("%w any more: %q", errNoPackage, path)
	}
	for _, imported := range p.Imports {
		wire(imported)
	}
	html, err := s.library.render(p)
	if err != nil {
		return nil, err
	}
	return content{wired: p.shows(), html: html}.encode(), nil
}

// invalidate says that a package has changed: one operation drops every page that
// shows something of it. It returns the packages whose pages were dropped, and the
// time of that operation.
func (s *site) invalidate(ctx context.Context, path string) (dropped []string, took time.Duration, err error) {
	if s.library.get(path) == nil {
		return nil, 0, fmt.Errorf("%w: %q", errNoPackage, path)
	}
	if _, err := s.library.refresh(path); err != nil {
		return nil, 0, err
	}
	dropped, err = s.cached(ctx, path)
	if err != nil {
		return nil, 0, err
	}
	start := time.Now()
	err = s.changes.Delete(ctx, master(path))
	return dropped, time.Since(start), err
}

// cached returns the packages whose pages are in the cache and wired to path.
func (s *site) cached(ctx context.Context, path string) ([]string, error) {
	keys, err := s.changes.Keys(ctx, master(path))
	if err != nil {
		return nil, err
	}
	// A page that another package dropped may still be wired to this one.
	pages, err := s.pages.GetMulti(ctx, keys, nil)
	if err != nil {
		return nil, err
	}
	var cached []string
	for key := range pages {
		cached = append(cached, strings.TrimPrefix(key, pageKey("")))
	}
	slices.Sort(cached)
	return cached, nil
}

// clear drops the pages of all packages, without touching what others keep on the
// same servers.
func (s *site) clear(ctx context.Context) error {
	var all []string
	for _, path := range s.library.paths() {
		all = append(all, master(path))
	}
	return s.changes.DeleteMulti(ctx, all)
}
