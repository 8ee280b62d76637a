package valkey

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey/internal/guard"
)

// A fetch reads keys for a near view. Keys that cannot be read over a tracker, because there is
// none or the key has moved, are left to the driver.
type fetch struct {
	near   *near
	op     cache.Op
	keys   []string
	values [][]byte // nil is a miss
	errs   []error
	rest   []int // the keys that are left to the driver
}

// run reads the keys with the given indexes.
func (f *fetch) run(ctx context.Context, indexes []int) {
	n := f.near
	byTracker := map[*tracker][]int{}
	for _, i := range indexes {
		addr, ok := n.routes.of(ctx, n.store, f.keys[i])
		if !ok {
			f.rest = append(f.rest, i)
			continue
		}
		switch t, err := n.trackers.get(ctx, addr, false); {
		case err != nil:
			f.errs[i] = n.store.failure(ctx, f.op, err)
		case t == nil:
			f.rest = append(f.rest, i)
		default:
			byTracker[t] = append(byTracker[t], i)
		}
	}
	type part struct {
		tracker *tracker
		indexes []int
		again   []int
	}
	var parts []part
	for t, indexes := range byTracker {
		for len(indexes) > 0 {
			most := min(maxPiece/2, len(indexes))
			parts = append(parts, part{tracker: t, indexes: indexes[:most]})
			indexes = indexes[most:]
		}
	}
	if len(parts) == 1 {
		f.rest = append(f.rest, f.read(ctx, parts[0].tracker, parts[0].indexes)...)
		return
	}
	parallel(len(parts), pieceWorkers*max(1, len(byTracker)), func(i int) {
		parts[i].again = f.read(ctx, parts[i].tracker, parts[i].indexes)
	})
	for _, p := range parts {
		f.rest = append(f.rest, p.again...)
	}
}

// read reads keys over a tracker and keeps their values. It returns the indexes of the keys that
// are left to the driver.
func (f *fetch) read(ctx context.Context, t *tracker, indexes []int) (again []int) {
	n := f.near
	readings := make([]*reading, len(indexes))
	for i, k := range indexes {
		readings[i] = n.local.begin(f.keys[k])
	}
	sent := n.now()
	replies := t.lib.doMulti(ctx, 2*len(indexes), func(i int) request {
		key := n.store.key(f.keys[indexes[i/2]])
		if i%2 == 0 {
			return request{name: "GET", key: key}
		}
		return request{name: "PTTL", key: key}
	})
	for i, k := range indexes {
		key := f.keys[k]
		left, ok := timeLeft(replies[2*i+1])
		err := failureOf(replies[2*i])
		var v []byte
		if err == nil {
			t.confirm(sent)
			v, err = n.store.content(ctx, f.op, valueOf(replies[2*i]))
			if left -= n.now() - sent; err == nil && ok && left > 0 && !isNumber(v) {
				n.local.keep(key, readings[i], t.id, v, ttlOf(left))
			} else {
				n.local.end(key, readings[i])
			}
			f.values[k], f.errs[k] = v, ignoreMiss(err)
			continue
		}
		n.local.end(key, readings[i])
		if f.final(ctx, err) {
			f.errs[k] = n.store.failure(ctx, f.op, err)
			continue
		}
		if e, ok := err.(serverError); !ok || moved[e.code()] {
			n.routes.outdated()
		}
		again = append(again, k)
	}
	return again
}

// final reports whether the call returns the error. Otherwise the driver reads the key.
func (f *fetch) final(ctx context.Context, err error) bool {
	var g *guard.Error
	return ctx.Err() != nil || f.near.store.closed.Load() || errors.As(err, &g) && g.Kind == guard.Timeout
}

// fill reads the keys that are left through the driver.
func (f *fetch) fill(ctx context.Context) {
	if len(f.rest) == 0 {
		return
	}
	keys := make([]string, len(f.rest))
	for i, k := range f.rest {
		keys[i] = f.keys[k]
	}
	values, errs := f.near.store.GetMulti(ctx, keys)
	for i, k := range f.rest {
		f.values[k] = values[i]
		if errs != nil {
			f.errs[k] = errs[i]
		}
	}
}

// forever is the remaining TTL of a key that does not expire.
const forever = 1<<63 - 1

// timeLeft returns the remaining TTL in a reply to PTTL, and whether the key is present.
func timeLeft(r reply) (left time.Duration, ok bool) {
	if failureOf(r) != nil {
		return 0, false
	}
	switch ms, err := integerOf(valueOf(r)); {
	case err != nil || ms < -1:
		return 0, false
	case ms == -1 || ms > forever/int64(time.Millisecond):
		return forever, true
	default:
		return time.Duration(ms) * time.Millisecond, true
	}
}

// ttlOf returns the TTL to store a value with. The largest TTL has become shorter by the time of
// the call, so a value with more than a century left does not expire.
func ttlOf(left time.Duration) time.Duration {
	if left > forever/2 {
		return 0
	}
	return left
}

// isNumber reports whether a value may be a counter. Those are not kept.
func isNumber(v []byte) bool {
	if len(v) == 0 || len(v) > 20 {
		return false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
