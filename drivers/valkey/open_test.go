package valkey_test

import (
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

func TestMain(m *testing.M) { memcachedtest.Main(m) }

// patient is a timeout for tests that are not about timeouts: the machine may be busy.
const patient = 30 * time.Second

func open(t testing.TB, cfg valkey.Config) *cache.Cache {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = patient
	}
	c, err := valkey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// config is for the server of a test, which has it for itself.
func config(s *valkeytest.Server) valkey.Config {
	return valkey.Config{Servers: []string{s.Addr()}, FlushDatabase: true, Timeout: patient}
}

// empty opens a cache and flushes it.
func empty(t testing.TB, cfg valkey.Config) *cache.Cache {
	t.Helper()
	c := open(t, cfg)
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}

// raw returns the value on the server.
func raw(t testing.TB, s *valkeytest.Server, key string) string {
	t.Helper()
	v, ok := s.Do("GET", key).(string)
	if !ok {
		t.Fatalf("%s is not on the server", key)
	}
	return v
}

func digits(n int) string { return strings.Repeat("9", n) }

// cutAddr cuts an address into host and port.
func cutAddr(addr string) (host, port string, ok bool) { return strings.Cut(addr, ":") }
