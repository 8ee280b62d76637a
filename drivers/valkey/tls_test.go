package valkey_test

import (
	"errors"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// TestTLS: servers and clients verify each other's certificates; if that fails, it is an
// outage.
func TestTLS(t *testing.T) {
	certs := memcachedtest.NewCertificates(t)
	s := valkeytest.StartTLS(t, valkeytest.Any(t), certs)
	trust := valkey.TLSFiles{CA: certs.File("ca.pem"), Cert: certs.File("client.pem"), Key: certs.File("client.key")}
	named, wrongName := trust, trust
	named.ServerName, wrongName.ServerName = memcachedtest.ServerName, "other.test"
	for _, tt := range []struct {
		name  string
		files *valkey.TLSFiles
		works bool
	}{
		{"by address", &trust, true},
		{"by name", &named, true},
		{"another name", &wrongName, false},
		{"the system's authorities", &valkey.TLSFiles{}, false},
		{"no certificate of the client", &valkey.TLSFiles{CA: trust.CA}, false},
		{"no TLS", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := valkey.Config{Servers: []string{s.Addr()}, TLSFiles: tt.files, Timeout: patient}
			c, err := cache.Open(cfg.FormatDSN())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			err = c.Set(t.Context(), "k", make([]byte, 100_000), 0)
			if !tt.works {
				memcachedtest.IsOutage(t, err, "valkey", cache.OpSet, s.Addr())
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
		c := open(t, valkey.Config{Servers: []string{s.Addr()}, TLS: config, Timeout: patient})
		if err := c.Set(t.Context(), "k", []byte("v"), 0); err != nil {
			t.Error(err)
		}
		if config.ServerName != "" {
			t.Errorf("the program's configuration was changed: %q", config.ServerName)
		}
	})
	t.Run("restarted, then paused", func(t *testing.T) {
		c := open(t, valkey.Config{Servers: []string{s.Addr()}, TLSFiles: &trust, Timeout: patient})
		if err := c.Set(t.Context(), "k", nil, 0); err != nil {
			t.Fatal(err)
		}
		s.Restart()
		if _, err := c.Get(t.Context(), "k"); !errors.Is(err, cache.ErrMiss) {
			t.Errorf("Get after a restart: %v, want a miss", err)
		}
		s.Pause()
		const timeout = 200 * time.Millisecond
		hasty := open(t, valkey.Config{Servers: []string{s.Addr()}, TLSFiles: &trust, Timeout: timeout})
		start := time.Now()
		memcachedtest.IsOutage(t, hasty.Ping(t.Context()), "valkey", cache.OpPing, s.Addr())
		memcachedtest.Bounded(t, start, timeout)
		s.Resume()
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
