package main

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
)

// library is the packages of a source tree, and who imports whom.
type library struct {
	source *source

	mu   sync.RWMutex
	pkgs map[string]*pkg // guarded by mu
}

// readLibrary reads every package of the tree. Those that cannot be read are left
// out, with the reason in the error, which comes beside the library.
func readLibrary(ctx context.Context, s *source, p *progress) (*library, error) {
	paths, err := s.candidates()
	if err != nil {
		return nil, err
	}
	l := &library{source: s, pkgs: map[string]*pkg{}}
	p.begin("reading", len(paths))
	errs := forEach(ctx, paths, func(path string) error {
		defer p.step(path)
		_, err := l.refresh(path)
		return err
	})
	p.end()
	if len(l.pkgs) == 0 {
		errs = append(errs, errors.New("no packages in "+s.dir+"; -goroot wants a folder with src/fmt in it"))
		return nil, errors.Join(errs...)
	}
	return l, errors.Join(errs...)
}

// refresh reads a package anew, since its sources may have been edited. It returns nil if
// there is no such package, and then forgets it.
func (l *library) refresh(path string) (*pkg, error) {
	p, err := l.source.read(path)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if p == nil {
		delete(l.pkgs, path)
		return nil, nil
	}
	l.pkgs[path] = p
	return p, nil
}

// get returns the package at path, or nil.
func (l *library) get(path string) *pkg {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.pkgs[path]
}

// paths returns the path of every package, sorted.
func (l *library) paths() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Sorted(maps.Keys(l.pkgs))
}

// imports counts the imports of all packages.
func (l *library) imports() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	n := 0
	for _, p := range l.pkgs {
		n += len(p.Imports)
	}
	return n
}

// affected returns the pages that a change of the package at path makes stale,
// sorted: its own, and those of the packages that import it directly, because a page
// shows what each imported package says about itself. Pages further away show
// nothing of it.
func (l *library) affected(path string) []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	var pages []string
	for _, p := range l.pkgs {
		if p.Path == path || slices.Contains(p.Imports, path) {
			pages = append(pages, p.Path)
		}
	}
	slices.Sort(pages)
	return pages
}

// search returns the packages whose path or synopsis holds every word of query,
// sorted by path. Unless all is set, those that programs cannot import are left out.
func (l *library) search(query string, all bool) []*pkg {
	words := strings.Fields(strings.ToLower(query))
	l.mu.RLock()
	defer l.mu.RUnlock()
	var found []*pkg
	for _, p := range l.pkgs {
		text := strings.ToLower(p.Path + " " + p.Synopsis)
		misses := func(word string) bool { return !strings.Contains(text, word) }
		if (all || p.public()) && !slices.ContainsFunc(words, misses) {
			found = append(found, p)
		}
	}
	slices.SortFunc(found, func(a, b *pkg) int { return strings.Compare(a.Path, b.Path) })
	return found
}

// shows returns the packages that the page of p shows something of: itself, and what
// it imports.
func (p *pkg) shows() []string { return append([]string{p.Path}, p.Imports...) }

// public reports whether programs outside of the tree can import p.
func (p *pkg) public() bool {
	elements := strings.Split(p.Path, "/")
	return elements[0] != "vendor" && !slices.Contains(elements, "internal")
}

// mostImported returns the package, of those that programs can import, that most others
// import. Of several it returns the first.
func (l *library) mostImported() string {
	counts := map[string]int{}
	for _, path := range l.paths() {
		for _, imported := range l.get(path).Imports {
			counts[imported]++
		}
	}
	best := ""
	for _, path := range l.paths() {
		if l.get(path).public() && (best == "" || counts[path] > counts[best]) {
			best = path
		}
	}
	return best
}

// unaffected returns a package that programs can import whose page does not become stale
// when the package at path changes, or "".
func (l *library) unaffected(path string) string {
	affected := l.affected(path)
	for _, other := range l.paths() {
		if l.get(other).public() && !slices.Contains(affected, other) {
			return other
		}
	}
	return ""
}
