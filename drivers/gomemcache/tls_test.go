package gomemcache_test

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestTLS(t *testing.T) {
	certs := memcachedtest.NewCertificates(t)
	s := memcachedtest.StartTLS(t, certs)
	trust := gomemcache.TLSFiles{CA: certs.File("ca.pem"), Cert: certs.File("client.pem"), Key: certs.File("client.key")}
	named := trust
	named.ServerName = memcachedtest.ServerName
	wrongName := trust
	wrongName.ServerName = "other.test"
	anonymous := gomemcache.TLSFiles{CA: certs.File("ca.pem")}
	for _, tt := range []struct {
		name  string
		files *gomemcache.TLSFiles
		works bool
	}{
		{"by address", &trust, true},
		{"by name", &named, true},
		{"another name", &wrongName, false},
		{"the system's authorities", &gomemcache.TLSFiles{}, false},
		{"no certificate of the client", &anonymous, false},
		{"no TLS", nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config := gomemcache.Config{Servers: []string{s.Addr()}, TLSFiles: tt.files, Timeout: patient}
			c, err := cache.Open(config.FormatDSN())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			err = c.Set(t.Context(), "k", make([]byte, 100_000), 0)
			if !tt.works {
				isOutage(t, err, cache.OpSet, s.Addr())
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
		c := open(t, gomemcache.Config{Servers: []string{s.Addr()}, TLS: config})
		if err := c.Set(t.Context(), "k", []byte("v"), 0); err != nil {
			t.Error(err)
		}
		if config.ServerName != "" {
			t.Errorf("the program's configuration was changed: %q", config.ServerName)
		}
	})

	t.Run("a server that is silent", func(t *testing.T) {
		f := memcachedtest.StartFake(t, script())
		c := open(t, gomemcache.Config{Servers: []string{f.Addr()}, TLSFiles: &trust, Timeout: short})
		start := time.Now()
		isOutage(t, c.Ping(t.Context()), cache.OpPing, f.Addr())
		bounded(t, start, short)
		memcachedtest.Eventually(t, "the connection is closed", func() bool { return f.Open() == 0 })
	})

	t.Run("a server that knows no TLS", func(t *testing.T) {
		f := memcachedtest.StartFake(t, script(memcachedtest.Step{Reply: "ERROR\r\n"}))
		c := open(t, gomemcache.Config{Servers: []string{f.Addr()}, TLSFiles: &trust})
		isOutage(t, c.Ping(t.Context()), cache.OpPing, f.Addr())
		memcachedtest.Eventually(t, "the connection is closed", func() bool { return f.Open() == 0 })
	})

	t.Run("restarted", func(t *testing.T) {
		c := open(t, gomemcache.Config{Servers: []string{s.Addr()}, TLSFiles: &trust})
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.Restart()
		if _, err := c.Get(t.Context(), "k"); !errors.Is(err, cache.ErrMiss) {
			t.Errorf("Get: %v, want a miss", err)
		}
		s.Freeze()
		slow := open(t, gomemcache.Config{Servers: []string{s.Addr()}, TLSFiles: &trust, Timeout: short})
		isOutage(t, slow.Ping(t.Context()), cache.OpPing, s.Addr())
		s.Thaw()
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})

	t.Run("DSN", func(t *testing.T) {
		q := url.Values{"tls": {"true"}, "tls_ca": {trust.CA}, "tls_cert": {trust.Cert}, "tls_key": {trust.Key}, "tls_server_name": {memcachedtest.ServerName}, "timeout": {patient.String()}}
		c, err := cache.Open("gomemcache://" + s.Addr() + "?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
