package memcached_test

import (
	"crypto/tls"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/memcached"
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
func same(a, b memcached.Config) bool {
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
		want memcached.Config
		back string // if it is not dsn
	}{
		{dsn: "memcached://"},
		{dsn: "memcached://10.0.0.1:11212", want: memcached.Config{Servers: []string{"10.0.0.1:11212"}}},
		{
			dsn:  "memcached://a,b:11211,c:1:5,[::1],[::2]:11212:3",
			want: memcached.Config{Servers: []string{"a:11211", "b:11211", "c:1:5", "[::1]:11211", "[::2]:11212:3"}},
			back: "memcached://a:11211,b:11211,c:1:5,[::1]:11211,[::2]:11212:3",
		},
		{dsn: "memcached:///run/memcached.sock", want: memcached.Config{Servers: []string{"/run/memcached.sock"}}},
		{
			dsn:  "memcached://?server=/run/a.sock&server=/run/b.sock",
			want: memcached.Config{Servers: []string{"/run/a.sock", "/run/b.sock"}},
		},
		{
			dsn: "memcached://a:1?conns=2&distribution=ketama_weighted&key_encoding=sha1,base64&number_flags=python-memcached&replay_deletes=1000&timeout=150ms",
			want: memcached.Config{
				Servers: []string{"a:1"}, Conns: 2, Distribution: memcached.DistributionKetamaWeighted, NumberFlags: memcached.FlagsPythonMemcached,
				KeyEncoding: named(t, "sha1,base64"), ReplayDeletes: 1000, Timeout: 150 * time.Millisecond,
			},
		},
		{dsn: "memcached://a:1?distribution=ketama_md5", want: memcached.Config{Servers: []string{"a:1"}, Distribution: memcached.DistributionKetamaMD5}},
		{dsn: "memcached://a:1?distribution=gomemcache", want: memcached.Config{Servers: []string{"a:1"}, Distribution: memcached.DistributionGomemcache}},
		{dsn: "memcached://a:1?distribution=python-memcached", want: memcached.Config{Servers: []string{"a:1"}, Distribution: memcached.DistributionPythonMemcached}},
		{
			dsn: "memcached://127.0.0.1?distribution=ketama&timeout=500ms&conns=1&key_encoding=none&number_flags=pylibmc&discovery=none&poll_interval=1m&replay_deletes=0&tls=false",
			want: memcached.Config{
				Servers: []string{"127.0.0.1:11211"}, Distribution: memcached.DistributionKetama, Timeout: memcached.DefaultTimeout, Conns: memcached.DefaultConns,
				NumberFlags: memcached.FlagsPylibmc, PollInterval: memcached.DefaultPollInterval,
			},
			back: "memcached://127.0.0.1:11211?conns=1&distribution=ketama&number_flags=pylibmc&poll_interval=1m0s&timeout=500ms",
		},
		{dsn: "memcached://us%40er:p%3A%2F%40ss@a:1", want: memcached.Config{Servers: []string{"a:1"}, User: "us@er", Password: "p:/@ss"}},
		{
			dsn:  "memcached://_memcached._tcp.example.org:11211?discovery=srv&poll_interval=10s",
			want: memcached.Config{Servers: []string{"_memcached._tcp.example.org:11211"}, Discovery: memcached.DiscoverySRV, PollInterval: 10 * time.Second},
		},
		{
			dsn: "memcached://cfg.example.org:11211?discovery=config&tls=true&tls_ca=/ca.pem&tls_cert=/c.pem&tls_key=/k.pem&tls_server_name=n",
			want: memcached.Config{
				Servers: []string{"cfg.example.org:11211"}, Discovery: memcached.DiscoveryConfig,
				TLSFiles: &memcached.TLSFiles{ServerName: "n", CA: "/ca.pem", Cert: "/c.pem", Key: "/k.pem"},
			},
		},
	} {
		got, err := memcached.ParseDSN(tt.dsn)
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
		"other://":                                  "memcached",
		"memcached://a:0":                           "port",
		"memcached://a:1:0":                         "weight",
		"memcached://::1":                           "brackets",
		"memcached://a,,b":                          "no host",
		"memcached://a/run/x":                       "unix socket",
		"memcached://a:1,b,a:1:2":                   "a:1",
		"memcached://" + many:                       "at most 100",
		"memcached://a?conns=0":                     "conns",
		"memcached://a?conns=65":                    "conns 65",
		"memcached://a?conns=1&conns=2":             "conns",
		"memcached://a?timeout=0s":                  "timeout",
		"memcached://a?timeout=-1s":                 "timeout",
		"memcached://a?poll_interval=1ms":           "poll_interval",
		"memcached://a?replay_deletes=-1":           "replay_deletes",
		"memcached://a?replay_deletes=99999999":     "replay_deletes",
		"memcached://a?distribution=modula":         "ketama, ketama_weighted, ketama_md5",
		"memcached://a?number_flags=php":            "pylibmc, python-memcached",
		"memcached://a?key_encoding=rot13":          "key_encoding",
		"memcached://a?discovery=dns":               "srv, config, none",
		"memcached://bob:s3cret,x?a=b@host":         "%3F",
		"memcached://?discovery=srv":                "needs a server to ask",
		"memcached://?discovery=config":             "needs a server to ask",
		"memcached://a,b?discovery=srv":             "takes one name",
		"memcached://a:1?discovery=srv":             "without port",
		"memcached:///run/x?discovery=srv":          "takes a name",
		"memcached://a?connections=1":               "conns",
		"memcached://a?timeout":                     "name=value",
		"memcached://a?tls_ca=/x":                   "tls",
		"memcached://a?tls=true&tls_cert=/x":        "tls_key",
		"memcached:///run/x?tls=true":               "tls_server_name",
		"memcached://bob@a":                         "password",
		"memcached://:s3cret@a":                     "user",
		"memcached://bob:s3%20cret@a":               "space",
		"memcached://bob:s3cret%0a@a":               "control character",
		"memcached://bob:s3cret@a?timeout=x":        "timeout",
		"memcached://bob:x/s3cret@a":                "@",
		"memcached://a?server=bob:s3cret@b":         "question mark",
		"memcached://a,bob:s3cret@b:1:2:3":          "",
		"memcached://a?password=s3cret&user=s3cret": "unknown parameter",
	} {
		_, err := memcached.ParseDSN(dsn)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "memcached: ") {
			t.Errorf("%.60s: %v; want it to say %q", dsn, err, want)
			continue
		}
		if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "s3 cret") {
			t.Errorf("%v repeats a secret", err)
		}
		if c, err := cache.Open(dsn); err == nil {
			t.Errorf("%.60s: Open: no error", dsn)
			c.Close()
		}
	}
}

type noResolver struct{ memcached.Resolver }

func TestConfigErrors(t *testing.T) {
	for want, cfg := range map[string]memcached.Config{
		"no host":           {Servers: []string{""}},
		"conns -1":          {Conns: -1},
		"timeout -1ns":      {Timeout: -1},
		"poll_interval -1":  {PollInterval: -1},
		"at least 1s":       {PollInterval: 1},
		"replay_deletes -1": {ReplayDeletes: -1},
		`"modula"`:          {Distribution: "modula"},
		`"php"`:             {NumberFlags: "php"},
		`"dns"`:             {Discovery: "dns"},
		"want one":          {Resolver: noResolver{}, Servers: []string{"a"}},
		"Resolver":          {Resolver: noResolver{}, Discovery: "srv"},
		"both TLS":          {TLS: &tls.Config{}, TLSFiles: &memcached.TLSFiles{}},
		"without a pass":    {User: "u"},
		"too long":          {User: "u", Password: strings.Repeat("p", 250)},
		"server a:11211":    {Servers: []string{"a", "a:11211"}},
		"no such file":      {TLSFiles: &memcached.TLSFiles{CA: "/no-such-file"}},
	} {
		c, err := memcached.New(cfg)
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "memcached: ") {
			t.Errorf("error %v; want it to say %q", err, want)
		}
	}
}

// Open connects to nothing, and resolves no name.
func TestOpen(t *testing.T) {
	if !slices.Contains(cache.Drivers(), "memcached") {
		t.Errorf("registered: %q", cache.Drivers())
	}
	c, err := cache.Open("memcached://no-such-host.invalid,192.0.2.1:11212?timeout=1ms")
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range driver.Ops() {
		if !c.Supports(op) {
			t.Errorf("%v is not supported", op)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func FuzzDSN(f *testing.F) {
	f.Add("memcached://a,b:1:2,[::1]:3?distribution=ketama_weighted&conns=5&timeout=1s")
	f.Add("memcached:///run/memcached.sock?timeout=1h&number_flags=python-memcached")
	f.Add("memcached://?server=/run/a%3Fb&server=[fe80::1%25eth0]:1&key_encoding=safe")
	f.Add("memcached://u%3A:p%40@a?discovery=config&poll_interval=1m&tls=true&tls_ca=/x")
	f.Fuzz(func(t *testing.T, dsn string) {
		cfg, err := memcached.ParseDSN(dsn)
		if err != nil {
			return
		}
		s := cfg.FormatDSN()
		back, err := memcached.ParseDSN(s)
		if err != nil || !same(cfg, back) {
			t.Errorf("%q is %+v, formatted as %q, which is %+v, %v", dsn, cfg, s, back, err)
		}
	})
}
