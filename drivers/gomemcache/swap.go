package gomemcache

import (
	"context"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/gomemcache/internal/wire"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// GetItem implements [driver.Swapper].
func (d *cluster) GetItem(ctx context.Context, key string) (driver.Item, error) {
	s := d.pick(key)
	r := request{op: cache.OpGetItem, verb: verbGet, key: key, idempotent: true}
	if err := s.do(ctx, &r); err != nil {
		return driver.Item{}, err
	}
	return s.item(r.op, key, stored{r.item.Value, r.item.Flags, r.item.CasID, r.epoch})
}

// CompareAndSwap implements [driver.Swapper]. Like the other swaps it is not idempotent: the
// second would find the value that the first has stored.
func (d *cluster) CompareAndSwap(ctx context.Context, token any, e driver.Entry) error {
	r := request{op: cache.OpCompareAndSwap, verb: verbSwap}
	s := d.pick(e.Key)
	var err error
	if r.token, err = memcached.ParseToken(token); err != nil {
		return s.Fail(r.op, err)
	}
	return s.swapped(ctx, &r, d.store(ctx, &r, e))
}

// swapped returns the error of a swap. One for which there was no connection as old as its
// token is a conflict, unless the key is absent, or the server cannot be reached.
func (s *server) swapped(ctx context.Context, r *request, err error) error {
	if err != errNoOldConnection {
		return err
	}
	if err := s.do(ctx, &request{op: r.op, verb: verbGet, key: r.key, idempotent: true}); err != nil {
		return err
	}
	return driver.ErrConflict
}

// expired has the server remove an item as soon as it is stored. The text protocol has no
// delete with a condition.
const expired = -1

// CompareAndDelete implements [driver.Swapper].
func (d *cluster) CompareAndDelete(ctx context.Context, key string, token any) error {
	s := d.pick(key)
	r := request{op: cache.OpCompareAndDelete, verb: verbSwap, key: key, expiry: expired}
	var err error
	if r.token, err = memcached.ParseToken(token); err != nil {
		return s.Fail(r.op, err)
	}
	return s.swapped(ctx, &r, s.do(ctx, &r))
}

// CompareAndSwapMulti implements [driver.BatchSwapper].
func (d *cluster) CompareAndSwapMulti(ctx context.Context, tokens []any, entries []driver.Entry) []error {
	p := d.swaps(cache.OpCompareAndSwapMulti, tokens, func(i int) string { return entries[i].Key })
	p.append = func(b []byte, i int) []byte { return d.appendStore(b, wire.VerbCAS, entries[i], p.token(i)) }
	memcached.LeaveOut(entries, p.errs)
	return memcached.ExplainMulti(d.fail, p.op, entries, d.run(ctx, p))
}

// CompareAndDeleteMulti implements [driver.BatchSwapper].
func (d *cluster) CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error {
	p := d.swaps(cache.OpCompareAndDeleteMulti, tokens, func(i int) string { return keys[i] })
	p.append = func(b []byte, i int) []byte {
		s := wire.Store{Verb: wire.VerbCAS, Key: keys[i], Expiry: expired, CAS: p.token(i).CAS}
		return s.Append(b)
	}
	return d.run(ctx, p)
}

// swaps returns a batch of swaps.
func (d *cluster) swaps(op cache.Op, tokens []any, key func(i int) string) *pipeline {
	parsed := make([]memcached.Token, len(tokens))
	p := &pipeline{
		op: op, key: key, errs: make([]error, len(tokens)),
		token: func(i int) memcached.Token { return parsed[i] },
		reply: func(line []byte) (error, bool) {
			switch string(line) {
			case "STORED":
				return nil, true
			case "EXISTS":
				return driver.ErrConflict, true
			case "NOT_FOUND":
				return driver.ErrMiss, true
			}
			return nil, false
		},
	}
	for i, t := range tokens {
		var err error
		if parsed[i], err = memcached.ParseToken(t); err != nil {
			p.errs[i] = d.fail(op, key(i), err)
		}
	}
	return p
}

// earliest returns the token of part with the earliest epoch: a connection over which it may
// be used will do for all.
func (p *pipeline) earliest(part []int) memcached.Token {
	first := p.token(part[0])
	for _, i := range part[1:] {
		if t := p.token(i); t.Epoch < first.Epoch {
			first = t
		}
	}
	return first
}

// conflict finds the errors of the requests with the earliest epoch, for which there is no
// connection as old as that, and returns the others of part.
func (s *server) conflict(ctx context.Context, p *pipeline, part []int) (rest []int) {
	first := p.earliest(part).Epoch
	var old []int
	for _, i := range part {
		if p.token(i).Epoch == first {
			old = append(old, i)
			p.errs[i] = driver.ErrMiss // if the key is absent
		} else {
			rest = append(rest, i)
		}
	}
	keys := make([]string, len(p.errs))
	for _, i := range old {
		keys[i] = p.key(i)
	}
	s.read(ctx, &reading{
		op: p.op, keys: keys, errs: p.errs,
		found: func(*server, int, stored) error { return driver.ErrConflict },
	}, old)
	return rest
}
