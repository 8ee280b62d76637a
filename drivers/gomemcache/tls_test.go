package gomemcache_test

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
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
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

func newAuthority(t *testing.T) *authority {
	a := &authority{t: t, dir: t.TempDir()}
	a.cert, a.key = a.sign("ca", &x509.Certificate{
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	})
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

func TestTLS(t *testing.T) {
	a := newAuthority(t)
	a.sign("server", &x509.Certificate{
		DNSNames: []string{"cache.test"}, IPAddresses: []net.IP{net.ParseIP(memcachedtest.Loopback())},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	a.sign("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	s := memcachedtest.Start(t, "tcp", "-Z",
		"-o", "ssl_chain_cert="+a.file("server.pem")+",ssl_key="+a.file("server.key")+
			",ssl_ca_cert="+a.file("ca.pem")+",ssl_verify_mode=2")

	trust := gomemcache.TLSFiles{CA: a.file("ca.pem"), Cert: a.file("client.pem"), Key: a.file("client.key")}
	named := trust
	named.ServerName = "cache.test"
	wrongName := trust
	wrongName.ServerName = "other.test"
	anonymous := gomemcache.TLSFiles{CA: a.file("ca.pem")}
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
		pool := x509.NewCertPool()
		pool.AddCert(a.cert)
		pair, err := tls.LoadX509KeyPair(trust.Cert, trust.Key)
		if err != nil {
			t.Fatal(err)
		}
		config := &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}
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
		q := url.Values{"tls": {"true"}, "tls_ca": {trust.CA}, "tls_cert": {trust.Cert}, "tls_key": {trust.Key}, "tls_server_name": {"cache.test"}, "timeout": {patient.String()}}
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
