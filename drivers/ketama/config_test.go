package ketama_test

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/encoding"
)

func named(t testing.TB, name string) encoding.Encoding {
	t.Helper()
	e, err := encoding.ByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// same compares configurations; encodings are functions, and compared by name.
func same(a, b ketama.Config) bool {
	if !a.KeyEncoding.Equal(b.KeyEncoding) || !slices.Equal(a.Servers, b.Servers) {
		return false
	}
	a.KeyEncoding, b.KeyEncoding = encoding.Encoding{}, encoding.Encoding{}
	a.Servers, b.Servers = nil, nil
	return reflect.DeepEqual(a, b)
}

func TestDSN(t *testing.T) {
	for _, tt := range []struct {
		dsn  string
		want ketama.Config
		back string // if it is not dsn
	}{
		{dsn: "ketama://"},
		{dsn: "ketama://10.0.0.1:11212", want: ketama.Config{Servers: []string{"10.0.0.1:11212"}}},
		{
			dsn:  "ketama://a,b:11211,c:1:5,[::1],[::2]:11212:3",
			want: ketama.Config{Servers: []string{"a:11211", "b:11211", "c:1:5", "[::1]:11211", "[::2]:11212:3"}},
			back: "ketama://a:11211,b:11211,c:1:5,[::1]:11211,[::2]:11212:3",
		},
		{dsn: "ketama:///run/memcached.sock", want: ketama.Config{Servers: []string{"/run/memcached.sock"}}},
		{
			dsn:  "ketama://?server=/run/a.sock&server=/run/b.sock",
			want: ketama.Config{Servers: []string{"/run/a.sock", "/run/b.sock"}},
		},
		{
			dsn: "ketama://a:1?distribution=ketama_weighted&key_encoding=sha1,base64&number_flags=python-memcached&pool_size=5&pool_timeout=1s&timeout=150ms",
			want: ketama.Config{
				Servers: []string{"a:1"}, Distribution: ketama.DistributionKetamaWeighted, NumberFlags: ketama.FlagsPythonMemcached,
				KeyEncoding: named(t, "sha1,base64"), PoolSize: 5, PoolTimeout: time.Second, Timeout: 150 * time.Millisecond,
			},
		},
		{
			dsn: "ketama://a:1?distribution=ketama&pool_size=64&timeout=500ms&key_encoding=none&number_flags=pylibmc",
			want: ketama.Config{
				Servers: []string{"a:1"}, Distribution: ketama.DistributionKetama, PoolSize: ketama.DefaultPoolSize, Timeout: ketama.DefaultTimeout,
				NumberFlags: ketama.FlagsPylibmc,
			},
			back: "ketama://a:1?distribution=ketama&number_flags=pylibmc&pool_size=64&timeout=500ms",
		},
		{dsn: "ketama://a:1?distribution=ketama_md5", want: ketama.Config{Servers: []string{"a:1"}, Distribution: ketama.DistributionKetamaMD5}},
	} {
		got, err := ketama.ParseDSN(tt.dsn)
		if err != nil || !same(got, tt.want) {
			t.Errorf("%s: %+v, %v; want %+v", tt.dsn, got, err, tt.want)
			continue
		}
		back := tt.back
		if back == "" {
			back = tt.dsn
		}
		if s := got.FormatDSN(); s != back {
			t.Errorf("%s is formatted as %s, want %s", tt.dsn, s, back)
		}
	}
}

// hosts returns n names of servers.
func hosts(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = "h" + strconv.Itoa(i)
	}
	return list
}

func TestDSNErrors(t *testing.T) {
	many := strings.Join(hosts(101), ",")
	for dsn, want := range map[string]string{
		"other://":                             "ketama",
		"ketama://a:0":                         "port",
		"ketama://a:b":                         "port",
		"ketama://a:1:0":                       "weight",
		"ketama://a:1:2:3":                     "host:port:weight",
		"ketama://::1":                         "brackets",
		"ketama://a,,b":                        "no host",
		"ketama://user:secret@a":               "password",
		"ketama://a/run/x":                     "unix socket",
		"ketama://a:1,b,a:1:2":                 "a:1",
		"ketama://" + many:                     "at most 100",
		"ketama://a?pool_size=0":               "pool_size",
		"ketama://a?pool_size=-1":              "pool_size",
		"ketama://a?pool_size=70000":           "pool size 70000",
		"ketama://a?pool_size=1&pool_size=2":   "pool_size",
		"ketama://a?pool_timeout=5":            "pool_timeout",
		"ketama://a?timeout=0s":                "timeout",
		"ketama://a?timeout=-1s":               "timeout",
		"ketama://a?distribution=modula":       "ketama, ketama_weighted, ketama_md5",
		"ketama://a?number_flags=php":          "pylibmc, python-memcached",
		"ketama://a?key_encoding=rot13":        "key_encoding",
		"ketama://a?poolsize=1":                "pool_size",
		"ketama://a?timeout":                   "name=value",
		"ketama://a?password=hunter2&tls=true": "unknown parameter",
	} {
		_, err := ketama.ParseDSN(dsn)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "ketama: ") && dsn != "other://" {
			t.Errorf("%.60s: %v; want it to say %q", dsn, err, want)
			continue
		}
		if strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v repeats a secret", err)
		}
		if c, err := cache.Open(dsn); err == nil {
			t.Errorf("%.60s: Open: no error", dsn)
			c.Close()
		}
	}
}

// A password is not repeated, wherever and however it is written.
func TestPasswordsAreNotRepeated(t *testing.T) {
	refused := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "password") || !strings.HasPrefix(err.Error(), "ketama: ") {
			t.Errorf("%s: error %v; want it to say that passwords are not supported", what, err)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error tells the password: %v", what, err)
		}
	}
	for _, rest := range []string{
		"bob:s3cret@h", "bob:s3cret%40h:11211", "bob:s3cret%2540h:11211", "a,bob:s3cret@h", "bob:x/s3cret@h",
		"?server=bob:s3cret@h", "?server=bob:s3cret%40h", "?server=bob:s3cret%2540h:1", "a?server=s3cret@h",
	} {
		_, err := cache.Open("ketama://" + rest)
		refused(rest, err)
	}
	for _, s := range []string{"bob:s3cret@h", "bob:s3cret@h:11211", "bob:s3cret%40h:11211", "s3cret@h"} {
		_, err := ketama.New(ketama.Config{Servers: []string{"a", s}})
		refused(s, err)
	}
}

func TestConfigErrors(t *testing.T) {
	for want, cfg := range map[string]ketama.Config{
		"no host":           {Servers: []string{""}},
		"pool size -1":      {PoolSize: -1},
		"timeout -1ns":      {Timeout: -1},
		"pool timeout -1ns": {PoolTimeout: -1},
		`"modula"`:          {Distribution: "modula"},
		`"php"`:             {NumberFlags: "php"},
		"at most 100":       {Servers: hosts(101)},
		"at most 104":       {Servers: []string{"/" + strings.Repeat("p", 104)}},
		"server a:11211":    {Servers: []string{"a", "a:11211"}},
		"control":           {Servers: []string{"a b"}},
		"from 1 to 65535":   {Servers: []string{"a:1:65536"}},
	} {
		c, err := ketama.New(cfg)
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "ketama: ") {
			t.Errorf("error %v; want it to say %q", err, want)
		}
	}
}

// TestOpen: nothing is connected, and names are not resolved.
func TestOpen(t *testing.T) {
	if !slices.Contains(cache.Drivers(), "ketama") {
		t.Errorf("registered: %q", cache.Drivers())
	}
	c, err := cache.Open("ketama://no-such-host.invalid,192.0.2.1:11212?timeout=1ms")
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range []cache.Op{cache.OpTouch, cache.OpGetItem, cache.OpCompareAndSwap, cache.OpCompareAndDelete, cache.OpStats} {
		if !c.Supports(op) {
			t.Errorf("%v is not supported", op)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzDSN(f *testing.F) {
	f.Add("ketama://a,b:1:2,[::1]:3?distribution=ketama_weighted&pool_size=5&pool_timeout=1s")
	f.Add("ketama:///run/memcached.sock?timeout=1h&number_flags=python-memcached")
	f.Add("ketama://?server=/run/a%3Fb&server=[fe80::1%25eth0]:1&key_encoding=safe")
	f.Fuzz(func(t *testing.T, dsn string) {
		cfg, err := ketama.ParseDSN(dsn)
		if err != nil {
			return
		}
		s := cfg.FormatDSN()
		back, err := ketama.ParseDSN(s)
		if err != nil || !same(cfg, back) {
			t.Errorf("%q is %+v, formatted as %q, which is %+v, %v", dsn, cfg, s, back, err)
		}
	})
}
