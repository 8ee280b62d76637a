package main

import (
	"context"
	"errors"
	"sync"

	"github.com/larder-go/larder/cache"
)

// noticing is a hook that tells each reader whether a page was in the cache, and what went
// wrong with the cache on the way to it, since the page comes all the same.
type noticing struct{}

// Start does nothing.
func (noticing) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

// End notes how a page was had, or an error that kept it from being cached or found.
func (noticing) End(ctx context.Context, call cache.Call, r cache.Result) {
	n, ok := ctx.Value(noticedKey{}).(*noticed)
	if !ok {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if call.Op == cache.OpLoad {
		n.hit, n.rendered = r.Affected > 0, r.Loaded > 0
	}
	if n.trouble == nil && (errors.Is(r.Err, cache.ErrUnavailable) || errors.Is(r.Err, cache.ErrTooLarge)) {
		n.trouble = r.Err
	}
}

type noticedKey struct{}

// noticed is the record of the operations under one context.
type noticed struct {
	mu            sync.Mutex
	hit, rendered bool
	trouble       error // the first one
}

// notice returns a context whose operations are noticed.
func notice(ctx context.Context) (context.Context, *noticed) {
	n := &noticed{}
	return context.WithValue(ctx, noticedKey{}, n), n
}

func (n *noticed) read() (hit, rendered bool, trouble error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hit, n.rendered, n.trouble
}
