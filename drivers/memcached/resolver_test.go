package memcached_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// list is a resolver whose list the test changes.
type list struct {
	mu      sync.Mutex
	servers []string
	err     error
	asked   int
}

func (l *list) Resolve(context.Context) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	return slices.Clone(l.servers), l.err
}

func (l *list) set(err error, servers ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.servers, l.err = servers, err
}

func (l *list) times() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.asked
}

// serversOf returns the names of the servers in use.
func serversOf(t *testing.T, c *cache.Cache) []string {
	t.Helper()
	st, err := c.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range st.Servers {
		names = append(names, s.Server)
	}
	return names
}

// The first list is used at once. Another one is used when it was found twice in a row. An
// error or an empty list changes nothing. A cache that nobody uses does not ask.
func TestResolver(t *testing.T) {
	t.Parallel()
	servers := memcachedtest.Addrs(memcachedtest.StartN(t, 3, "tcp"))
	outage := errors.New("no resolver today")
	l := &list{err: outage}
	c := open(t, memcached.Config{Resolver: l, PollInterval: time.Second, Timeout: patient})
	ctx := t.Context()
	err := c.Set(ctx, "k", nil, 0)
	if !errors.Is(err, cache.ErrUnavailable) || !errors.Is(err, outage) {
		t.Errorf("without a list: %v", err)
	}
	l.set(nil, servers[:2]...)
	memcachedtest.Eventually(t, "the first list is used", func() bool { return c.Set(ctx, "k", nil, 0) == nil })
	if got := serversOf(t, c); !slices.Equal(got, servers[:2]) {
		t.Errorf("servers %q, want %q", got, servers[:2])
	}

	// Each reply only once, until one comes again.
	for _, next := range []func(){
		func() { l.set(outage) }, func() { l.set(nil) }, func() { l.set(nil, "not valid") },
	} {
		next()
		n := l.times()
		memcachedtest.Eventually(t, "the resolver is asked", func() bool { _ = c.Ping(ctx); return l.times() > n })
		if got := serversOf(t, c); !slices.Equal(got, servers[:2]) {
			t.Errorf("servers %q, want %q", got, servers[:2])
		}
	}
	l.set(nil, servers...)
	n := l.times()
	memcachedtest.Eventually(t, "the new list is used", func() bool { return len(serversOf(t, c)) == 3 })
	if asked := l.times() - n; asked < 2 {
		t.Errorf("the new list was used after it was found %d times, want 2", asked)
	}
	if err := c.SetMulti(ctx, valuesOf([]string{"a", "b", "c", "d", "e", "f"}), 0); err != nil {
		t.Error(err)
	}
	l.set(nil, servers[0])
	memcachedtest.Eventually(t, "one server is left", func() bool { return len(serversOf(t, c)) == 1 })
	if err := c.SetMulti(ctx, valuesOf([]string{"a", "b", "c", "d", "e", "f"}), 0); err != nil {
		t.Error(err)
	}
}

// slow is a resolver that waits for its context.
type slow struct{}

func (slow) Resolve(ctx context.Context) ([]string, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// Callers wait for the first list as long as their contexts, and no longer than the timeout.
func TestSlowResolver(t *testing.T) {
	c := open(t, memcached.Config{Resolver: slow{}, Timeout: 200 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Get(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("the context ended first: %v", err)
	}
	start := time.Now()
	if _, err := c.Get(t.Context(), "k"); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("the timeout ended first: %v", err)
	}
	memcachedtest.Bounded(t, start, 200*time.Millisecond)
	if _, err := c.GetMulti(t.Context(), []string{"k"}); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("GetMulti: %v", err)
	}
}

// clusterList is the reply to "config get cluster".
func clusterList(version int, servers ...string) string {
	var nodes []string
	for _, s := range servers {
		host, port, _ := net.SplitHostPort(s)
		nodes = append(nodes, "|"+host+"|"+port)
	}
	body := fmt.Sprintf("%d\n%s\n", version, strings.Join(nodes, " "))
	return fmt.Sprintf("CONFIG cluster 0 %d\r\n%s\r\nEND\r\n", len(body), body)
}

// The nodes of an ElastiCache or a Memorystore are found by asking its endpoint.
func TestDiscoveryByConfig(t *testing.T) {
	servers := memcachedtest.Addrs(memcachedtest.StartN(t, 3, "tcp"))
	const question = "config get cluster\r\n"
	endpoint := memcachedtest.StartFake(t, func(int) []memcachedtest.Step {
		return []memcachedtest.Step{{Expect: question, Reply: clusterList(7, servers...)}}
	})
	c, err := cache.Open("memcached://" + memcachedtest.FreeAddr(t) + "," + endpoint.Addr() + "?discovery=config&timeout=30s")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := serversOf(t, c)
	slices.Sort(servers)
	if !slices.Equal(got, servers) {
		t.Errorf("servers %q, want %q", got, servers)
	}
	for reply, want := range map[string]string{
		"ERROR\r\n":                                          "unexpected reply",
		"CONFIG cluster 0 -1\r\n":                            "unexpected length",
		"CONFIG cluster 0 99999999\r\n":                      "unexpected length",
		"CONFIG cluster 0 2\r\n7\n\r\nNO\r\n":                "unexpected end",
		"CONFIG cluster 0 4\r\nno\n\n\r\nEND\r\n":            "no version",
		"CONFIG cluster 0 8\r\n7\na|b|c|d\r\nEND\r\n":        "unexpected",
		"CONFIG cluster 0 6\r\n7\na|b\n\r\nEND\r\n":          "host|address|port",
		"CONFIG cluster 0 2\r\n7\n\r\nEND\r\n":               "empty",
		"CONFIG cluster 0 14\r\n7\nh|1.2.3.4|x\n\r\nEND\r\n": "port",
	} {
		bad := memcachedtest.StartFake(t, func(int) []memcachedtest.Step {
			return []memcachedtest.Step{{Expect: question, Reply: reply, Close: true}}
		})
		c := open(t, memcached.Config{Servers: []string{bad.Addr()}, Discovery: memcached.DiscoveryConfig, Timeout: patient})
		if err := c.Ping(t.Context()); !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want it to say %q", reply, err, want)
		}
	}
}
