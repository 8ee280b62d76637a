package memcached_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// authority signs certificates for a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	next int64
}

// newAuthority makes one, with a certificate for the servers and one for the client.
func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("ca", &x509.Certificate{
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
	a.sign("server", &x509.Certificate{
		DNSNames: []string{"cache.test"}, IPAddresses: []net.IP{net.ParseIP(memcachedtest.Loopback())},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	a.sign("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return a
}

// sign makes name.pem and name.key; the first is signed by itself.
func (a *authority) sign(name string, template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey) {
	a.t.Helper()
	a.next++
	template.SerialNumber = big.NewInt(a.next)
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = time.Now().Add(time.Hour)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	parent, parentKey := a.cert, a.key
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(name+".pem", "CERTIFICATE", der)
	a.write(name+".key", "PRIVATE KEY", keyDER)
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key
}

func (a *authority) write(name, kind string, der []byte) {
	a.t.Helper()
	var b bytes.Buffer
	if err := pem.Encode(&b, &pem.Block{Type: kind, Bytes: der}); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(a.file(name), b.Bytes(), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) file(name string) string { return filepath.Join(a.dir, name) }

// start starts a memcached that wants TLS and a certificate of the client.
func (a *authority) start(args ...string) *memcachedtest.Server {
	a.t.Helper()
	return memcachedtest.Start(a.t, "tcp", append([]string{"-Z",
		"-o", "ssl_chain_cert=" + a.file("server.pem") + ",ssl_key=" + a.file("server.key") +
			",ssl_ca_cert=" + a.file("ca.pem") + ",ssl_verify_mode=2"}, args...)...)
}

// files are those of the client.
func (a *authority) files() memcached.TLSFiles {
	return memcached.TLSFiles{CA: a.file("ca.pem"), Cert: a.file("client.pem"), Key: a.file("client.key")}
}

func TestConformanceOverTLS(t *testing.T) {
	t.Parallel()
	a := newAuthority(t)
	trust := a.files()
	for _, n := range []int{1, 5} {
		if n > 1 && !*all {
			continue
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			var servers []*memcachedtest.Server
			for range n {
				servers = append(servers, a.start())
			}
			cfg := memcached.Config{Servers: memcachedtest.Addrs(servers), Timeout: patient, TLSFiles: &trust}
			o := options(cfg)
			o.DriverOnly = !*all
			cachetest.Run(t, func(t *testing.T) *cache.Cache { return empty(t, cfg) }, o)
		})
	}
}

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	s := a.start()
	trust := a.files()
	named := trust
	named.ServerName = "cache.test"
	wrongName := trust
	wrongName.ServerName = "other.test"
	anonymous := memcached.TLSFiles{CA: a.file("ca.pem")}
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
		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		pair, err := tls.LoadX509KeyPair(trust.Cert, trust.Key)
		if err != nil {
			t.Fatal(err)
		}
		config := &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
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
	a := newAuthority(t)
	trust := a.files()
	for name, c := range map[string]*cache.Cache{
		"TLS":   open(t, memcached.Config{Servers: []string{a.start("-o", "idle_timeout=1").Addr()}, TLSFiles: &trust, Timeout: patient}),
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
	a := newAuthority(t)
	trust := a.files()
	c := open(t, memcached.Config{Servers: []string{a.start("-m", "256").Addr()}, TLSFiles: &trust, Timeout: patient})
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
