package memcached

import (
	"context"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/fanout"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/memcached/internal/cluster"
	"github.com/larder-go/larder/drivers/memcached/internal/conn"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// batch is one operation on many keys. Its functions take the position of a key, and are
// called by one goroutine for each connection.
type batch struct {
	op      cache.Op
	verb    protocol.Verb
	key     func(i int) string
	request func(i int, r *protocol.Request)
	result  func(s *cluster.Server, id uint64, i int, replies []protocol.Reply) error
	token   func(i int) token // nil unless each key has one
	errs    []error           // for each key; those that have one at the start are left out
}

// place is the destination of requests.
type place struct {
	server *cluster.Server
	lane   int
	on     uint64 // the ID of the connection, if it matters
}

// run sends the batch to all servers at once. The result has an error for each key, or is
// nil if there is none.
func (d *driverCache) run(ctx context.Context, b *batch) []error {
	places, parts, err := d.split(ctx, b)
	if err != nil {
		for i, refused := range b.errs {
			if refused == nil {
				b.errs[i] = d.unresolved(ctx, b.op, err, b.key(i))
			}
		}
		return b.errs
	}
	fanout.Each(parts, func(i int, keys []int) { d.runPart(ctx, b, places[i], keys) })
	return fanout.Failures(b.errs)
}

// split groups the keys, as positions in the batch, by the place that they go to.
func (d *driverCache) split(ctx context.Context, b *batch) (places []place, parts [][]int, err error) {
	index := map[place]int{}
	at := -1
	for i, err := range b.errs {
		if err != nil {
			continue
		}
		key := b.key(i)
		s, err := d.cluster.Pick(ctx, key)
		if err != nil {
			return nil, nil, err
		}
		p := place{server: s, lane: s.Lane(key)}
		if b.token != nil {
			p.on = b.token(i).conn
		}
		if at < 0 || p != places[at] { // neighbors often go to the same place
			var ok bool
			if at, ok = index[p]; !ok {
				at = len(places)
				index[p] = at
				places, parts = append(places, p), append(parts, nil)
			}
		}
		parts[at] = append(parts[at], i)
	}
	return places, parts, nil
}

func (d *driverCache) runPart(ctx context.Context, b *batch, p place, keys []int) {
	cb := cluster.Batch{Lane: p.lane, On: p.on}
	cb.Batch = conn.Batch{
		Verb: b.verb, N: len(keys),
		Request: func(i int, r *protocol.Request) { b.request(keys[i], r) },
		Result: func(i int, replies []protocol.Reply) {
			b.errs[keys[i]] = b.result(p.server, cb.ID, keys[i], replies)
		},
	}
	cb.Failed = func(i int, f *cluster.Failure) {
		k := keys[i]
		if f.IsGone() {
			b.errs[k] = driver.ErrConflict // the state in which the item was read is gone
			return
		}
		b.errs[k] = d.failed(b.op, p.server, b.key(k), f)
		if b.op == cache.OpDeleteMulti {
			d.remember(p.server, b.key(k), b.errs[k])
		}
	}
	p.server.DoMany(ctx, &cb)
}

// GetMulti implements [driver.Batcher].
func (d *driverCache) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	const op = cache.OpGetMulti
	values := make([][]byte, len(keys))
	errs := d.run(ctx, &batch{
		op: op, verb: protocol.Get, errs: make([]error, len(keys)),
		key:     func(i int) string { return keys[i] },
		request: func(i int, r *protocol.Request) { r.Key = keys[i] },
		result: func(s *cluster.Server, _ uint64, i int, replies []protocol.Reply) (err error) {
			if replies[0].Status == protocol.Found {
				values[i], _, err = decode(op, s, keys[i], &replies[0])
				return err
			}
			return ignoreMiss(refused(op, s, &replies[0]))
		},
	})
	return values, errs
}

// GetItemMulti implements [driver.BatchSwapper].
func (d *driverCache) GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, []error) {
	const op = cache.OpGetItemMulti
	items := make([]driver.Item, len(keys))
	errs := d.run(ctx, &batch{
		op: op, verb: protocol.GetItem, errs: make([]error, len(keys)),
		key:     func(i int) string { return keys[i] },
		request: func(i int, r *protocol.Request) { r.Key = keys[i] },
		result: func(s *cluster.Server, id uint64, i int, replies []protocol.Reply) (err error) {
			if replies[0].Status == protocol.Found {
				items[i], err = item(op, s, keys[i], id, &replies[0])
				return err
			}
			return ignoreMiss(refused(op, s, &replies[0]))
		},
	})
	return items, errs
}

func ignoreMiss(err error) error {
	if err == driver.ErrMiss {
		return nil
	}
	return err
}

// StoreMulti implements [driver.Batcher].
func (d *driverCache) StoreMulti(ctx context.Context, mode driver.Mode, entries []driver.Entry) []error {
	op := mode.MultiOp()
	return d.run(ctx, d.storeBatch(op, storeVerb[mode], entries))
}

// storeBatch returns a batch that stores entries.
func (d *driverCache) storeBatch(op cache.Op, verb protocol.Verb, entries []driver.Entry) *batch {
	b := &batch{
		op: op, verb: verb, errs: make([]error, len(entries)),
		key:     func(i int) string { return entries[i].Key },
		request: func(i int, r *protocol.Request) { d.fill(r, &entries[i]) },
		result: func(s *cluster.Server, _ uint64, i int, replies []protocol.Reply) error {
			return notStored(op, s, &replies[0], len(entries[i].Value))
		},
	}
	for i := range entries {
		if v := entries[i].Value; len(v) > memcached.MaxValue {
			b.errs[i] = tooLong(op, v)
		}
	}
	return b
}

// DeleteMulti implements [driver.Batcher].
func (d *driverCache) DeleteMulti(ctx context.Context, keys []string) []error {
	const op = cache.OpDeleteMulti
	return d.run(ctx, &batch{
		op: op, verb: protocol.Delete, errs: make([]error, len(keys)),
		key:     func(i int) string { return keys[i] },
		request: func(i int, r *protocol.Request) { r.Key = keys[i] },
		result: func(s *cluster.Server, _ uint64, _ int, replies []protocol.Reply) error {
			return ignoreMiss(refused(op, s, &replies[0]))
		},
	})
}

// GetOrAddMulti implements [driver.BatchSwapper], in one round trip.
func (d *driverCache) GetOrAddMulti(ctx context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	const op = cache.OpGetOrAddMulti
	items, added := make([]driver.Item, len(entries)), make([]bool, len(entries))
	if len(entries) == 1 {
		var err error
		if items[0], added[0], err = d.getOrAdd(ctx, &entries[0]); err != nil {
			return items, added, []error{err}
		}
		return items, added, nil
	}
	verb := protocol.Vivify
	for i := range entries {
		if verb = getOrAddVerb(d.dialect.Encode(entries[i].Kind, entries[i].Value)); verb == protocol.AddGet {
			break
		}
	}
	b := d.storeBatch(op, verb, entries)
	b.result = func(s *cluster.Server, id uint64, i int, replies []protocol.Reply) (err error) {
		items[i], added[i], err = gotOrAdded(op, s, &entries[i], id, replies)
		return err
	}
	errs := d.run(ctx, b)
	return items, added, errs
}

// CompareAndSwapMulti implements [driver.BatchSwapper].
func (d *driverCache) CompareAndSwapMulti(ctx context.Context, tokens []any, entries []driver.Entry) []error {
	const op = cache.OpCompareAndSwapMulti
	b := d.storeBatch(op, protocol.Swap, entries)
	b.request = func(i int, r *protocol.Request) {
		d.fill(r, &entries[i])
		r.CAS = tokens[i].(token).cas
	}
	return d.swapMulti(ctx, b, tokens)
}

// CompareAndDeleteMulti implements [driver.BatchSwapper].
func (d *driverCache) CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error {
	const op = cache.OpCompareAndDeleteMulti
	return d.swapMulti(ctx, &batch{
		op: op, verb: protocol.DeleteIf, errs: make([]error, len(keys)),
		key: func(i int) string { return keys[i] },
		request: func(i int, r *protocol.Request) {
			r.Key, r.CAS = keys[i], tokens[i].(token).cas
		},
		result: func(s *cluster.Server, _ uint64, _ int, replies []protocol.Reply) error {
			return refused(op, s, &replies[0])
		},
	}, tokens)
}

// swapMulti runs a batch whose requests take effect only in the states of tokens.
func (d *driverCache) swapMulti(ctx context.Context, b *batch, tokens []any) []error {
	for i, t := range tokens {
		if b.errs[i] != nil {
			continue
		}
		s, err := d.cluster.Pick(ctx, b.key(i))
		if err != nil {
			b.errs[i] = d.unresolved(ctx, b.op, err, b.key(i))
		} else if _, err := tokenOf(b.op, s, t); err != nil {
			b.errs[i] = err
		}
	}
	b.token = func(i int) token { return tokens[i].(token) }
	return d.run(ctx, b)
}
