package main

import (
	"context"
	"errors"
	"sync"

	"github.com/larder-go/larder/cache"
)

// noticeTrouble is a hook that tells each reader what went wrong with the cache on the
// way to a page, since the page comes all the same.
type noticeTrouble struct{}

// Start does nothing.
func (noticeTrouble) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

// End notes an error that kept a page from being cached or found.
func (noticeTrouble) End(ctx context.Context, _ cache.Call, r cache.Result) {
	t, ok := ctx.Value(troubleKey{}).(*trouble)
	if ok && (errors.Is(r.Err, cache.ErrUnavailable) || errors.Is(r.Err, cache.ErrTooLarge)) {
		t.note(r.Err)
	}
}

type troubleKey struct{}

// trouble is the first error of the operations under one context.
type trouble struct {
	mu  sync.Mutex
	err error
}

// watchTrouble returns a context under which operations report to the trouble.
func watchTrouble(ctx context.Context) (context.Context, *trouble) {
	t := &trouble{}
	return context.WithValue(ctx, troubleKey{}, t), t
}

func (t *trouble) note(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.err = err
	}
}

func (t *trouble) first() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}
