package gomemcache

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/encoding"
)

func sameConfig(a, b Config) bool {
	same := a.KeyEncoding.Equal(b.KeyEncoding)
	a.KeyEncoding, b.KeyEncoding = encoding.Encoding{}, encoding.Encoding{}
	return same && reflect.DeepEqual(a, b)
}

func TestDSN(t *testing.T) {
	for _, tt := range []struct {
		dsn  string
		want Config
	}{
		{"gomemcache://", Config{}},
		{"gomemcache://10.0.0.1", Config{Servers: []string{"10.0.0.1:11211"}}},
		{"gomemcache://a:1,b:2:3,[::1]:5", Config{Servers: []string{"a:1", "b:2:3", "[::1]:5"}}},
		{"gomemcache:///run/memcached.sock", Config{Servers: []string{"/run/memcached.sock"}}},
		{"gomemcache://?server=/run/a&server=b:1", Config{Servers: []string{"/run/a", "b:1"}}},
		{"gomemcache://a?timeout=200ms&max_idle_conns=7&key_encoding=sha1,base64&number_flags=python-memcached&distribution=python-memcached",
			Config{
				Servers: []string{"a:11211"}, Timeout: 200 * time.Millisecond, MaxIdleConns: 7,
				KeyEncoding: must(encoding.ByName("sha1,base64")),
				NumberFlags: FlagsPythonMemcached, Distribution: DistributionPythonMemcached,
			}},
		{"gomemcache://a?number_flags=pylibmc&distribution=gomemcache&timeout=500ms",
			Config{Servers: []string{"a:11211"}, NumberFlags: FlagsPylibmc, Distribution: DistributionGomemcache, Timeout: DefaultTimeout}},
		{"gomemcache://a?key_encoding=none&max_idle_conns=100", Config{Servers: []string{"a:11211"}, MaxIdleConns: 100}},
		{"gomemcache://a?tls=false", Config{Servers: []string{"a:11211"}}},
		{"gomemcache://a?tls=true", Config{Servers: []string{"a:11211"}, TLSFiles: &TLSFiles{}}},
		{"gomemcache://a?tls=true&tls_server_name=n&tls_ca=/ca.pem&tls_cert=/c%20d.pem&tls_key=/k.pem",
			Config{Servers: []string{"a:11211"}, TLSFiles: &TLSFiles{ServerName: "n", CA: "/ca.pem", Cert: "/c d.pem", Key: "/k.pem"}}},
	} {
		c, err := ParseDSN(tt.dsn)
		if err != nil || !sameConfig(c, tt.want) {
			t.Errorf("%s: %+v, %v; want %+v", tt.dsn, c, err, tt.want)
			continue
		}
		again, err := ParseDSN(c.FormatDSN())
		if err != nil || !sameConfig(again, c) {
			t.Errorf("%s: written as %s, read as %+v, %v", tt.dsn, c.FormatDSN(), again, err)
		}
	}
	if got, want := (Config{TLS: &tls.Config{}}).FormatDSN(), "gomemcache://?tls=true"; got != want {
		t.Errorf("a TLS configuration is written as %s, want %s", got, want)
	}
}

func must(e encoding.Encoding, err error) encoding.Encoding {
	if err != nil {
		panic(err)
	}
	return e
}

func TestDSNErrors(t *testing.T) {
	for dsn, names := range map[string]string{
		"gomemcache://user:secret@a":           "password",
		"gomemcache://a:0":                     "port",
		"gomemcache://::1":                     "brackets",
		"gomemcache://a/run/b":                 "server=/path",
		"gomemcache://a?timeout=0":             "timeout",
		"gomemcache://a?timeout=-1s":           "timeout",
		"gomemcache://a?timeout=1s&timeout=2s": "timeout",
		"gomemcache://a?max_idle_conns=0":      "max_idle_conns",
		"gomemcache://a?max_idle_conns=x":      "max_idle_conns",
		"gomemcache://a?distribution=ketama":   "distribution",
		"gomemcache://a?number_flags=php":      "flags",
		"gomemcache://a?key_encoding=rot13":    "key_encoding",
		"gomemcache://a?tls=yes":               "tls",
		"gomemcache://a?tls_ca=/x":             "tls=true",
		"gomemcache://a?tls=true&tls_cert=/x":  "tls_key",
		"gomemcache:///run/a?tls=true":         "tls_server_name",
		"gomemcache://a:1,b,a:1:2":             "a:1",
		"gomemcache://a?tls=false&tls_ca=/x":   "tls=true",
		"gomemcache://a?nonsense=1":            "nonsense",
		"gomemcache://a#b":                     "fragment",
	} {
		_, err := ParseDSN(dsn)
		if err == nil || !strings.Contains(err.Error(), names) {
			t.Errorf("%s: error %v does not name %s", dsn, err, names)
			continue
		}
		if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error tells the password: %v", dsn, err)
		}
		if c, err := cache.Open(dsn); err == nil {
			t.Errorf("%s: Open: no error", dsn)
			c.Close()
		}
	}
}

// A password is not repeated, wherever and however it is written.
func TestPasswordsAreNotRepeated(t *testing.T) {
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "password") || !strings.HasPrefix(err.Error(), "gomemcache: ") {
			t.Errorf("%s: error %v; want it to say that passwords are not supported", what, err)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error tells the password: %v", what, err)
		}
	}
	for _, rest := range []string{
		"bob:s3cret@h", "bob:s3cret%40h:11211", "bob:s3cret%2540h:11211", "a,bob:s3cret@h", "bob:x/s3cret@h",
		"?server=bob:s3cret@h", "?server=bob:s3cret%40h", "?server=bob:s3cret%2540h:1", "a?server=s3cret@h",
	} {
		_, err := cache.Open("gomemcache://" + rest)
		refused(rest, err)
	}
	for _, s := range []string{"bob:s3cret@h", "bob:s3cret@h:11211", "bob:s3cret%40h:11211", "s3cret@h"} {
		_, err := New(Config{Servers: []string{"a", s}})
		refused(s, err)
	}
}

func TestConfigErrors(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.pem")
	if err := os.WriteFile(garbage, []byte("not a certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		c     Config
		names string
	}{
		{Config{Servers: []string{""}}, "no host"},
		{Config{Servers: []string{"a", "b:x"}}, "port"},
		{Config{Servers: []string{"a", "a:11211"}}, "server a:11211"},
		{Config{Timeout: -1}, "timeout"},
		{Config{MaxIdleConns: -1}, "max idle"},
		{Config{NumberFlags: "x"}, "flags"},
		{Config{Distribution: "x"}, "distribution"},
		{Config{TLS: &tls.Config{}, TLSFiles: &TLSFiles{}}, "TLSFiles"},
		{Config{TLSFiles: &TLSFiles{CA: filepath.Join(dir, "absent")}}, "tls_ca"},
		{Config{TLSFiles: &TLSFiles{CA: garbage}}, "tls_ca"},
		{Config{TLSFiles: &TLSFiles{Cert: garbage}}, "tls_key"},
		{Config{TLSFiles: &TLSFiles{Cert: garbage, Key: garbage}}, "tls_cert"},
		{Config{Servers: []string{"/run/m"}, TLSFiles: &TLSFiles{}}, "tls_server_name"},
	} {
		if _, err := New(tt.c); err == nil || !strings.Contains(err.Error(), tt.names) {
			t.Errorf("%+v: error %v does not name %s", tt.c, err, tt.names)
		}
	}
}

func TestOpenDoesNotConnect(t *testing.T) {
	c, err := cache.Open("gomemcache://no-such-host.invalid:1,127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzDSN(f *testing.F) {
	for _, s := range []string{
		"gomemcache://", "gomemcache://a:1,b:2:3,[::1]:5?timeout=1s&max_idle_conns=3", "gomemcache:///run/x%3Fy",
		"gomemcache://?server=/a&server=b&number_flags=pylibmc", "gomemcache://a?tls=true&tls_ca=%2Fx%26y&key_encoding=safe",
		"gomemcache://[fe80::1%25eth0]:1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		c, err := ParseDSN(in)
		if err != nil {
			return
		}
		out := c.FormatDSN()
		again, err := ParseDSN(out)
		if err != nil || !sameConfig(again, c) {
			t.Errorf("%q is read as %+v, written as %q, and read as %+v, %v", in, c, out, again, err)
		}
		if second := again.FormatDSN(); second != out {
			t.Errorf("%q is written as %q, then as %q", in, out, second)
		}
	})
}
