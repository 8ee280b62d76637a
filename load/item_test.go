package load_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/load"
)

// Whatever bytes an attacker stores at a key, a Get returns: the value in them, or one that it
// loads after at most one lease. The fast path for caches in the process, which parses headers
// by itself, and GetMulti agree with it.
func FuzzItem(f *testing.F) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli() // in a bubble
	const forever = int64(1<<63 - 1)
	tags := map[string]uint64{"~a": 7, "~b": 8}
	for _, item := range []string{
		"plain", "\xfelr", "\xfelr\x01\x00\x00\xff", "\xfelr\x01\x00\x01\x00",
		load.Item("v", 0, 0, 0, 0, 0, nil), load.Item("v", 0, 0, 0, 0, 0, tags),
		load.Item("v", now-1, now+1000, now+2000, 0, 0, nil), load.Item("v", forever, forever, forever, 1, forever, tags),
		load.Item("v", 1, 1, forever, 1, forever, nil), load.Item("v", -forever, -forever, -forever, 1, -forever, nil),
		"\xfelr\x01\x02\x02\x00\x7f\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x00\x01", // a lease for ever
	} {
		f.Add([]byte(item), false)
		f.Add([]byte(item), true)
	}
	f.Fuzz(func(t *testing.T, item []byte, hook bool) {
		synctest.Test(t, func(t *testing.T) {
			ctx := context.Background()
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
			if took := time.Since(began); err != nil || took > lease+time.Second {
				t.Errorf("Get: %q, %v after %v; want a value after at most one lease of %v", v, err, took, lease)
			}
			values, err := l.GetMulti(ctx, []string{"many"}, func(context.Context, *load.Entries[[]byte], []string) (map[string][]byte, error) {
				return map[string][]byte{"many": []byte("loaded")}, nil
			})
			if err != nil || string(values["many"]) != string(v) {
				t.Errorf("GetMulti: %q, %v; want %q, as Get returned", values["many"], err, v)
			}
			synctest.Wait()
			if v, err := l.Get(ctx, "k", nil); err != nil {
				t.Errorf("the next Get: %q, %v; want a value", v, err)
			}
		})
	})
}
