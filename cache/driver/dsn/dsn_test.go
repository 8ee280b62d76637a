package dsn

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/encoding"
)

const secret = "hunter2"

func parse(t *testing.T, s string) *DSN {
	t.Helper()
	d, err := Parse("x", s)
	if err != nil {
		t.Fatalf("Parse(%q): %v", s, err)
	}
	return d
}

func TestScheme(t *testing.T) {
	for s, want := range map[string]string{"memory://": "memory", "a+b-c.d2://h?x=://": "a+b-c.d2", "X://": "X"} {
		if got, err := Scheme(s); err != nil || got != want {
			t.Errorf("Scheme(%q): %q and error %v, want %q", s, got, err, want)
		}
	}
	for _, s := range []string{"", "memory", "memory:", "memory:/", "://", "://host", secret + "@host://", "a b://", "x:" + secret + "://h"} {
		got, err := Scheme(s)
		if err == nil {
			t.Errorf("Scheme(%q): %q, want an error", s, got)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("Scheme(%q): the error %q repeats the secret", s, err)
		}
	}
}

func TestParse(t *testing.T) {
	for s, want := range map[string]DSN{
		"x://":                     {},
		"x://h:1":                  {Hosts: "h:1"},
		"x://h:1,[::1]:2,h3?a=1":   {Hosts: "h:1,[::1]:2,h3"},
		"x:///run/m.sock":          {Path: "/run/m.sock"},
		"x://h/p%20q?a=b%26c&a=d+": {Hosts: "h", Path: "/p q"},
		"x://a%2Fb":                {Hosts: "a/b"},
		"x://?a=/://":              {},
	} {
		d := parse(t, s)
		if d.Scheme != "x" || d.Hosts != want.Hosts || d.Path != want.Path {
			t.Errorf("Parse(%q): %q, %q, %q; want hosts %q and path %q", s, d.Scheme, d.Hosts, d.Path, want.Hosts, want.Path)
		}
	}
	d := parse(t, "x://h?a=b%26c&a=d+&b=%D0%B6")
	if got, want := d.Strings("a"), []string{"b&c", "d "}; !slices.Equal(got, want) {
		t.Errorf("a is %q, want %q", got, want)
	}
	var b string
	d.String("b", &b)
	if err := d.Done(); err != nil || b != "ж" {
		t.Errorf("b is %q and Done says %v", b, err)
	}
}

// A string that cannot be parsed gives an error that says what is wrong, without the string.
func TestParseIsStrict(t *testing.T) {
	for s, part := range map[string]string{
		"":                                   "the string is empty",
		"h:1?password=" + secret:             "no scheme",
		"://" + secret:                       "no scheme",
		" x://" + secret:                     "the scheme has a character other than",
		"y://h":                              `the scheme is "y", want "x"`,
		"x://user:" + secret + "%40h:1":      "@ in the host",
		"x://user:pass/" + secret + "@h":     "@ in the host",
		"x://user:%zz" + secret + "@h":       "bad escape in the user",
		"x://h#" + secret:                    "fragment",
		"x://h%zz" + secret:                  "bad escape in the host",
		"x://h/%zz" + secret:                 "bad escape in the path",
		"x://h?" + secret:                    "name=value",
		"x://h?=" + secret:                   "name=value",
		"x://h?a=1&" + secret:                "name=value",
		"x://h?a=1&&b=" + secret:             "name=value",
		"x://h?a=" + secret + "&":            "name=value",
		"x://h?password=%zz" + secret:        `parameter "password": bad escape`,
		"x://h?%zz=" + secret:                "bad escape in the name of a parameter",
		"x://h?password=a;b=" + secret:       `parameter "password": the value has a semicolon; separate parameters by &`,
		"x://h?" + strings.Repeat("a", 1000): "name=value",
	} {
		_, err := Parse("x", s)
		if err == nil {
			t.Errorf("Parse(%q): no error", s)
			continue
		}
		if !strings.Contains(err.Error(), part) {
			t.Errorf("Parse(%q): error %q, want one with %q", s, err, part)
		}
		if strings.Contains(err.Error(), secret) || len(err.Error()) > 300 {
			t.Errorf("Parse(%q): the error %q tells too much", s, err)
		}
	}
}

// reader is one of the typed readers, for the parameter p.
type reader struct {
	read func(d *DSN) any // what it sets, from a start of zero
	good map[string]any
	bad  []string
}

var readers = map[string]reader{
	"String": {
		func(d *DSN) any { var v string; d.String("p", &v); return v },
		map[string]any{"v": "v", "a%20b": "a b", "%2B": "+"},
		[]string{""},
	},
	"Choice": {
		func(d *DSN) any { var v string; d.Choice("p", &v, "one", "two"); return v },
		map[string]any{"one": "one", "two": "two"},
		[]string{"", "three", "One", "one+", "one,two"},
	},
	"Bool": {
		func(d *DSN) any { var v bool; d.Bool("p", &v); return v },
		map[string]any{"true": true, "false": false},
		[]string{"", "1", "0", "yes", "True", "t"},
	},
	"Int": {
		func(d *DSN) any { var v int; d.Int("p", &v, 2); return v },
		map[string]any{"2": 2, "65535": 65535},
		[]string{"", "1", "0", "-5", "x", "1.5", "5s", "0x10", "1e3", "5+", "1_000", "99999999999999999999"},
	},
	"Int64": {
		func(d *DSN) any { var v int64; d.Int64("p", &v, 0); return v },
		map[string]any{"0": int64(0), "9223372036854775807": int64(math.MaxInt64)},
		[]string{"", "-1", "x", "1.5", "9223372036854775808"},
	},
	"Size": {
		func(d *DSN) any { var v int64; d.Size("p", &v); return v },
		map[string]any{"0": int64(0), "1048576": int64(1 << 20), "3KiB": int64(3 << 10), "64MiB": int64(64 << 20), "2GiB": int64(2 << 30)},
		[]string{"", "-1", "-1KiB", "1KB", "1M", "1 MiB", "MiB", "1.5MiB", "1TiB", "1mib", "9223372036854775807KiB", "8589934592GiB", "1KiBMiB"},
	},
	"Duration": {
		func(d *DSN) any { var v time.Duration; d.Duration("p", &v); return v },
		map[string]any{"150ms": 150 * time.Millisecond, "15s": 15 * time.Second, "1h30m": 90 * time.Minute},
		[]string{"", "0", "0s", "-1s", "15", "1d", "x", "1 s", "9999999999h"},
	},
	"Encoding": {
		func(d *DSN) any {
			var v encoding.Encoding
			d.read = nil
			d.params["key_encoding"] = d.params["p"]
			delete(d.params, "p")
			d.Encoding(&v)
			return v.String()
		},
		map[string]any{"base64": "base64", "sha1": "sha1,base64", "sha1,base64": "sha1,base64", "string": "string"},
		[]string{"", "rot13", "sha1,", "SHA1"},
	},
}

func TestReaders(t *testing.T) {
	for name, r := range readers {
		for v, want := range r.good {
			d := parse(t, "x://?p="+v)
			got := r.read(d)
			if err := d.Done(); err != nil || got != want {
				t.Errorf("%s of %q: %v and error %v, want %v", name, v, got, err, want)
			}
		}
		zero := r.read(parse(t, "x://"))
		for _, v := range r.bad {
			d := parse(t, "x://?p="+v)
			got := r.read(d)
			err := d.Done()
			if err == nil {
				t.Errorf("%s of %q: %v, want an error", name, v, got)
				continue
			}
			if got != zero {
				t.Errorf("%s of %q: set to %v beside the error %q", name, v, got, err)
			}
			if !strings.Contains(err.Error(), "parameter p") && !strings.Contains(err.Error(), "parameter key_encoding") || !strings.HasPrefix(err.Error(), "x: dsn: ") {
				t.Errorf("%s of %q: the error %q does not name the parameter and the driver", name, v, err)
			}
		}
		d := parse(t, "x://?p=a&p=b")
		r.read(d)
		if err := d.Done(); err == nil || !strings.Contains(err.Error(), "2 times") {
			t.Errorf("%s given twice: error %v", name, err)
		}
		long := parse(t, "x://?p="+strings.Repeat("z", 5000))
		r.read(long)
		if err := long.Done(); err != nil && len(err.Error()) > 300 {
			t.Errorf("%s: the error repeats a long value: %d bytes", name, len(err.Error()))
		}
	}
}

// An absent parameter leaves the default.
func TestReadersKeepDefaults(t *testing.T) {
	d := parse(t, "x://")
	s, b, n, n64, size, dur := "s", true, 1, int64(2), int64(3), time.Second
	e := encoding.Base64()
	d.String("a", &s)
	d.Choice("b", &s, "t")
	d.Bool("c", &b)
	d.Int("d", &n, 5)
	d.Int64("e", &n64, 5)
	d.Size("f", &size)
	d.Duration("g", &dur)
	d.Encoding(&e)
	if err := d.Done(); err != nil {
		t.Fatal(err)
	}
	if s != "s" || !b || n != 1 || n64 != 2 || size != 3 || dur != time.Second || !e.Equal(encoding.Base64()) {
		t.Errorf("defaults became %v %v %v %v %v %v %v", s, b, n, n64, size, dur, e)
	}
}

func TestUnknownParameters(t *testing.T) {
	d := parse(t, "x://?timeout=1s&passwrod="+secret)
	var dur time.Duration
	var s string
	d.Duration("timeout", &dur)
	d.String("password", &s)
	err := d.Done()
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{`"passwrod"`, "password, timeout"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not say %s", err, part)
		}
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error %q repeats the secret", err)
	}
	if err := parse(t, "x://?a=1").Done(); err == nil || !strings.Contains(err.Error(), "no parameters") {
		t.Errorf("a parameter where there are none: error %v", err)
	}
	if err := parse(t, "x://?"+strings.Repeat("n", 5000)+"=1").Done(); err == nil || len(err.Error()) > 300 {
		t.Errorf("a long name is repeated: %d bytes", len(err.Error()))
	}
}

// No error repeats a secret that is misplaced.
func TestSecretsStaySecret(t *testing.T) {
	for _, query := range []string{
		"password=" + secret + "&password=" + secret,
		"password=" + secret + "%zz",
		"password=" + secret + "&timeout=soon",
		"password=" + secret + "&nothing=1",
		"timeout=1s&password=" + secret + "&timeout=2s",
		"password=&token=" + secret,
	} {
		d, err := Parse("x", "x://h?"+query)
		if err == nil {
			var password, token string
			var dur time.Duration
			d.String("password", &password)
			d.String("token", &token)
			d.Duration("timeout", &dur)
			err = d.Done()
		}
		if err == nil {
			t.Errorf("%s: no error", query)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error %q repeats the secret", query, err)
		}
	}
}

func TestFirstErrorIsReturned(t *testing.T) {
	d := parse(t, "x://?a=x&b=y")
	var n int
	d.Int("a", &n, 0)
	d.Errorf("b", "is %s", "odd")
	d.Int("b", &n, 0)
	if err := d.Done(); err == nil || !strings.Contains(err.Error(), "parameter a") {
		t.Errorf("error %v, want the one about a", err)
	}
	d = parse(t, "x://?b=y")
	d.Errorf("b", "is %s", "odd")
	if err := d.Done(); err == nil || err.Error() != "x: dsn: parameter b: is odd" {
		t.Errorf("error %v", err)
	}
}

func TestNoAddress(t *testing.T) {
	for s, ok := range map[string]bool{"x://": true, "x://?": true, "x://h": false, "x:///p": false, "x://h/p": false} {
		d := parse(t, s)
		d.NoAddress()
		if err := d.Done(); (err == nil) != ok {
			t.Errorf("%s: error %v", s, err)
		}
	}
}

// A driver reads user and password, or rejects them.
func TestUser(t *testing.T) {
	for s, want := range map[string][2]string{
		"x://h":                     {"u", "p"}, // absent: unchanged
		"x://ann@h":                 {"ann", ""},
		"x://ann:" + secret + "@h":  {"ann", secret},
		"x://:" + secret + "@h":     {"", secret},
		"x://a%40b:%2F%3A%25@h?":    {"a@b", "/:%"},
		"x://ann:p@ss@h:1,h:2/path": {"ann", "p@ss"},
	} {
		d := parse(t, s)
		user, password := "u", "p"
		d.User(&user, &password)
		if err := d.Done(); err != nil || user != want[0] || password != want[1] {
			t.Errorf("%s: user %q, password %q and error %v, want %q", s, user, password, err, want)
		}
		if d.Hosts != "h" && d.Hosts != "h:1,h:2" {
			t.Errorf("%s: hosts %q", s, d.Hosts)
		}
		err := parse(t, s).Done()
		if (err == nil) != (s == "x://h") {
			t.Errorf("%s: a driver that reads no user: error %v", s, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "user and password") || strings.Contains(err.Error(), secret)) {
			t.Errorf("%s: error %q", s, err)
		}
	}
}

func TestBuilder(t *testing.T) {
	b := Builder{Scheme: "x", User: "a:b", Password: "p@s/s", Hosts: "h:1,[::1]:2", Path: "/p q?"}
	b.Strings("b", []string{"1", "2"})
	b.Strings("none", nil)
	b.String("a", "x,y/z:[]& =")
	b.String("empty", "")
	b.Int("n", 7)
	b.Int64("zero", 0)
	b.Duration("t", time.Second)
	b.Bool("yes", true)
	b.Bool("no", false)
	b.Encoding(encoding.Base64())
	want := "x://a%3Ab:p%40s%2Fs@h:1,[::1]:2/p q%3F?a=x,y/z:[]%26+%3D&b=1&b=2&key_encoding=base64&n=7&t=1s&yes=true"
	if got := b.DSN(); got != want {
		t.Errorf("DSN: %q, want %q", got, want)
	}
	if got := (&Builder{Scheme: "x"}).DSN(); got != "x://" {
		t.Errorf("DSN of nothing: %q", got)
	}
}

// rebuild writes what was parsed.
func rebuild(d *DSN) string {
	b := Builder{Scheme: d.Scheme, Hosts: d.Hosts, Path: d.Path, params: d.params}
	if d.user != nil {
		b.User = d.user.Username()
		b.Password, _ = d.user.Password()
	}
	return b.DSN()
}

// Builder writes every DSN that Parse reads.
func FuzzRoundTrip(f *testing.F) {
	for _, s := range []string{
		"x://", "x://h:1,[::1]:2/p%20q?a=1&a=2&b=%26", "x://a%2Fb%40/c", "x:///run/%23?p=;", "x://?a=%2525&=", "x://%25zz?a=%2C,", "x://h?a=b?c",
		"x://u:p%40@h", "x://:p@", "x://u@h/p", "x://a:b:c@@h",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := Parse("x", s)
		if err != nil {
			if len(err.Error()) > 300 {
				t.Errorf("the error repeats the string: %d bytes", len(err.Error()))
			}
			return
		}
		again, err := Parse("x", rebuild(d))
		if err != nil {
			t.Fatalf("%q was written as %q: %v", s, rebuild(d), err)
		}
		if again.Hosts != d.Hosts || again.Path != d.Path || rebuild(again) != rebuild(d) || !maps.EqualFunc(again.params, d.params, slices.Equal) {
			t.Errorf("%q: %q, %q, %v became %q, %q, %v", s, d.Hosts, d.Path, d.params, again.Hosts, again.Path, again.params)
		}
	})
}

// Builder writes any parts in such a way that Parse reads them back.
func FuzzBuilder(f *testing.F) {
	f.Add("h:1", "/p", "u", "p", "name", "value")
	f.Add("#?%/", "/#?%", ":@/", "%@:", "&=;", "%2C,+")
	f.Add("", "/@#?%", "", "x", "@", "@")
	f.Fuzz(func(t *testing.T, hosts, path, user, password, name, value string) {
		if path != "" && path[0] != '/' || name == "" || value == "" || hosts != "" && strings.Contains(hosts+path, "@") {
			return
		}
		b := Builder{Scheme: "x", User: user, Password: password, Hosts: hosts, Path: path}
		b.String(name, value)
		s := b.DSN()
		d, err := Parse("x", s)
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		var u, p string
		d.User(&u, &p)
		if d.Hosts != hosts || d.Path != path || u != user || p != password || !slices.Equal(d.Strings(name), []string{value}) {
			t.Errorf("%q: %q, %q, %q, %q, %q", s, d.Hosts, d.Path, u, p, d.Strings(name))
		}
	})
}
