package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/load"
)

// notFoundTTL is the time for which the cache remembers that there is no such package.
const notFoundTTL = time.Minute

// site is the pages of a library, read through a cache. Pages are served whatever the cache
// does.
type site struct {
	library  *library
	cache    *cache.Cache
	pages    *load.Loader[content]
	refresh  time.Duration // the age from which a page is rendered again in the background; 0: never
	activity *activity
}

// newSite returns a site. It must be closed before the cache is.
func newSite(l *library, c *cache.Cache, ttl, refresh time.Duration) (*site, error) {
	counts := newActivity()
	c = c.WithHook(noticing{}).WithHook(counts)
	pages, err := load.New(c, load.Config[content]{
		Codec: contentCodec{}, TTL: ttl, RefreshAfter: refresh, NotFoundTTL: notFoundTTL,
	})
	if err != nil {
		return nil, err
	}
	return &site{library: l, cache: c, pages: pages, refresh: refresh, activity: counts}, nil
}

// close waits for pages that are being rendered.
func (s *site) close() error { return s.pages.Close() }

// pageKey returns the key of the page of a package.
func pageKey(path string) string { return "page:" + path }

// tagOf returns the tag of every page that shows something of a package.
func tagOf(path string) string { return "pkg:" + path }

// tagsOf returns the tags of packages.
func tagsOf(paths []string) []string {
	tags := make([]string, len(paths))
	for i, path := range paths {
		tags[i] = tagOf(path)
	}
	return tags
}

// view is a page as one reader gets it, or what became of the reader's request for one that
// does not exist.
type view struct {
	content
	hit      bool // it was in the cache
	rendered bool // it was rendered for this reader; if neither, for another one who came first
	took     time.Duration
	trouble  error // why the cache could not be used; nil if it could
}

var errNoPackage = errors.New("no such package")

// page returns the page of a package, from the cache or rendered. However many readers
// want it at once, it is rendered once. That there is no such package is remembered too.
func (s *site) page(ctx context.Context, path string) (view, error) {
	if !isPackagePath(path) {
		return view{}, fmt.Errorf("%w: %q", errNoPackage, path)
	}
	// A reader who leaves does not take the page from the next one.
	ctx, noticed := notice(context.WithoutCancel(ctx))
	start := time.Now()
	// The tag of the package is known beforehand: it is read together with the page.
	page, err := s.pages.Get(ctx, pageKey(path), func(ctx context.Context, e *load.Entry[content]) (content, error) {
		return s.render(ctx, path, e)
	}, tagOf(path))
	v := view{content: page, took: time.Since(start)}
	v.hit, v.rendered, v.trouble = noticed.read()
	if errors.Is(err, load.ErrNotFound) {
		err = fmt.Errorf("%w: %q", errNoPackage, path)
	}
	return v, err
}

// render makes a page from the sources. The page has the tag of each package before that is
// read: a page of both old and new, whose package changes meanwhile, is not returned later.
func (s *site) render(ctx context.Context, path string, e *load.Entry[content]) (content, error) {
	p, err := s.library.refresh(path)
	if err != nil {
		return content{}, err
	}
	if p == nil {
		return content{}, load.ErrNotFound
	}
	// These are known only now.
	if err := e.Tag(ctx, tagsOf(p.Imports)...); err != nil {
		return content{}, err
	}
	at := time.Now()
	html, err := s.library.render(p)
	if err != nil {
		return content{}, err
	}
	return content{shows: p.shows(), at: at, html: html}, nil
}

// old reports whether a page is rendered again in the background when it is read.
func (s *site) old(c content) bool { return s.refresh > 0 && time.Since(c.at) >= s.refresh }

// invalidate says that a package has changed: one command invalidates every page that shows
// something of it. It returns the packages whose pages were dropped, and the time of that
// command.
func (s *site) invalidate(ctx context.Context, path string) (dropped []string, took time.Duration, err error) {
	if !isPackagePath(path) {
		return nil, 0, fmt.Errorf("%w: %q", errNoPackage, path)
	}
	known := s.library.get(path) != nil
	dropped, err = s.cached(ctx, path)
	if err != nil {
		return nil, 0, err
	}
	p, err := s.library.refresh(path)
	if err != nil {
		return nil, 0, err
	}
	if p == nil && !known {
		return nil, 0, fmt.Errorf("%w: %q", errNoPackage, path)
	}
	start := time.Now()
	err = s.pages.Invalidate(ctx, tagOf(path))
	return dropped, time.Since(start), err
}

// cached returns the packages whose pages are in the cache with the tag of path. This is to
// show them: an invalidation needs no list.
func (s *site) cached(ctx context.Context, path string) ([]string, error) {
	var keys []string
	for _, affected := range append(s.library.affected(path), path) {
		keys = append(keys, pageKey(affected))
	}
	pages, err := s.pages.GetMulti(ctx, keys, nil, tagOf(path))
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

// clear removes the pages of all packages, and of further paths, and their tags, without
// touching what others keep on the same servers.
func (s *site) clear(ctx context.Context, more ...string) error {
	paths := append(s.library.paths(), more...)
	keys := make([]string, len(paths))
	for i, path := range paths {
		keys[i] = pageKey(path)
	}
	return errors.Join(s.pages.Invalidate(ctx, tagsOf(paths)...), s.cache.DeleteMulti(ctx, keys))
}
