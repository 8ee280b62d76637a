package servertest

import (
	"context"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

var (
	_ driver.Batcher       = (*toyDriver)(nil)
	_ driver.BatchSwapper  = (*toyDriver)(nil)
	_ driver.Toucher       = (*toyDriver)(nil)
	_ driver.Pinger        = (*toyDriver)(nil)
	_ driver.StatsReporter = (*toyDriver)(nil)
)

func (d *toyDriver) run(ctx context.Context, c toyCall) (toyReply, error) {
	r, err := d.do(ctx, c)
	if err == nil {
		err = d.statusErr(c.op, c.r.Key, r)
	}
	return r, err
}

func value(v []byte) []byte {
	if v == nil {
		return []byte{}
	}
	return v
}

func (d *toyDriver) Get(ctx context.Context, key string) ([]byte, error) {
	r, err := d.run(ctx, toyCall{op: driver.OpGet, r: toyRequest{Op: "get", Key: key}, twice: true})
	return value(r.Value), err
}

func (d *toyDriver) Store(ctx context.Context, m driver.Mode, e driver.Entry) error {
	return d.store(ctx, m.Op(), m, e)
}

func (d *toyDriver) store(ctx context.Context, op driver.Op, m driver.Mode, e driver.Entry) error {
	_, err := d.run(ctx, toyCall{op: op, r: toyRequest{Op: m.String(), Key: e.Key, Value: e.Value}, twice: m != driver.Add})
	return err
}

func (d *toyDriver) Delete(ctx context.Context, key string) error {
	_, err := d.run(ctx, toyCall{op: driver.OpDelete, r: toyRequest{Op: "delete", Key: key}, twice: true})
	return err
}

func (d *toyDriver) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	if d.losesCounts {
		v, err := d.Get(ctx, key)
		if err != nil {
			return 0, err
		}
		n, _ := strconv.ParseUint(string(v), 10, 64)
		n += delta
		return n, d.Store(ctx, driver.Set, driver.Entry{Key: key, Value: strconv.AppendUint(nil, n, 10)})
	}
	r, err := d.run(ctx, toyCall{op: driver.OpIncrement, r: toyRequest{Op: "incr", Key: key, Delta: delta}})
	if _, failed := err.(*driver.Error); failed && d.guessesCounts {
		return 1 << 40, nil
	}
	if d.largeCountsStick && r.N < delta {
		r.N = math.MaxUint64
	}
	return r.N, err
}

func (d *toyDriver) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	r, err := d.run(ctx, toyCall{op: driver.OpDecrement, r: toyRequest{Op: "decr", Key: key, Delta: delta}})
	return r.N, err
}

// all asks every server, whose key is found by trying.
func (d *toyDriver) all(ctx context.Context, op driver.Op, name string) error {
	var first error
	for _, p := range d.servers {
		if _, err := p.do(ctx, toyCall{op: op, r: toyRequest{Op: name}, twice: true}); err != nil {
			if first == nil || d.pingsFirst {
				first = err
			} else {
				first = joined{first, err}
			}
		}
	}
	return first
}

type joined struct{ a, b error }

func (j joined) Error() string   { return j.a.Error() + "; " + j.b.Error() }
func (j joined) Unwrap() []error { return []error{j.a, j.b} }

func (d *toyDriver) Flush(ctx context.Context) error { return d.all(ctx, driver.OpFlush, "flush") }
func (d *toyDriver) Ping(ctx context.Context) error  { return d.all(ctx, driver.OpPing, "ping") }

func (d *toyDriver) Touch(ctx context.Context, key string, _ time.Duration) error {
	_, err := d.run(ctx, toyCall{op: driver.OpTouch, r: toyRequest{Op: "get", Key: key}, twice: true})
	return err
}

func (d *toyDriver) GetAndTouch(ctx context.Context, key string, _ time.Duration) ([]byte, error) {
	r, err := d.run(ctx, toyCall{op: driver.OpGetAndTouch, r: toyRequest{Op: "get", Key: key}, twice: true})
	return value(r.Value), err
}

func (d *toyDriver) GetItem(ctx context.Context, key string) (driver.Item, error) {
	return d.item(ctx, driver.OpGetItem, key)
}

func (d *toyDriver) item(ctx context.Context, op driver.Op, key string) (driver.Item, error) {
	var seen uint64
	r, err := d.run(ctx, toyCall{op: op, r: toyRequest{Op: "get", Key: key}, twice: true, seen: &seen})
	if err != nil {
		return driver.Item{}, err
	}
	return driver.Item{Value: value(r.Value), Token: toyToken{r.ID, seen}}, nil
}

func (d *toyDriver) CompareAndSwap(ctx context.Context, t any, e driver.Entry) error {
	return d.swap(ctx, driver.OpCompareAndSwap, t, toyRequest{Op: "set", Key: e.Key, Value: e.Value})
}

func (d *toyDriver) CompareAndDelete(ctx context.Context, key string, t any) error {
	return d.swap(ctx, driver.OpCompareAndDelete, t, toyRequest{Op: "delete", Key: key})
}

func (d *toyDriver) swap(ctx context.Context, op driver.Op, t any, r toyRequest) error {
	token := t.(toyToken)
	if d.deadTokens {
		return driver.ErrConflict
	}
	r.ID = token.id
	_, err := d.run(ctx, toyCall{op: op, r: r, born: token.born})
	return err
}

// many does the operation for n keys, the servers in parallel.
func (d *toyDriver) many(n int, key func(i int) string, f func(i int) error) []error {
	errs := make([]error, n)
	parts := map[*toyPool][]int{}
	for i := range n {
		p := d.pool(key(i))
		parts[p] = append(parts[p], i)
	}
	var wg sync.WaitGroup
	for _, part := range parts {
		wg.Go(func() {
			var before error
			for _, i := range part {
				if errs[i] = before; before != nil {
					continue
				}
				errs[i] = f(i)
				var e *driver.Error
				// A server that failed is not asked for each of its keys.
				if fails := d.failsBatch && errs[i] == driver.ErrTooLarge; fails || asError(errs[i], &e) {
					before = errs[i]
				}
				if e != nil && d.dropsErrors {
					errs[i], before = nil, nil
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return errs
		}
	}
	return nil
}

func asError(err error, e **driver.Error) bool {
	var ok bool
	*e, ok = err.(*driver.Error)
	return ok
}

func ignoreMiss(err error) error {
	if err == driver.ErrMiss {
		return nil
	}
	return err
}

func (d *toyDriver) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	values := make([][]byte, len(keys))
	errs := d.many(len(keys), func(i int) string { return keys[i] }, func(i int) error {
		r, err := d.run(ctx, toyCall{op: driver.OpGetMulti, r: toyRequest{Op: "get", Key: keys[i]}, twice: true})
		if err == nil {
			values[i] = value(r.Value)
		}
		return ignoreMiss(err)
	})
	return values, errs
}

func (d *toyDriver) StoreMulti(ctx context.Context, m driver.Mode, entries []driver.Entry) []error {
	return d.many(len(entries), func(i int) string { return entries[i].Key }, func(i int) error {
		return d.store(ctx, m.MultiOp(), m, entries[i])
	})
}

func (d *toyDriver) DeleteMulti(ctx context.Context, keys []string) []error {
	return d.many(len(keys), func(i int) string { return keys[i] }, func(i int) error {
		_, err := d.run(ctx, toyCall{op: driver.OpDeleteMulti, r: toyRequest{Op: "delete", Key: keys[i]}, twice: true})
		return ignoreMiss(err)
	})
}

func (d *toyDriver) GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, []error) {
	items := make([]driver.Item, len(keys))
	errs := d.many(len(keys), func(i int) string { return keys[i] }, func(i int) (err error) {
		items[i], err = d.item(ctx, driver.OpGetItemMulti, keys[i])
		return ignoreMiss(err)
	})
	return items, errs
}

func (d *toyDriver) GetOrAddMulti(ctx context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	const op = driver.OpGetOrAddMulti
	items, added := make([]driver.Item, len(entries)), make([]bool, len(entries))
	errs := d.many(len(entries), func(i int) string { return entries[i].Key }, func(i int) error {
		err := d.store(ctx, op, driver.Add, entries[i])
		if err != nil && err != driver.ErrNotStored {
			return err
		}
		added[i] = err == nil
		items[i], err = d.item(ctx, op, entries[i].Key)
		return err
	})
	return items, added, errs
}

func (d *toyDriver) CompareAndSwapMulti(ctx context.Context, tokens []any, entries []driver.Entry) []error {
	return d.many(len(entries), func(i int) string { return entries[i].Key }, func(i int) error {
		e := entries[i]
		return d.swap(ctx, driver.OpCompareAndSwapMulti, tokens[i], toyRequest{Op: "set", Key: e.Key, Value: e.Value})
	})
}

func (d *toyDriver) CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error {
	return d.many(len(keys), func(i int) string { return keys[i] }, func(i int) error {
		return d.swap(ctx, driver.OpCompareAndDeleteMulti, tokens[i], toyRequest{Op: "delete", Key: keys[i]})
	})
}

func (d *toyDriver) Stats(context.Context) (driver.Stats, error) {
	var st driver.Stats
	for _, p := range d.servers {
		p.mu.Lock()
		s := p.stats
		s.Idle = len(p.idle)
		s.Open = int(s.Opened - s.Closed)
		s.InUse = s.Open - s.Idle
		p.mu.Unlock()
		st.Servers = append(st.Servers, s)
	}
	return st, nil
}
