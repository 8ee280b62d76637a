package memcached

import (
	"context"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// Increment implements [driver.Cache].
func (d *driverCache) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.count(ctx, counting{op: cache.OpIncrement, key: key, delta: delta})
}

// Decrement implements [driver.Cache].
func (d *driverCache) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.count(ctx, counting{op: cache.OpDecrement, key: key, delta: delta})
}

// counting is one change of a counter.
type counting struct {
	op    cache.Op
	key   string
	delta uint64
}

// step does what the server does.
func (k *counting) step(n uint64) uint64 {
	if k.op == cache.OpIncrement {
		return n + k.delta
	}
	return n - min(n, k.delta)
}

// count has the server count. Where it says that the value is not a number, count looks
// itself: the server may be wrong about numbers of 2^63 and more, see
// [memcached.ParseCounter].
func (d *driverCache) count(ctx context.Context, k counting) (uint64, error) {
	n, err := d.countNative(ctx, &k)
	if err != driver.ErrNotNumber {
		return n, err
	}
	first := true
	n, err = memcached.Count(
		func() (uint64, error) {
			if first {
				first = false
				return 0, driver.ErrNotNumber
			}
			return d.countNative(ctx, &k)
		},
		func() (uint64, error) { return d.countLarge(ctx, &k) })
	if err == memcached.ErrCountsChanged {
		err = &driver.Error{Driver: name, Op: k.op, Err: err}
	}
	return n, err
}

func (d *driverCache) countNative(ctx context.Context, k *counting) (uint64, error) {
	verb := protocol.Increment
	if k.op == cache.OpDecrement {
		verb = protocol.Decrement
	}
	s, call, err := d.do(ctx, k.op, &protocol.Request{Verb: verb, Key: k.key, Delta: k.delta})
	if err != nil {
		return 0, err
	}
	n := call.Reply().Number
	err = refused(k.op, s, call.Reply())
	call.Free()
	return n, err
}

// countLarge counts a number of 2^63 or more with compare-and-swap.
func (d *driverCache) countLarge(ctx context.Context, k *counting) (uint64, error) {
	s, call, err := d.do(ctx, k.op, &protocol.Request{Verb: protocol.GetItem, Key: k.key})
	if err != nil {
		return 0, err
	}
	found, id := *call.Reply(), call.Conn()
	call.Free()
	if found.Status != protocol.Found {
		return 0, refused(k.op, s, &found)
	}
	n, err := memcached.LargeCounter(found.Value, found.CAS)
	if err == memcached.ErrNoCAS {
		err = fail(k.op, s, err)
	}
	if err != nil {
		return 0, err
	}
	n = k.step(n)
	call, f := s.DoOn(ctx, id, &protocol.Request{
		Verb: protocol.Swap, Key: k.key, Value: strconv.AppendUint(nil, n, 10),
		Flags: found.Flags, CAS: found.CAS, Expiry: remaining(found.TTL),
	})
	switch {
	case f != nil:
		return 0, d.failed(k.op, s, k.key, f)
	case call == nil:
		return 0, memcached.ErrCountAgain
	}
	defer call.Free()
	if call.Reply().Status == protocol.Exists {
		return 0, memcached.ErrCountAgain
	}
	return n, refused(k.op, s, call.Reply())
}

// remaining returns the expiry that keeps a TTL of so many seconds.
func remaining(seconds int32) int32 {
	if seconds == protocol.NoExpiry {
		return 0
	}
	return memcached.ExpiryFromNow(time.Duration(max(1, seconds)) * time.Second)
}

// IncrementFrom implements [driver.InitialCounter].
func (d *driverCache) IncrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	return d.countFrom(ctx, counting{op: cache.OpIncrement, key: key, delta: delta}, initial, ttl)
}

// DecrementFrom implements [driver.InitialCounter].
func (d *driverCache) DecrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	return d.countFrom(ctx, counting{op: cache.OpDecrement, key: key, delta: delta}, initial, ttl)
}

// countFrom adds the initial value and counts, in one round trip. Ma can store an initial
// value itself, but marks it as bytes, and does not count.
func (d *driverCache) countFrom(ctx context.Context, k counting, initial uint64, ttl time.Duration) (uint64, error) {
	verb := protocol.AddIncrement
	if k.op == cache.OpDecrement {
		verb = protocol.AddDecrement
	}
	var digits [20]byte
	r := protocol.Request{Verb: verb, Delta: k.delta}
	d.fill(&r, &driver.Entry{Key: k.key, Value: strconv.AppendUint(digits[:0], initial, 10), TTL: ttl, Kind: driver.Number})
	s, call, err := d.do(ctx, k.op, &r)
	if err != nil {
		return 0, err
	}
	defer call.Free()
	added, counted := &call.Replies()[0], call.Reply()
	if counted.Status == protocol.Miss && added.Status != protocol.OK && added.Status != protocol.NotStored {
		return 0, refused(k.op, s, added)
	}
	if counted.Status == protocol.NotNumber {
		return d.count(ctx, k)
	}
	return counted.Number, refused(k.op, s, counted)
}
