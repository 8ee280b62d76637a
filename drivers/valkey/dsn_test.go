package valkey_test

import (
	"crypto/tls"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/encoding"
)

var plainDSN = cachetest.DSNTest[valkey.Config]{
	Scheme: "valkey",
	Parse:  valkey.ParseDSN,
	Format: valkey.Config.FormatDSN,
	New:    valkey.New,
	Examples: []valkey.Config{
		{},
		{Servers: []string{"10.0.0.1"}, User: "app", Password: "p@ss:w/rd?", DB: 3, Prefix: "app:{x}", Timeout: 200 * time.Millisecond},
		{Servers: []string{"/run/valkey.sock"}, Password: "p", FlushDatabase: true, MaxValue: 1 << 20},
		{Servers: []string{"a:1", "b", "[::1]:3"}, Cluster: true, KeyEncoding: mustEncoding("sha1,base64")},
		{Servers: []string{"a", "b:2"}, Sentinel: "main", SentinelUser: "s", SentinelPassword: "p:/@", DB: 1},
	},
	ConfigOnly: []string{"TLS", "TLSFiles"},
	Invalid: map[string]string{
		"valkey://a,b":                               "cluster=true",
		"valkey://a,a:6379?cluster=true":             "twice",
		"valkey://a?cluster=true&sentinel=m":         "want one",
		"valkey://a:0":                               "port",
		"valkey://a:x":                               "port",
		"valkey://::1":                               "brackets",
		"valkey://a/x":                               "number of a database",
		"valkey://a/-1":                              "number of a database",
		"valkey://a/03":                              "number of a database",
		"valkey://a/3?db=4":                          "db",
		"valkey://a/0?db=4":                          "db",
		"valkey://a?db=70000":                        "db 70000",
		"valkey://a?cluster=true&db=1":               "only 0",
		"valkey://a?timeout=0":                       "timeout",
		"valkey://a?timeout=-1s":                     "timeout",
		"valkey://a?max_value=3GiB":                  "max value",
		"valkey://a?prefix=a%20b":                    "prefix",
		"valkey://a?prefix={x}&cluster=true":         "hash tag",
		"valkey://a?prefix=p&flush_database=true":    "want one",
		"valkey://a?sentinel_password=s3cret":        "sentinel",
		"valkey://a?sentinel=m&sentinel_user=s":      "password",
		"valkey://user@a":                            "password",
		"valkey://a?tls_ca=/x":                       "valkeys://",
		"valkey:///run/a?sentinel=m":                 "unix socket",
		"valkey://a?key_encoding=rot13":              "key_encoding",
		"valkey://a?cluster=true&server=/run/socket": "server",
	},
}

var secureDSN = cachetest.DSNTest[valkey.Config]{
	Scheme: "valkeys",
	Parse:  valkey.ParseDSN,
	Format: valkey.Config.FormatDSN,
	Examples: []valkey.Config{
		{TLSFiles: &valkey.TLSFiles{}},
		{Servers: []string{"a"}, TLSFiles: &valkey.TLSFiles{ServerName: "n", CA: "/ca.pem", Cert: "/c d.pem", Key: "/k.pem"}},
	},
	ConfigOnly: []string{
		"TLS", "Servers", "User", "Password", "DB", "Prefix", "FlushDatabase", "MaxValue", "Timeout", "Cluster",
		"KeyEncoding", "Sentinel", "SentinelUser", "SentinelPassword",
	},
	Invalid: map[string]string{"valkeys://a?tls_ca=x&nonsense=1": "nonsense"},
}

func mustEncoding(name string) encoding.Encoding {
	e, err := encoding.ByName(name)
	if err != nil {
		panic(err)
	}
	return e
}

func TestDSN(t *testing.T) { plainDSN.Run(t) }

func TestSecureDSN(t *testing.T) { secureDSN.Run(t) }

func FuzzDSN(f *testing.F) { plainDSN.Fuzz(f) }

// TestSchemes: strings for Redis mean the same, and each scheme is registered.
func TestSchemes(t *testing.T) {
	const rest = "://app:secret@h:1/3?prefix=p"
	want := valkey.Config{Servers: []string{"h:1"}, User: "app", Password: "secret", DB: 3, Prefix: "p"}
	for _, scheme := range []string{"valkey", "redis", "valkeys", "rediss"} {
		want.TLSFiles = nil
		if strings.HasSuffix(scheme, "s") && scheme != "redis" {
			want.TLSFiles = &valkey.TLSFiles{}
		}
		got, err := valkey.ParseDSN(scheme + rest)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", scheme, got, err, want)
		}
		c, err := cache.Open(scheme + rest)
		if err != nil {
			t.Errorf("%s: %v", scheme, err)
			continue
		}
		if c.Driver() != "valkey" {
			t.Errorf("%s: the driver is %q", scheme, c.Driver())
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	for dsn, want := range map[string]string{
		"redis://a?tls_ca=/x":      "tls_...: want rediss:// for TLS",
		"memcached://a":            "want one of valkey, redis, valkeys, rediss",
		"redis-socket:///run/sock": "want one of valkey, redis, valkeys, rediss",
	} {
		if _, err := valkey.ParseDSN(dsn); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", dsn, err, want)
		}
	}
	if got := (valkey.Config{TLS: &tls.Config{}}).FormatDSN(); got != "valkeys://" {
		t.Errorf("a TLS configuration of the program formats as %s", got)
	}
}

// TestInvalidConfigs: invalid values that no DSN can contain.
func TestInvalidConfigs(t *testing.T) {
	for _, tt := range []struct {
		cfg  valkey.Config
		want string
	}{
		{valkey.Config{TLS: &tls.Config{}, TLSFiles: &valkey.TLSFiles{}}, "TLS and TLSFiles"},
		{valkey.Config{TLSFiles: &valkey.TLSFiles{Cert: "c"}}, "tls_key"},
		{valkey.Config{Servers: []string{"/run/s"}, TLS: &tls.Config{}}, "tls_server_name"},
		{valkey.Config{TLSFiles: &valkey.TLSFiles{CA: "/nonexistent/ca"}}, "tls_ca"},
		{valkey.Config{Prefix: strings.Repeat("p", 201)}, "201 bytes"},
		{valkey.Config{Servers: []string{"/" + strings.Repeat("p", 104)}}, "105 bytes"},
		{valkey.Config{Servers: []string{"user:s3cret@h"}}, "host:port"},
		{valkey.Config{MaxValue: -1}, "max value"},
	} {
		_, err := valkey.New(tt.cfg)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "valkey: ") {
			t.Errorf("%+v: error %v, want one that says %q", tt.cfg, err, tt.want)
		}
		withoutSecrets(t, err)
	}
}
