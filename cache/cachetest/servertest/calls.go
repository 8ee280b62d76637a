package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

// A call is an operation on one key, in a form that all of them share.
type call struct {
	op cache.Op
	do func(ctx context.Context, c *cache.Cache, key string) error

	// idempotent: a driver may send it again if a connection was lost.
	idempotent bool
	// lenient: it may succeed although a reply ends early, because it can send one of
	// several requests again, or has all values before the end of the reply.
	lenient bool
	// counts: it changes a number.
	counts bool
	// absent and present are the errors that it returns where the key is absent, or
	// present with the value of stored.
	absent, present error
}

const ttl = time.Hour

// calls are the operations that need no item read before.
var calls = []call{
	{op: cache.OpGet, idempotent: true, absent: cache.ErrMiss, do: func(ctx context.Context, c *cache.Cache, key string) error {
		v, err := c.Get(ctx, key)
		return checked(v, key, err)
	}},
	{op: cache.OpGetMulti, idempotent: true, lenient: true, absent: cache.ErrMiss, do: func(ctx context.Context, c *cache.Cache, key string) error {
		found, err := c.GetMulti(ctx, []string{key})
		if v, ok := found[key]; ok || err != nil {
			return checked(v, key, err)
		}
		return cache.ErrMiss
	}},
	{op: cache.OpGetAndTouch, idempotent: true, absent: cache.ErrMiss, do: func(ctx context.Context, c *cache.Cache, key string) error {
		v, err := c.GetAndTouch(ctx, key, ttl)
		return checked(v, key, err)
	}},
	{op: cache.OpGetItem, idempotent: true, absent: cache.ErrMiss, do: func(ctx context.Context, c *cache.Cache, key string) error {
		it, err := c.GetItem(ctx, key)
		return checked(it.Value, key, err)
	}},
	{op: cache.OpGetItemMulti, idempotent: true, lenient: true, absent: cache.ErrMiss, do: func(ctx context.Context, c *cache.Cache, key string) error {
		found, err := c.GetItemMulti(ctx, []string{key})
		if it, ok := found[key]; ok || err != nil {
			return checked(it.Value, key, err)
		}
		return cache.ErrMiss
	}},
	{op: cache.OpGetOrAdd, lenient: true, do: func(ctx context.Context, c *cache.Cache, key string) error {
		it, _, err := c.GetOrAdd(ctx, key, valueOf(key), ttl)
		return checked(it.Value, key, err)
	}},
	{op: cache.OpGetOrAddMulti, lenient: true, do: func(ctx context.Context, c *cache.Cache, key string) error {
		found, _, err := c.GetOrAddMulti(ctx, map[string][]byte{key: valueOf(key)}, ttl)
		return checked(found[key].Value, key, err)
	}},
	{op: cache.OpSet, idempotent: true, do: func(ctx context.Context, c *cache.Cache, key string) error {
		return c.Set(ctx, key, valueOf(key), ttl)
	}},
	{op: cache.OpSetMulti, idempotent: true, do: func(ctx context.Context, c *cache.Cache, key string) error {
		return c.SetMulti(ctx, map[string][]byte{key: valueOf(key)}, ttl)
	}},
	{op: cache.OpAdd, present: cache.ErrNotStored, do: func(ctx context.Context, c *cache.Cache, key string) error {
		return c.Add(ctx, key, valueOf(key), ttl)
	}},
	{op: cache.OpAddMulti, present: cache.ErrNotStored, do: func(ctx context.Context, c *cache.Cache, key string) error {
		return c.AddMulti(ctx, map[string][]byte{key: valueOf(key)}, ttl)
	}},
	{op: cache.OpReplace, idempotent: true, absent: cache.ErrNotStored, do: func(ctx context.Context, c *cache.Cache, key string) error {
		return c.Replace(ctx, key, valueOf(key), ttl)
	}},
	{op: cache.OpReplaceMulti, idempotent: true, absent: cache.ErrNotStored, do: func(ctx context.Context, c *cache.Cache, key string) error {
		return c.ReplaceMulti(ctx, map[string][]byte{key: valueOf(key)}, ttl)
	}},
	{op: cache.OpDelete, idempotent: true, absent: cache.ErrMiss, do: func(ctx context.Context, c *cache.Cache, key string) error {
		return c.Delete(ctx, key)
	}},
	{op: cache.OpDeleteMulti, idempotent: true, do: func(ctx context.Context, c *cache.Cache, key string) error {
		return c.DeleteMulti(ctx, []string{key})
	}},
	{op: cache.OpIncrement, counts: true, absent: cache.ErrMiss, do: func(ctx context.Context, c *cache.Cache, key string) error {
		_, err := c.Increment(ctx, key, 1)
		return err
	}},
	{op: cache.OpDecrement, counts: true, absent: cache.ErrMiss, do: func(ctx context.Context, c *cache.Cache, key string) error {
		_, err := c.Decrement(ctx, key, 1)
		return err
	}},
	{op: cache.OpTouch, idempotent: true, absent: cache.ErrMiss, do: func(ctx context.Context, c *cache.Cache, key string) error {
		return c.Touch(ctx, key, ttl)
	}},
	{op: cache.OpPing, idempotent: true, do: func(ctx context.Context, c *cache.Cache, _ string) error {
		return c.Ping(ctx)
	}},
	{op: cache.OpFlush, idempotent: true, do: func(ctx context.Context, c *cache.Cache, _ string) error {
		return c.Flush(ctx)
	}},
}

// errForeign is a value that belongs to another key.
var errForeign = errors.New("it returned the value of another key")

// checked returns err, or errForeign if v is not the value of key.
func checked(v []byte, key string, err error) error {
	if err == nil && !bytes.Equal(v, valueOf(key)) {
		return fmt.Errorf("%w: %.60q", errForeign, v)
	}
	return err
}

// each calls f for each operation that c has.
func each(c *cache.Cache, f func(k call)) {
	for _, k := range calls {
		if c.Supports(k.op) {
			f(k)
		}
	}
}

// stored returns the value that key has if the call is to succeed.
func (k call) stored(key string) []byte {
	if k.counts {
		return []byte("5")
	}
	return valueOf(key)
}

// fits reports whether err is the result of the call on a server that works, if the key is
// present or absent.
func (k call) fits(err error, present bool) bool {
	want := k.absent
	if present {
		want = k.present
	}
	return want == nil && err == nil || want != nil && errors.Is(err, want)
}

// possible reports whether err may be the result of the call on a server that works.
func (k call) possible(err error) bool {
	return k.fits(err, true) || k.fits(err, false) || k.counts && errors.Is(err, cache.ErrNotNumber)
}
