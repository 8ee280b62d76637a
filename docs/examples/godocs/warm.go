package main

import (
	"context"
	"sync"
	"time"
)

// warmUp reads every page of a site once, so that readers find all of them in the cache,
// and an invalidation has all of them to drop. Its methods may be called by many
// goroutines at once.
type warmUp struct {
	mu    sync.Mutex
	state warmState
}

// warmState is the progress of a warm-up.
type warmState struct {
	Total   int // pages; 0 if no warm-up was asked for
	Done    int
	Running bool
	Took    time.Duration
	Trouble string // why it stopped
}

func (w *warmUp) get() warmState {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.state
}

func (w *warmUp) set(change func(*warmState)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.state)
}

// run reads the pages on all processors. It stops when the cache cannot be used, or when
// ctx is done. A page that cannot be made is left to its readers.
func (w *warmUp) run(ctx context.Context, s *site) {
	paths := s.library.paths()
	w.set(func(state *warmState) { *state = warmState{Total: len(paths), Running: true} })
	start := time.Now()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// Errors of pages are shown on these pages.
	_ = forEach(ctx, paths, func(path string) error {
		v, err := s.page(ctx, path)
		if err != nil {
			return err
		}
		w.set(func(state *warmState) {
			switch {
			case v.trouble == nil:
				state.Done++
			case state.Trouble == "":
				state.Trouble = v.trouble.Error()
				stop()
			}
		})
		return nil
	})
	w.set(func(state *warmState) { state.Running, state.Took = false, time.Since(start) })
}
