package load_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/load"
)

// With any bytes at a key, such as those of an attacker, a Get returns the value in them, or one
// that it loads after at most one lease. The fast path for caches in the process, which parses headers
// by itself, and GetMulti agree with it.
func FuzzItem(f *testing.F) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() // in a bubble
	const forever = int64(1<<63 - 1)
	tags := map[string]uint64{"~a": 7, "~b": 8}
	for _, item := range []string{
		"plain", "\xfelr", "\xfelr\x01\x00\x00\xff", "\xfelr\x01\x00\x01\x00",
		load.Item("v", 0, 0, 0, 0, 0, nil), load.Item("v", 0, 0, 0, 0, 0, tags),
		"\xfelr\x01\x01\x00\x00", load.Item("v", now-1, now+1000, now+2000, 0, 0, nil), load.Item("v", forever, forever, forever, 1, forever, tags),
		load.Item("v", 1, 1, forever, 1, forever, nil), load.Item("v", -forever, -forever, -forever, 1, -forever, nil),
		"\xfelr\x01\x02\x02\x00\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01", // a lease forever
	} {
		f.Add([]byte(item), false)
		f.Add([]byte(item), true)
	}
	good := func(err error) bool { return err == nil || errors.Is(err, load.ErrNotFound) } // items can say so
	f.Fuzz(func(t *testing.T, item []byte, hook bool) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			c := newMemory(t)
			if err := c.SetMulti(ctx, map[string][]byte{"k": item, "many": item, "~a": []byte(load.Record(7))}, 0); err != nil {
				t.Skip(err)
			}
			if hook {
				c = c.WithHook(nop{})
			}
			const lease = 10 * time.Second
			l := newLoader(t, c, load.Config[[]byte]{TTL: time.Hour, RefreshAfter: time.Minute, KeepStale: time.Hour, Lease: lease})
			began := time.Now()
			v, err := l.Get(ctx, "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) { return []byte("loaded"), nil })
			if took := time.Since(began); !good(err) || took > lease+time.Second {
				t.Errorf("Get: %q, %v after %v; want a value after at most one lease of %v", v, err, took, lease)
			}
			found := err == nil
			values, err := l.GetMulti(ctx, []string{"many"}, func(context.Context, *load.Entries[[]byte], []string) (map[string][]byte, error) {
				return map[string][]byte{"many": []byte("loaded")}, nil
			})
			if many, ok := values["many"]; err != nil || ok != found || string(many) != string(v) {
				t.Errorf("GetMulti: %q, %v, %v; want %q, %v, as Get returned", many, ok, err, v, found)
			}
			synctest.Wait()
			if v, err := l.Get(ctx, "k", nil); !good(err) {
				t.Errorf("the next Get: %q, %v; want a value", v, err)
			}
		})
	})
}
