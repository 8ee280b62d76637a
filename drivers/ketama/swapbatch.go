package ketama

import (
	"context"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// CompareAndSwapMulti implements [driver.BatchSwapper].
func (d *cluster) CompareAndSwapMulti(ctx context.Context, tokens []any, entries []driver.Entry) []error {
	b := d.swaps(cache.OpCompareAndSwapMulti, tokens, wire.Set, func(i int) string { return entries[i].Key })
	b.request = func(i int) wire.Request {
		r := d.storeRequest(driver.Set, entries[i])
		r.CAS = b.tokens[i].CAS
		return r
	}
	memcached.LeaveOut(entries, b.errs)
	return memcached.ExplainMulti(d.fail, b.op, entries, d.run(ctx, b))
}

// CompareAndDeleteMulti implements [driver.BatchSwapper].
func (d *cluster) CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error {
	b := d.swaps(cache.OpCompareAndDeleteMulti, tokens, wire.Delete, func(i int) string { return keys[i] })
	b.request = func(i int) wire.Request {
		return wire.Request{Op: wire.Delete, Key: keys[i], CAS: b.tokens[i].CAS}
	}
	return d.run(ctx, b)
}

// swaps returns a batch of swaps.
func (d *cluster) swaps(op cache.Op, tokens []any, command wire.Op, key func(i int) string) *batch {
	b := &batch{
		op: op, key: key, tokens: make([]memcached.Token, len(tokens)), errs: make([]error, len(tokens)),
		reply: func(s *server, _ int, r wire.Reply, _ epoch.Number) error {
			return s.refusal(op, command, r.Status)
		},
	}
	for i, t := range tokens {
		var err error
		if b.tokens[i], err = memcached.ParseToken(t); err != nil {
			b.errs[i] = d.fail(op, key(i), err)
		}
	}
	return b
}

// runSwaps runs the swaps that part lists on a server, over a connection as old as the
// earliest of their tokens.
func (d *cluster) runSwaps(ctx context.Context, s *server, b *batch, part []int) {
	for len(part) > 0 {
		first := b.tokens[part[0]].Epoch
		for _, i := range part {
			first = min(first, b.tokens[i].Epoch)
		}
		c, err := s.acquireFor(ctx, b.op, first)
		if err != errNoOldConnection {
			b.run(c, err, part)
			return
		}
		// There is none: the other tokens may be younger.
		var old, rest []int
		for _, i := range part {
			if b.tokens[i].Epoch == first {
				old = append(old, i)
			} else {
				rest = append(rest, i)
			}
		}
		d.unchangedMulti(ctx, s, b, old)
		part = rest
	}
}

// unchangedMulti is unchanged for the swaps that part lists.
func (d *cluster) unchangedMulti(ctx context.Context, s *server, b *batch, part []int) {
	c, err := s.acquire(ctx, b.op)
	reads := &batch{
		op: b.op, idempotent: true, errs: b.errs,
		request: func(i int) wire.Request { return wire.Request{Op: wire.Get, Key: b.key(i)} },
		reply: func(s *server, _ int, r wire.Reply, _ epoch.Number) error {
			if err := s.refusal(b.op, wire.Get, r.Status); err != nil {
				return err
			}
			return driver.ErrConflict
		},
	}
	reads.run(c, err, part)
}
