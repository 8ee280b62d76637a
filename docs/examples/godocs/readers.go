package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// readers is the number of readers that want the same page at once in the report.
const readers = 100

// crowd lets many readers want a page at once that is not in the cache, and checks that it
// is rendered once.
func (r *report) crowd(ctx context.Context, path string) error {
	if _, _, err := r.site.invalidate(ctx, path); err != nil {
		return fmt.Errorf("invalidate %s: %w", path, err)
	}
	var rendered atomic.Int32
	errs := make([]error, readers)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			v, err := r.site.page(ctx, path)
			if v.rendered {
				rendered.Add(1)
			}
			errs[i] = errors.Join(err, v.trouble)
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%d readers of %s: %w", readers, path, err)
	}
	if n := rendered.Load(); n != 1 {
		return fmt.Errorf("wrong: for %d readers at once, the page of %s was rendered %d times", readers, path, n)
	}
	r.printf("crowd", "%d readers at once of %s, which was not in the cache: rendered once", readers, path)
	return nil
}

// renderedSoon bounds how long a page takes to be rendered in the background, on a machine
// that does other things as well.
const renderedSoon = time.Minute

// stale reads a page that is old, and checks that the reader gets it at once, and later
// readers a new one.
func (r *report) stale(ctx context.Context, path string) (err error) {
	// These pages are old when they are a millisecond old.
	s, err := newSite(r.site.library, r.site.cache, time.Hour, time.Millisecond)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if _, _, err := s.invalidate(ctx, path); err != nil {
		return fmt.Errorf("invalidate %s: %w", path, err)
	}
	first, err := s.page(ctx, path)
	if err != nil {
		return err
	}
	time.Sleep(2 * time.Millisecond)
	old, err := s.page(ctx, path)
	if err != nil {
		return err
	}
	if !old.hit || !old.at.Equal(first.at) {
		return fmt.Errorf("wrong: a reader did not get the old page of %s, but waited for a new one", path)
	}
	again := old
	for start := time.Now(); again.at.Equal(first.at); {
		if time.Since(start) > renderedSoon {
			return fmt.Errorf("wrong: the old page of %s was not rendered again within %v", path, renderedSoon)
		}
		time.Sleep(time.Millisecond)
		if again, err = s.page(ctx, path); err != nil {
			return err
		}
		if !again.hit {
			return fmt.Errorf("wrong: a reader waited for the page of %s while an old one was there", path)
		}
	}
	r.printf("old page", "rendered in %v, and again in the background: its reader had the old one in %v", round(first.took), round(old.took))
	return nil
}

// notFound asks many times for a package that does not exist, and checks that it is looked
// for once.
func (r *report) notFound(ctx context.Context) error {
	looked := 0
	for range readers {
		v, err := r.site.page(ctx, missing)
		if !errors.Is(err, errNoPackage) || v.trouble != nil {
			return fmt.Errorf("page of %s: %w", missing, errors.Join(err, v.trouble))
		}
		if v.rendered {
			looked++
		}
	}
	if looked != 1 {
		return fmt.Errorf("wrong: for %d readers, %s was looked for %d times", readers, missing, looked)
	}
	r.printf("not found", "%d readers of %s, which does not exist: looked for once", readers, missing)
	return nil
}
