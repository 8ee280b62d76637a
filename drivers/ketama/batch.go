package ketama

import (
	"context"
	"sync"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// Batches do not go through rainycape. It has none but GetMulti, which gives no error
// where a server does not answer, so that an outage looks like misses; which writes all
// requests before it reads a reply, so that both sides wait for ever once the buffers
// between them are full; and which ends the program on a reply with bytes missing,
// since it panics in a goroutine of its own.

// GetMulti implements [driver.Batcher].
func (d *cluster) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	const op = cache.OpGetMulti
	values := make([][]byte, len(keys))
	errs := d.read(ctx, op, keys, func(s *server, i int, r wire.Reply) (err error) {
		values[i], _, err = s.decode(op, r.Value, r.Flags)
		return err
	})
	return values, errs
}

// GetItemMulti implements [driver.BatchSwapper].
func (d *cluster) GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, []error) {
	const op = cache.OpGetItemMulti
	items := make([]driver.Item, len(keys))
	errs := d.read(ctx, op, keys, func(s *server, i int, r wire.Reply) (err error) {
		items[i], err = s.item(op, r)
		return err
	})
	return items, errs
}

// read calls found for each key that is present. The result has an error for each key, or is
// nil.
func (d *cluster) read(ctx context.Context, op cache.Op, keys []string, found func(s *server, i int, r wire.Reply) error) []error {
	b := batch{
		op: op, repeatable: true, errs: make([]error, len(keys)),
		key:     func(i int) string { return keys[i] },
		request: func(i int) wire.Request { return wire.Request{Op: wire.Get, Key: keys[i]} },
		reply: func(s *server, i int, r wire.Reply) error {
			if r.Status == wire.OK {
				return found(s, i, r)
			}
			return ignoreMiss(s.refusal(op, wire.Get, r.Status))
		},
	}
	d.run(ctx, &b)
	return b.failures()
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
	b := batch{
		op: op, repeatable: mode != driver.Add, errs: make([]error, len(entries)),
		key:     func(i int) string { return entries[i].Key },
		request: func(i int) wire.Request { return d.storeRequest(mode, entries[i]) },
		reply: func(s *server, i int, r wire.Reply) error {
			return s.refusal(op, storeCommand[mode], r.Status)
		},
	}
	for i := range entries {
		if len(entries[i].Value) > memcached.MaxValue {
			b.errs[i] = driver.ErrTooLarge
		}
	}
	d.run(ctx, &b)
	return b.failures()
}

// DeleteMulti implements [driver.Batcher].
func (d *cluster) DeleteMulti(ctx context.Context, keys []string) []error {
	const op = cache.OpDeleteMulti
	b := batch{
		op: op, repeatable: true, errs: make([]error, len(keys)),
		key:     func(i int) string { return keys[i] },
		request: func(i int) wire.Request { return wire.Request{Op: wire.Delete, Key: keys[i]} },
		reply: func(s *server, i int, r wire.Reply) error {
			return ignoreMiss(s.refusal(op, wire.Delete, r.Status))
		},
	}
	d.run(ctx, &b)
	return b.failures()
}

// CompareAndDeleteMulti implements [driver.BatchSwapper]. Like CompareAndDelete it is
// not repeatable: the second would find nothing where the first has deleted.
func (d *cluster) CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error {
	const op = cache.OpCompareAndDeleteMulti
	b := batch{
		op: op, errs: make([]error, len(keys)),
		key: func(i int) string { return keys[i] },
		request: func(i int) wire.Request {
			return wire.Request{Op: wire.Delete, Key: keys[i], CAS: uint64(tokens[i].(memcached.Token))}
		},
		reply: func(s *server, i int, r wire.Reply) error {
			return s.refusal(op, wire.Delete, r.Status)
		},
	}
	for i, t := range tokens {
		if _, err := memcached.CASID(t); err != nil {
			b.errs[i] = d.servers[d.position(keys[i])].fail(op, err)
		}
	}
	d.run(ctx, &b)
	return b.failures()
}

// GetOrAddMulti implements [driver.BatchSwapper]: it adds, and then reads what is there.
func (d *cluster) GetOrAddMulti(ctx context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	return memcached.GetOrAddMulti(ctx, d, entries)
}

// CompareAndSwapMulti implements [driver.BatchSwapper].
func (d *cluster) CompareAndSwapMulti(ctx context.Context, tokens []any, entries []driver.Entry) []error {
	errs := make([]error, len(entries))
	for i, e := range entries {
		errs[i] = d.CompareAndSwap(ctx, tokens[i], e)
	}
	return errs
}

// batch is one operation on many keys. The functions take the position of a key; reply
// is called by one goroutine for each server.
type batch struct {
	op         cache.Op
	repeatable bool
	key        func(i int) string
	request    func(i int) wire.Request
	reply      func(s *server, i int, r wire.Reply) error
	errs       []error // for each key; those that have one at the start are left out
}

// part is what one server has to do in a batch.
type part struct {
	server *server
	keys   []int // positions in the batch
}

// run asks all servers at the same time, each with one client of its pool.
func (d *cluster) run(ctx context.Context, b *batch) {
	parts := d.split(b)
	if len(parts) == 1 {
		b.run(ctx, parts[0])
		return
	}
	var wg sync.WaitGroup
	for _, p := range parts {
		wg.Go(func() { b.run(ctx, p) })
	}
	wg.Wait()
}

// split gives each key of a batch to its server.
func (d *cluster) split(b *batch) []*part {
	byServer := make([]*part, len(d.servers))
	var parts []*part
	for i, err := range b.errs {
		if err != nil {
			continue
		}
		at := d.position(b.key(i))
		p := byServer[at]
		if p == nil {
			p = &part{server: d.servers[at]}
			byServer[at] = p
			parts = append(parts, p)
		}
		p.keys = append(p.keys, i)
	}
	return parts
}

// run does the part of one server. When it stops answering, that error stands for all
// the keys that are left of it.
func (b *batch) run(ctx context.Context, p *part) {
	done := 0
	c, err := p.server.acquire(ctx, b.op)
	if err == nil {
		defer c.release()
		done, err = c.doMany(ctx, b.op, b.repeatable, len(p.keys),
			func(k int) wire.Request { return b.request(p.keys[k]) },
			func(k int, r wire.Reply) { b.errs[p.keys[k]] = b.reply(p.server, p.keys[k], r) })
	}
	if err != nil {
		for _, i := range p.keys[done:] {
			b.errs[i] = err
		}
	}
}

// failures returns the errors, or nil if there are none.
func (b *batch) failures() []error {
	for _, err := range b.errs {
		if err != nil {
			return b.errs
		}
	}
	return nil
}
