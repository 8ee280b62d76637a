package memcached

import (
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache/driver/dsn"
)

func TestParseServer(t *testing.T) {
	for _, tt := range []struct {
		in, network, addr, text string
		server                  Server
	}{
		{"cache", "tcp", "cache:11211", "cache:11211", Server{Host: "cache", Port: 11211, Weight: 1}},
		{"Cache.Example:1", "tcp", "Cache.Example:1", "Cache.Example:1", Server{Host: "Cache.Example", Port: 1, Weight: 1}},
		{"10.0.0.1:11212:3", "tcp", "10.0.0.1:11212", "10.0.0.1:11212:3", Server{Host: "10.0.0.1", Port: 11212, Weight: 3}},
		{"10.0.0.1:11212:1", "tcp", "10.0.0.1:11212", "10.0.0.1:11212", Server{Host: "10.0.0.1", Port: 11212, Weight: 1}},
		{"[::1]", "tcp", "[::1]:11211", "[::1]:11211", Server{Host: "::1", Port: 11211, Weight: 1}},
		{"[::1]:5:2", "tcp", "[::1]:5", "[::1]:5:2", Server{Host: "::1", Port: 5, Weight: 2}},
		{"[fe80::1%eth0]:5", "tcp", "[fe80::1%eth0]:5", "[fe80::1%eth0]:5", Server{Host: "fe80::1%eth0", Port: 5, Weight: 1}},
		{"/run/m.sock", "unix", "/run/m.sock", "/run/m.sock", Server{Path: "/run/m.sock", Weight: 1}},
		{"/run/m:2", "unix", "/run/m:2", "/run/m:2", Server{Path: "/run/m:2", Weight: 1}},
	} {
		s, err := ParseServer(tt.in)
		if err != nil || s != tt.server {
			t.Errorf("%q: %+v, %v; want %+v", tt.in, s, err, tt.server)
			continue
		}
		if s.Network() != tt.network || s.Addr() != tt.addr || s.String() != tt.text {
			t.Errorf("%q: %s, %s, %s; want %s, %s, %s", tt.in, s.Network(), s.Addr(), s, tt.network, tt.addr, tt.text)
		}
		if again, err := ParseServer(s.String()); err != nil || again != s {
			t.Errorf("%q: %q is read as %+v, %v", tt.in, s, again, err)
		}
	}
	for _, in := range []string{
		"", ":11211", "h:", "h:0", "h:65536", "h:x", "h:+1", "h:01", "h:1:", "h:1:0", "h:1:65536", "h:1:2:3", "::1", "fe80::1",
		"[::1", "[]", "[10.0.0.1]:1", "[::1]x", "[::1]x:1", "h/x", "a b", "a\n", "u@h:1", "a,b", "a;b", "a&timeout=1s", "a=b", "a:1;b", "x://h", "/" + strings.Repeat("x", 104),
	} {
		if s, err := ParseServer(in); err == nil {
			t.Errorf("%q: %+v and no error", in, s)
		}
	}
	for _, in := range []string{
		"bob:s3cret@h", "bob:s3cret@h:11211", "bob:s3cret%40h:11211", "bob:s3cret@", "s3cret@h", "s3cret@h/x", "[s3cret@::1]", "s3cret @h",
	} {
		_, err := ParseServer(in)
		if err == nil || !strings.Contains(err.Error(), "password") || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: error %v; want it to say password, and not the password", in, err)
		}
	}
	for _, in := range []string{"/run/memcached@1.sock", "/run/a%40b", "[fe80::1%40]:5"} {
		if _, err := ParseServer(in); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
	for _, list := range [][]string{
		{"a", "b", "a"}, {"a", "a:11211"}, {"a:1:2", "a:1:3"}, {"/run/a", "/run/a"}, {"[::1]", "[::1]:11211"},
		{"[::1]", "[0:0:0:0:0:0:0:1]"}, {"[2001:DB8::1]:5", "b", "[2001:db8:0::1]:5:2"}, {"127.0.0.1", "[::ffff:127.0.0.1]"},
		{"cache", "Cache"}, {"cache.test.", "cache.test"}, {"/run/a", "/run//a"}, {"/run/a", "/run/b/../a"},
	} {
		_, err := ParseServers(list)
		if err == nil || !strings.Contains(err.Error(), "twice") || !strings.Contains(err.Error(), must(ParseServer(list[0])).Addr()) {
			t.Errorf("%q: error %v does not name the server that is there twice", list, err)
		}
	}
	if s, err := ParseServers([]string{"a", "b", "a:2", "/run/a"}); err != nil || len(s) != 4 {
		t.Errorf("four servers: %v, %v", s, err)
	}
	if s, err := ParseServers(nil); err != nil || len(s) != 1 || s[0].Addr() != "127.0.0.1:11211" {
		t.Errorf("no servers: %v, %v", s, err)
	}
}

func must(s Server, err error) Server {
	if err != nil {
		panic(err)
	}
	return s
}

func TestServersOfDSN(t *testing.T) {
	for _, tt := range []struct {
		dsn  string
		want []string
	}{
		{"x://", nil},
		{"x://a", []string{"a:11211"}},
		{"x://a,b:1:2,[::1]:5", []string{"a:11211", "b:1:2", "[::1]:5"}},
		{"x:///run/m.sock", []string{"/run/m.sock"}},
		{"x:///run/a,b", []string{"/run/a,b"}},
		{"x://?server=/run/a&server=/run/b&server=c", []string{"/run/a", "/run/b", "c:11211"}},
		{"x://a?server=/run/b", []string{"a:11211", "/run/b"}},
	} {
		d, err := dsn.Parse("x", tt.dsn)
		if err != nil {
			t.Fatal(err)
		}
		got := ServersOf(d)
		if err := d.Done(); err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, %v; want %q", tt.dsn, got, err, tt.want)
			continue
		}
		b := dsn.Builder{Scheme: "x"}
		FormatServers(&b, got)
		again := b.DSN()
		if d, err = dsn.Parse("x", again); err != nil {
			t.Errorf("%s: written as %s: %v", tt.dsn, again, err)
			continue
		}
		if back := ServersOf(d); d.Done() != nil || !slices.Equal(back, tt.want) {
			t.Errorf("%s: written as %s: %q, %v", tt.dsn, again, back, d.Done())
		}
	}
	for _, in := range []string{"x://a,,b", "x://a,", "x://a/run/b", "x://a?server=", "x://a:b", "x://%2Frun%2Fm", "x://a,%2Frun%2Fm"} {
		d, err := dsn.Parse("x", in)
		if err != nil {
			continue
		}
		if got := ServersOf(d); d.Done() == nil {
			t.Errorf("%s: %q and no error", in, got)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	for _, s := range []string{"a", "a:1:2", "[::1]:5", "/x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		s, err := ParseServer(in)
		if err != nil {
			return
		}
		if again, err := ParseServer(s.String()); err != nil || again != s {
			t.Errorf("%q: %+v is written %q and read as %+v, %v", in, s, s, again, err)
		}
	})
}
