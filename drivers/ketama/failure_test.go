package ketama_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// keys returns n keys.
func keys(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("key:%d", i)
	}
	return list
}

// valueOf is the value that tests store for a key: it tells whose it is.
func valueOf(key string) []byte { return []byte("value of " + key) }

func valuesOf(keys []string) map[string][]byte {
	values := make(map[string][]byte, len(keys))
	for _, k := range keys {
		values[k] = valueOf(k)
	}
	return values
}

// held returns which of the keys a server holds.
func held(t *testing.T, s *memcachedtest.Server, keys []string) map[string]bool {
	t.Helper()
	on := map[string]bool{}
	for _, k := range keys {
		if len(s.Command("get "+k, "END")) > 1 {
			on[k] = true
		}
	}
	return on
}

func TestUnknownName(t *testing.T) {
	const addr = "no-such-host.invalid:11211"
	c := open(t, ketama.Config{Servers: []string{"no-such-host.invalid"}})
	for _, a := range actions {
		isOutage(t, a.run(t.Context(), c), a.op, addr)
	}
}

func TestServerWithoutCAS(t *testing.T) {
	memcachedtest.WithoutCAS(t, "ketama", func(t *testing.T, server string) *cache.Cache {
		return open(t, ketama.Config{Servers: []string{server}, Timeout: patient})
	})
}

// TestPickle: a value that only Python can read is an error.
func TestPickle(t *testing.T) {
	s := memcachedtest.Start(t, "tcp")
	c := open(t, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient})
	s.Command("set k 1 0 2\r\nN.", "STORED")
	_, err := c.Get(t.Context(), "k")
	isNamed(t, err, cache.OpGet, s.Addr())
	if errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), "pickle") {
		t.Errorf("Get: %v", err)
	}
	if err := c.Set(t.Context(), "l", []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	found, err := c.GetMulti(t.Context(), []string{"k", "l"})
	isNamed(t, err, cache.OpGetMulti, s.Addr())
	if len(found) != 1 || string(found["l"]) != "x" {
		t.Errorf("GetMulti: %q", found)
	}
}

func TestLargeValues(t *testing.T) {
	memcachedtest.LargeValues(t, func(t *testing.T, server string) *cache.Cache {
		return open(t, ketama.Config{Servers: []string{server}, Timeout: patient})
	})
}
