package ketama

import (
	"context"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/fanout"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// Batches do not go through rainycape. It has none but GetMulti, which returns no error where
// a server does not reply, so that an outage looks like misses; which writes all requests
// before it reads a reply, so that both sides wait forever once the buffers between them are
// full; and which ends the program on a reply with bytes missing, because it panics in a
// goroutine that it started.

// batch is one operation on many keys. The functions take the position of a key; reply is
// called by one goroutine for each server.
type batch struct {
	op         cache.Op
	idempotent bool
	key        func(i int) string
	request    func(i int) wire.Request
	reply      func(s *server, i int, r wire.Reply, e epoch.Number) error
	tokens     []memcached.Token // the conditions of swaps; nil if these are not swaps
	errs       []error           // for each key; those that have one at the start are left out
}

// GetMulti implements [driver.Batcher].
func (d *cluster) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	const op = cache.OpGetMulti
	values := make([][]byte, len(keys))
	errs := d.read(ctx, op, keys, func(s *server, i int, r wire.Reply, _ epoch.Number) (err error) {
		values[i], _, err = s.decode(op, keys[i], r)
		return err
	})
	return values, errs
}

// GetItemMulti implements [driver.BatchSwapper].
func (d *cluster) GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, []error) {
	const op = cache.OpGetItemMulti
	items := make([]driver.Item, len(keys))
	errs := d.read(ctx, op, keys, func(s *server, i int, r wire.Reply, e epoch.Number) (err error) {
		items[i], err = s.item(op, keys[i], r, e)
		return err
	})
	return items, errs
}

// read calls found for each key that is present. The result has an error for each key, or is
// nil.
func (d *cluster) read(ctx context.Context, op cache.Op, keys []string, found func(s *server, i int, r wire.Reply, e epoch.Number) error) []error {
	return d.run(ctx, &batch{
		op: op, idempotent: true, errs: make([]error, len(keys)),
		key:     func(i int) string { return keys[i] },
		request: func(i int) wire.Request { return wire.Request{Op: wire.Get, Key: keys[i]} },
		reply: func(s *server, i int, r wire.Reply, e epoch.Number) error {
			if r.Status == wire.OK {
				return found(s, i, r, e)
			}
			return ignoreMiss(s.refusal(op, wire.Get, r.Status))
		},
	})
}

func ignoreMiss(err error) error {
	if err == driver.ErrMiss {
		return nil
	}
	return err
}

// StoreMulti implements [driver.Batcher].
func (d *cluster) StoreMulti(ctx context.Context, mode driver.Mode, entries []driver.Entry) []error {
	op := mode.MultiOp()
	b := &batch{
		op: op, idempotent: mode != driver.Add, errs: make([]error, len(entries)),
		key:     func(i int) string { return entries[i].Key },
		request: func(i int) wire.Request { return d.storeRequest(mode, entries[i]) },
		reply: func(s *server, _ int, r wire.Reply, _ epoch.Number) error {
			return s.refusal(op, storeCommand[mode], r.Status)
		},
	}
	memcached.LeaveOut(entries, b.errs)
	return memcached.ExplainMulti(d.fail, b.op, entries, d.run(ctx, b))
}

// DeleteMulti implements [driver.Batcher].
func (d *cluster) DeleteMulti(ctx context.Context, keys []string) []error {
	const op = cache.OpDeleteMulti
	return d.run(ctx, &batch{
		op: op, idempotent: true, errs: make([]error, len(keys)),
		key:     func(i int) string { return keys[i] },
		request: func(i int) wire.Request { return wire.Request{Op: wire.Delete, Key: keys[i]} },
		reply: func(s *server, _ int, r wire.Reply, _ epoch.Number) error {
			return ignoreMiss(s.refusal(op, wire.Delete, r.Status))
		},
	})
}

// run runs b on all servers at the same time, each with one client of its pool, and returns
// its errors, or nil if there are none.
func (d *cluster) run(ctx context.Context, b *batch) []error {
	parts := fanout.Split(len(b.errs), len(d.servers), func(i int) int {
		if b.errs[i] != nil {
			return -1
		}
		return d.distribution.Pick(b.key(i))
	})
	fanout.Each(parts, func(i int, part []int) {
		if b.tokens != nil {
			d.runSwaps(ctx, d.servers[i], b, part)
			return
		}
		c, err := d.servers[i].acquire(ctx, b.op)
		b.run(c, err, part)
	})
	return fanout.Failures(b.errs)
}

// run sends the requests that part lists through c, unless it could not be acquired. When
// the server fails, its error is that of all keys that have no reply.
func (b *batch) run(c *client, err error, part []int) {
	done := 0
	if err == nil {
		defer c.release()
		var e epoch.Number
		done, err = c.askMany(b.idempotent, len(part),
			func(k int) wire.Request {
				e = c.epoch()
				return b.request(part[k])
			},
			func(k int, r wire.Reply) { b.errs[part[k]] = b.reply(c.server, part[k], r, e) })
	}
	if err != nil {
		for _, i := range part[done:] {
			b.errs[i] = err
		}
	}
}
