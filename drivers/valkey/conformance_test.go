package valkey_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// every runs what is the same for several servers on each of them: go test -every.
var every = flag.Bool("every", false, "run all tests on every server, in every way to reach it")

// eachOrAny is for tests that cost much and do not depend on the server: it runs them on one
// of the servers, with -every on each.
func eachOrAny(t *testing.T, test func(t *testing.T, b valkeytest.Binary)) {
	t.Helper()
	if *every {
		valkeytest.Each(t, test)
		return
	}
	test(t, valkeytest.Any(t))
}

// A way is one to reach servers.
type way struct {
	name   string
	always bool // without -every, on Any
	config func(t *testing.T, b valkeytest.Binary) (valkey.Config, []*valkeytest.Server)
}

var ways = []way{
	{"tcp", false, func(t *testing.T, b valkeytest.Binary) (valkey.Config, []*valkeytest.Server) {
		s := valkeytest.Start(t, b, "tcp")
		return config(s), []*valkeytest.Server{s}
	}},
	{"tls", false, func(t *testing.T, b valkeytest.Binary) (valkey.Config, []*valkeytest.Server) {
		certs := memcachedtest.NewCertificates(t)
		s := valkeytest.StartTLS(t, b, certs)
		cfg := config(s)
		cfg.TLS = certs.Client(t)
		return cfg, []*valkeytest.Server{s}
	}},
	{"cluster", true, func(t *testing.T, b valkeytest.Binary) (valkey.Config, []*valkeytest.Server) {
		cl := valkeytest.StartCluster(t, b, 3)
		return valkey.Config{Servers: cl.Addrs(), Cluster: true, FlushDatabase: true, Timeout: patient}, cl.Servers
	}},
	{"sentinel", false, func(t *testing.T, b valkeytest.Binary) (valkey.Config, []*valkeytest.Server) {
		w := valkeytest.StartWatched(t, b)
		return valkey.Config{
			Servers: []string{w.Sentinel.Addr()}, Sentinel: valkeytest.PrimaryName, FlushDatabase: true, Timeout: patient,
		}, w.Servers[:1]
	}},
}

// TestConformance runs the contract over a unix socket, in a database that is not the
// first, with a prefix that has what means something in patterns, and as a user who is
// allowed what the documentation asks for.
func TestConformance(t *testing.T) {
	t.Parallel()
	valkeytest.Each(t, func(t *testing.T, b valkeytest.Binary) {
		if strings.HasPrefix(b.Name, "valkey-") && !*every {
			t.Log("TestConformanceWays uses this server")
			return
		}
		s := valkeytest.Start(t, b, "unix")
		const prefix = "a[*b:"
		addUser(s, `a\[\*b:*`, "")
		conformance(t, valkey.Config{
			Servers: []string{s.Addr()}, User: appUser, Password: appPassword, DB: 3, Prefix: prefix, Timeout: patient,
		}, []*valkeytest.Server{s}, false)
	})
}

// TestConformanceWays runs what of the contract the driver does in the other ways to reach
// servers.
func TestConformanceWays(t *testing.T) {
	t.Parallel()
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		for _, w := range ways {
			if w.always || *every {
				t.Run(w.name, func(t *testing.T) {
					cfg, servers := w.config(t, b)
					conformance(t, cfg, servers, true)
				})
			}
		}
	})
}

// conformance runs the contract beside other tests.
func conformance(t *testing.T, cfg valkey.Config, servers []*valkeytest.Server, driverOnly bool) {
	t.Parallel()
	outage := func(t *testing.T) *cache.Cache {
		down := cfg
		down.Servers = []string{memcachedtest.FreeAddr(t)}
		return open(t, down)
	}
	o := cachetest.Options{Granularity: time.Millisecond, Outage: outage, Unreadable: spoil(cfg, servers), DriverOnly: driverOnly}
	if driverOnly {
		cfg.MaxValue, o.MaxValue = 1<<20, 1<<20
	}
	cachetest.Run(t, func(t *testing.T) *cache.Cache { return empty(t, cfg) }, o)
}

// spoil returns a function that makes key a list, which the driver cannot read.
func spoil(cfg valkey.Config, servers []*valkeytest.Server) func(t *testing.T, key string) {
	source := "redis.call('DEL', KEYS[1]) return redis.call('RPUSH', KEYS[1], 'v')"
	if cfg.DB != 0 {
		source = fmt.Sprintf("redis.call('SELECT', %d) ", cfg.DB) + source
	}
	return func(t *testing.T, key string) {
		t.Helper()
		for _, s := range servers {
			// A node that does not have the slot replies with an error.
			if n, err := s.Try("EVAL", source, "1", cfg.Prefix+key); err == nil && n == int64(1) {
				return
			}
		}
		t.Fatalf("no server has made %q a list", key)
	}
}
