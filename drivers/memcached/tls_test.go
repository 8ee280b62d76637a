package memcached_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// filesOf returns the files of a client.
func filesOf(c *memcachedtest.Certificates) memcached.TLSFiles {
	return memcached.TLSFiles{CA: c.File("ca.pem"), Cert: c.File("client.pem"), Key: c.File("client.key")}
}

func TestConformanceOverTLS(t *testing.T) {
	t.Parallel()
	certs := memcachedtest.NewCertificates(t)
	trust := filesOf(certs)
	for _, n := range []int{1, 5} {
		if n > 1 && !*all {
			continue
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var servers []*memcachedtest.Server
			for range n {
				servers = append(servers, memcachedtest.StartTLS(t, certs))
			}
			cfg := memcached.Config{Servers: memcachedtest.Addrs(servers), Timeout: patient, TLSFiles: &trust}
			o := options(cfg)
			o.DriverOnly = !*all
			cachetest.Run(t, func(t *testing.T) *cache.Cache { return empty(t, cfg) }, o)
		})
	}
}

func TestTLS(t *testing.T) {
	certs := memcachedtest.NewCertificates(t)
	s := memcachedtest.StartTLS(t, certs)
	trust := filesOf(certs)
	named := trust
	named.ServerName = memcachedtest.ServerName
	wrongName := trust
	wrongName.ServerName = "other.test"
	anonymous := memcached.TLSFiles{CA: certs.File("ca.pem")}
	for _, tt := range []struct {
		name  string
		files *memcached.TLSFiles
		want  string // in the error; empty if it works
	}{
		{"by address", &trust, ""},
		{"by name", &named, ""},
		{"another name", &wrongName, "other.test"},
		{"the authorities of the system", &memcached.TLSFiles{}, "certificate"},
		{"no certificate of the client", &anonymous, ""},
		{"no TLS", nil, "TLS"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := memcached.Config{Servers: []string{s.Addr()}, TLSFiles: tt.files, Timeout: patient}
			c, err := cache.Open(config.FormatDSN())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			err = c.Set(t.Context(), "k", make([]byte, 100_000), 0)
			if tt.want != "" || tt.files == &anonymous {
				memcachedtest.IsOutage(t, err, "memcached", cache.OpSet, s.Addr())
				if err != nil && !strings.Contains(err.Error(), tt.want) {
					t.Errorf("error %v; want it to say %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if v, err := c.Get(t.Context(), "k"); err != nil || len(v) != 100_000 {
				t.Errorf("Get: %d bytes, %v", len(v), err)
			}
		})
	}
	t.Run("a configuration of the program", func(t *testing.T) {
		config := certs.Client(t)
		config.ServerName = ""
		c := open(t, memcached.Config{Servers: []string{s.Addr()}, TLS: config})
		if err := c.Set(t.Context(), "k", []byte("v"), 0); err != nil {
			t.Error(err)
		}
		if config.ServerName != "" || config.DynamicRecordSizingDisabled {
			t.Errorf("the configuration of the program was changed: %+v", config)
		}
	})
	t.Run("a server that is silent", func(t *testing.T) {
		f := memcachedtest.StartFake(t, func(int) []memcachedtest.Step { return nil })
		c := open(t, memcached.Config{Servers: []string{f.Addr()}, TLSFiles: &trust, Timeout: 100 * time.Millisecond})
		start := time.Now()
		memcachedtest.IsOutage(t, c.Ping(t.Context()), "memcached", cache.OpPing, f.Addr())
		memcachedtest.Bounded(t, start, 100*time.Millisecond)
		memcachedtest.Eventually(t, "the connection is closed", func() bool { return f.Open() == 0 })
	})
	t.Run("restarted", func(t *testing.T) {
		c := open(t, memcached.Config{Servers: []string{s.Addr()}, TLSFiles: &trust})
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Restart()
		if _, err := c.Get(t.Context(), "k"); !errors.Is(err, cache.ErrMiss) {
			t.Errorf("Get: %v, want a miss", err)
		}
	})
}

// Connections that the server closes because they are idle are noticed before a call that
// must not be done twice is sent.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	certs := memcachedtest.NewCertificates(t)
	trust := filesOf(certs)
	for name, c := range map[string]*cache.Cache{
		"TLS":   open(t, memcached.Config{Servers: []string{memcachedtest.StartTLS(t, certs, "-o", "idle_timeout=1").Addr()}, TLSFiles: &trust, Timeout: patient}),
		"plain": open(t, memcached.Config{Servers: []string{memcachedtest.Start(t, "tcp", "-o", "idle_timeout=1").Addr()}, Timeout: patient}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := c.Set(t.Context(), "n", []byte("0"), 0); err != nil {
				t.Fatal(err)
			}
			closed := func() bool {
				st, err := c.Stats(t.Context())
				return err == nil && st.Servers[0].Closed > 0
			}
			for deadline := time.Now().Add(patient); !closed(); time.Sleep(5 * time.Second) { // the server looks once a second, or is late
				if time.Now().After(deadline) {
					t.Fatal("the server does not close idle connections")
				}
				if _, err := c.Increment(t.Context(), "n", 1); err != nil {
					t.Fatalf("Increment: %v", err)
				}
				if err := c.Delete(t.Context(), "absent"); !errors.Is(err, cache.ErrMiss) {
					t.Fatalf("Delete: %v", err)
				}
			}
		})
	}
}

// Many large requests at once do not wait for more data to arrive, as they may in memcached
// before 1.6.39 where a record of TLS ends within a value.
func TestPipelinedSetsOverTLS(t *testing.T) {
	certs := memcachedtest.NewCertificates(t)
	trust := filesOf(certs)
	c := open(t, memcached.Config{Servers: []string{memcachedtest.StartTLS(t, certs, "-m", "256").Addr()}, TLSFiles: &trust, Timeout: patient})
	for _, size := range []int{10, 100, 1000, 5000, 20_000, 300_000} {
		values := map[string][]byte{}
		for i := range min(500, 3_000_000/size) {
			values[fmt.Sprint("k", i)] = bytes.Repeat([]byte{byte(i)}, size+i%17)
		}
		start := time.Now()
		for range 2 {
			if err := c.SetMulti(t.Context(), values, 0); err != nil {
				t.Fatal(err)
			}
		}
		for k, v := range values {
			if _, _, err := c.GetOrAdd(t.Context(), k, v, 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.DeleteMulti(t.Context(), sorted(values)); err != nil {
			t.Fatal(err)
		}
		if _, added, err := c.GetOrAddMulti(t.Context(), values, 0); err != nil || len(added) != len(values) {
			t.Fatalf("%d added, %v", len(added), err)
		}
		// The command that wakes a stuck server comes after half the timeout.
		if d := time.Since(start); d > patient/2 {
			t.Errorf("values of %d bytes: %v", size, d)
		}
		got, err := c.GetMulti(t.Context(), sorted(values))
		if err != nil || len(got) != len(values) {
			t.Fatalf("values of %d bytes: %d of %d, %v", size, len(got), len(values), err)
		}
		for k, v := range values {
			if !bytes.Equal(got[k], v) {
				t.Fatalf("values of %d bytes: that of %s is another", size, k)
			}
		}
	}
}
