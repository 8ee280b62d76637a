package valkey_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest/servertest"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// TestServers runs the fault suite on each server, and where the suite wants several
// servers, on a cluster of them.
func TestServers(t *testing.T) {
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		t.Parallel()
		h := &harness{binary: b, servers: map[string]*server{}}
		servertest.Run(t, servertest.Options{
			Start: func(t *testing.T) servertest.Server { return h.start(t) },
			StartLimited: func(t *testing.T, n int) servertest.Server {
				return h.start(t, "--maxclients", strconv.Itoa(n))
			},
			Open:     h.open,
			TooLarge: maxValue + 1,
		})
	})
}

// maxValue is the limit of the caches in the fault suite.
const maxValue = 16 << 20

// harness starts servers for the fault suite.
type harness struct {
	binary valkeytest.Binary

	mu      sync.Mutex
	servers map[string]*server
}

// A server is a server as the fault suite wants it.
type server struct {
	*valkeytest.Server
	cluster *valkeytest.Cluster // nil: it is alone
}

func (h *harness) start(t *testing.T, args ...string) *server {
	s := &server{Server: valkeytest.Start(t, h.binary, "tcp", args...)}
	if len(args) == 0 {
		// A server knows the scripts, as it does after the first minute: the cases that
		// cut replies off want calls that get one reply.
		c := open(t, config(s.Server))
		warm(t, c)
		if err := c.Close(); err != nil { // the cases count connections
			t.Fatal(err)
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.servers[s.Addr()] = s
	return s
}

// warm runs each script.
func warm(t *testing.T, c *cache.Cache) {
	t.Helper()
	ctx := t.Context()
	it, _, err := c.GetOrAdd(ctx, "warm", []byte("1"), 0)
	errs := []error{err, c.CompareAndSwap(ctx, it, []byte("1"), 0), c.Touch(ctx, "warm", 0)}
	it, err = c.GetItem(ctx, "warm")
	errs = append(errs, err, c.CompareAndDelete(ctx, it))
	if _, err := c.Increment(ctx, "warm", 1); !errors.Is(err, cache.ErrMiss) {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// open opens a cache: on several servers, it first makes a cluster of them. On one server
// of a cluster it is a cache of what that server holds.
func (h *harness) open(t *testing.T, c servertest.Config) *cache.Cache {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	cfg := valkey.Config{
		Servers: c.Servers, Timeout: c.Timeout, FlushDatabase: true, MaxValue: maxValue, Cluster: len(c.Servers) > 1,
	}
	first := h.servers[c.Servers[0]]
	if !cfg.Cluster && first != nil && first.cluster != nil {
		return cache.New(alone{first}, cache.Options{Name: "alone"})
	}
	if cfg.Cluster && first.cluster == nil {
		h.join(t, c.Servers)
	}
	k, err := valkey.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// join makes a cluster of servers. None of them is considered failed for as long as a case
// takes.
func (h *harness) join(t *testing.T, addrs []string) {
	t.Helper()
	var plain []*valkeytest.Server
	for _, a := range addrs {
		plain = append(plain, h.servers[a].Server)
	}
	c := valkeytest.JoinCluster(t, plain, "--cluster-node-timeout", "120000")
	seeds := make([]string, len(addrs))
	copy(seeds, addrs)
	warm := open(t, valkey.Config{Servers: seeds, Cluster: true, Timeout: patient, FlushDatabase: true})
	for i := range 100 {
		if _, _, err := warm.GetOrAdd(t.Context(), strconv.Itoa(i), nil, 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(warm.Flush(t.Context()), warm.Close()); err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		h.servers[a].cluster = c
	}
}

func (s *server) Freeze() { s.Pause() }
func (s *server) Thaw()   { s.Resume() }

func (s *server) Restart() {
	s.Server.Restart()
	if s.cluster != nil {
		s.cluster.WaitServed()
	}
}

// Connections does not count the one that asks.
func (s *server) Connections() int { return s.Info("connected_clients") - 1 }

// alone is a cache of what one server of a cluster holds, for looking.
type alone struct{ *server }

var errLooks = errors.New("this cache is for looking")

// Get returns what is on the server. A key that belongs to another one is a miss.
func (a alone) Get(_ context.Context, key string) ([]byte, error) {
	c := a.cluster
	if c.Servers[c.Owner(key)] != a.Server {
		return nil, driver.ErrMiss
	}
	v, ok := a.Do("GET", key).(string)
	if !ok {
		return nil, driver.ErrMiss
	}
	return []byte(v), nil
}

func (alone) Store(context.Context, driver.Mode, driver.Entry) error { return errLooks }
func (alone) Delete(context.Context, string) error                   { return errLooks }
func (alone) Increment(context.Context, string, uint64) (uint64, error) {
	return 0, errLooks
}
func (alone) Decrement(context.Context, string, uint64) (uint64, error) {
	return 0, errLooks
}
func (alone) Flush(context.Context) error { return errLooks }
func (alone) Close() error                { return nil }
