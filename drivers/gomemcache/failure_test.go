package gomemcache_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// short is the timeout of tests in which a server does not reply.
const short = 100 * time.Millisecond

func keyNumber(i int) string { return fmt.Sprintf("key:%d", i) }

// keysOf returns the keys of a map of n of them that are on the i-th server, seen by
// asking that server.
func keysOf(t *testing.T, s *memcachedtest.Server, keys []string) []string {
	t.Helper()
	alone := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	m, err := alone.GetMulti(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(m))
}

func fill(t *testing.T, c *cache.Cache, n int) (keys []string, values map[string][]byte) {
	t.Helper()
	values = make(map[string][]byte, n)
	for i := range n {
		keys = append(keys, keyNumber(i))
		values[keyNumber(i)] = []byte("value of " + keyNumber(i))
	}
	if err := c.SetMulti(t.Context(), values, 0); err != nil {
		t.Fatal(err)
	}
	return keys, values
}

func TestNameThatDoesNotResolve(t *testing.T) {
	const server = "no-such-host.invalid:11211"
	up := memcachedtest.Start(t, "tcp")
	c := open(t, gomemcache.Config{Servers: []string{server, up.Addr()}})
	isOutage(t, c.Ping(t.Context()), cache.OpPing, server)
	keys := []string{keyNumber(0), keyNumber(1), keyNumber(2), keyNumber(3), keyNumber(4), keyNumber(5), keyNumber(6)}
	failed := 0
	for _, k := range keys {
		if err := c.Set(t.Context(), k, nil, 0); err != nil {
			isOutage(t, err, cache.OpSet, server)
			failed++
		}
	}
	if failed == 0 || failed == len(keys) {
		t.Errorf("%d of %d keys failed; a lost server keeps its share", failed, len(keys))
	}
}

// held returns a cache of which n calls wait for their replies, each on a separate
// connection, until reply is called.
func held(t *testing.T, n, maxIdle int) (c *cache.Cache, f *memcachedtest.Fake, reply func()) {
	t.Helper()
	wait := make(chan struct{})
	f = memcachedtest.StartFake(t, script(memcachedtest.Step{Expect: "delete k\r\n", Wait: wait, Reply: "DELETED\r\n"}))
	c = open(t, gomemcache.Config{Servers: []string{f.Addr()}, MaxIdleConns: maxIdle})
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() {
			if err := c.Delete(t.Context(), "k"); err != nil {
				t.Error(err)
			}
		})
	}
	memcachedtest.Eventually(t, "all calls are under way", func() bool { return f.Accepted() == n })
	return c, f, func() { close(wait); calls.Wait() }
}

func TestMaxIdleConns(t *testing.T) {
	for _, tt := range []struct{ calls, maxIdle, kept int }{{20, 5, 5}, {20, 0, 20}, {gomemcache.DefaultMaxIdleConns + 3, 0, gomemcache.DefaultMaxIdleConns}} {
		_, f, reply := held(t, tt.calls, tt.maxIdle)
		reply()
		memcachedtest.Eventually(t, fmt.Sprintf("%d connections are kept", tt.kept), func() bool { return f.Open() == tt.kept })
	}
}
