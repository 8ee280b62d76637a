package memcached_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// A server with an authentication file (-Y) takes the user and password, also in a DSN.
// Without them, or with others, the error says so, and repeats no secret.
func TestAuthentication(t *testing.T) {
	file := filepath.Join(t.TempDir(), "users")
	if err := os.WriteFile(file, []byte("bob:s3cret:/@%\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	certs := memcachedtest.NewCertificates(t)
	trust := filesOf(certs)
	plain := memcachedtest.Start(t, "tcp", "-Y", file)
	secure := memcachedtest.StartTLS(t, certs, "-Y", file)
	for _, tt := range []struct {
		name, user, password string
		want                 string // in the error; empty if it works
		tls                  *memcached.TLSFiles
	}{
		{name: "right", user: "bob", password: "s3cret:/@%"},
		{name: "right, over TLS", user: "bob", password: "s3cret:/@%", tls: &trust},
		{name: "another password", user: "bob", password: "s3cret2", want: "refused the user or password"},
		{name: "none", want: "-Y"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := plain
			if tt.tls != nil {
				s = secure
			}
			cfg := memcached.Config{Servers: []string{s.Addr()}, User: tt.user, Password: tt.password, TLSFiles: tt.tls, Timeout: patient}
			c, err := cache.Open(cfg.FormatDSN())
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			err = c.Set(t.Context(), "k", []byte("v"), 0)
			if tt.want == "" {
				if v, err2 := c.Get(t.Context(), "k"); err != nil || err2 != nil || string(v) != "v" {
					t.Errorf("Set: %v; Get: %q, %v", err, v, err2)
				}
				return
			}
			memcachedtest.IsOutage(t, err, "memcached", cache.OpSet, s.Addr())
			if err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret")) {
				t.Errorf("error %v; want it to say %q and no secret", err, tt.want)
			}
		})
	}
}

// A user and password do no harm on a server that asks for none.
func TestAuthenticationNotWanted(t *testing.T) {
	s := memcachedtest.Start(t, "unix")
	c := open(t, memcached.Config{Servers: []string{s.Addr()}, User: "bob", Password: "s3cret", Timeout: patient})
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	if line := s.Command("mg auth v", "EN", "VA")[0]; line != "EN" {
		t.Errorf("the password is stored on the server: %q", line)
	}
}
