package main

import (
	"context"
	"strings"
	"testing"
)

func TestWarmUp(t *testing.T) {
	s := fakeSite(t, fakeRoot, newMemory(t))
	var w warmUp
	if got := w.get(); got != (warmState{}) {
		t.Errorf("before it begins: %+v", got)
	}
	w.run(t.Context(), s)
	if got := w.get(); got.Done != 9 || got.Total != 9 || got.Running || got.Took <= 0 || got.Trouble != "" {
		t.Errorf("in the end: %+v, want all 9 pages", got)
	}
	if rendered := readAll(t, s); len(rendered) != 0 {
		t.Errorf("%v were not in the cache", rendered)
	}
}

// A warm-up of a cache that is down ends at once, instead of waiting for every page.
func TestWarmUpWithoutCache(t *testing.T) {
	var w warmUp
	w.run(t.Context(), fakeSite(t, fakeRoot, deadCache(t)))
	if got := w.get(); got.Done != 0 || got.Running || !strings.Contains(got.Trouble, "server unavailable") {
		t.Errorf("the warm-up ended with %+v, want trouble and no page", got)
	}
}

// Pages that cannot be made are left to their readers.
func TestWarmUpWithABrokenPackage(t *testing.T) {
	root := copyTree(t)
	s := fakeSite(t, root, newMemory(t))
	edit(t, root, "alone/alone.go", "package alone", "package alone\n\nfunc")
	var w warmUp
	w.run(t.Context(), s)
	if got := w.get(); got.Done != 8 || got.Total != 9 || got.Running || got.Trouble != "" {
		t.Errorf("the warm-up ended with %+v, want 8 of 9 pages", got)
	}
}

func TestWarmUpIsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var w warmUp
	w.run(ctx, fakeSite(t, fakeRoot, newMemory(t)))
	if got := w.get(); got.Done != 0 || got.Running {
		t.Errorf("the warm-up ended with %+v, want no page", got)
	}
}
