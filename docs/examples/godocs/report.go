package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// report reads every page cold and warm, lets one package change, reads every page
// again, and checks what the cache did against who imports whom. Then it lets many readers
// want the same page, one that is old, and one of a package that does not exist.
type report struct {
	site     *site
	out      io.Writer
	progress *progress
}

// pass is one reading of all pages.
type pass struct {
	took     time.Duration
	rendered []string          // paths, sorted
	pages    map[string][]byte // by path
}

// readAll reads every page once. Its error is about pages that could not be made, or
// about the cache.
func (r *report) readAll(ctx context.Context, what string, paths []string) (pass, error) {
	p := pass{pages: make(map[string][]byte, len(paths))}
	var mu sync.Mutex // guards p
	r.progress.begin(what, len(paths))
	start := time.Now()
	errs := forEach(ctx, paths, func(path string) error {
		defer r.progress.step(path)
		v, err := r.site.page(ctx, path)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		p.pages[path] = v.html
		if !v.hit {
			p.rendered = append(p.rendered, path)
		}
		return v.trouble
	})
	p.took = time.Since(start)
	r.progress.end()
	slices.Sort(p.rendered)
	return p, firstOf(errs)
}

// firstOf makes one error of many, which are mostly alike.
func firstOf(errs []error) error {
	if len(errs) < 2 {
		return errors.Join(errs...)
	}
	return fmt.Errorf("%w (and %d more errors)", errs[0], len(errs)-1)
}

func (r *report) printf(what, format string, args ...any) {
	fmt.Fprintf(r.out, "%-12s %s\n", what, fmt.Sprintf(format, args...))
}

// run does it all, and leaves no page behind. Its error says what was not as it should
// be.
func (r *report) run(ctx context.Context, changed string) (err error) {
	if r.site.library.get(changed) == nil {
		return fmt.Errorf("-change: %w: %q", errNoPackage, changed)
	}
	defer func() { err = errors.Join(err, r.site.clear(context.WithoutCancel(ctx), missing)) }()
	paths := r.site.library.paths()

	cold, err := r.readAll(ctx, "cold pass", paths)
	if err != nil {
		return fmt.Errorf("cold pass: %w", err)
	}
	r.printf("cold pass", "%v, %d pages rendered", round(cold.took), len(cold.rendered))

	warm, err := r.readAll(ctx, "warm pass", paths)
	if err != nil {
		return fmt.Errorf("warm pass: %w", err)
	}
	r.printf("warm pass", "%v, %d pages from the cache", round(warm.took), len(paths)-len(warm.rendered))
	if r.site.cache.Discards() {
		r.printf("check", "nothing to check: this cache keeps nothing, so every page was rendered each time")
		return nil
	}
	r.printf("ratio", "%.0f : 1 between these two", float64(cold.took)/float64(max(warm.took, 1)))
	if err := compare(cold, warm); err != nil {
		return err
	}

	dropped, took, err := r.site.invalidate(ctx, changed)
	if err != nil {
		return fmt.Errorf("invalidate %s: %w", changed, err)
	}
	affected := r.site.library.affected(changed)
	r.printf("change", "package %s: one invalidation dropped %d of %d pages in %v",
		changed, len(dropped), len(paths), round(took))
	r.printf("", "(its own page, and those of the packages that import it directly)")

	again, err := r.readAll(ctx, "third pass", paths)
	if err != nil {
		return fmt.Errorf("third pass: %w", err)
	}
	r.printf("third pass", "%v, %d pages rendered again, %d from the cache",
		round(again.took), len(again.rendered), len(paths)-len(again.rendered))
	if err := errors.Join(compare(cold, again), exactly(affected, dropped, again.rendered)); err != nil {
		return err
	}
	r.printf("check", "the pages rendered again are exactly the %d that show something of %s: ok", len(affected), changed)
	if err := errors.Join(r.crowd(ctx, changed), r.stale(ctx, changed), r.notFound(ctx)); err != nil {
		return err
	}
	r.printf("next", "godocs -http localhost:8080, or make demo-web, shows the pages in a browser")
	return nil
}

// compare checks that the pages of two passes are the same.
func compare(first, second pass) error {
	for path, page := range first.pages {
		if !bytes.Equal(page, second.pages[path]) {
			return fmt.Errorf("wrong: the page of %s is another than the one that was stored", path)
		}
	}
	return nil
}

// exactly checks that the pages dropped and rendered again are those that must be.
func exactly(affected, dropped, rendered []string) error {
	var errs []error
	if !slices.Equal(dropped, affected) {
		errs = append(errs, fmt.Errorf("wrong: dropped %s", difference(dropped, affected)))
	}
	if !slices.Equal(rendered, affected) {
		errs = append(errs, fmt.Errorf("wrong: rendered again %s; has the cache room for all pages?", difference(rendered, affected)))
	}
	return errors.Join(errs...)
}

func difference(got, want []string) string {
	without := func(a, b []string) []string {
		return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
	}
	return fmt.Sprintf("%d pages, want %d; too many: %v; missing: %v",
		len(got), len(want), without(got, want), without(want, got))
}

// round leaves three digits or so.
func round(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(100 * time.Nanosecond)
}
