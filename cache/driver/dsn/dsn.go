// Package dsn reads and writes the configuration strings (DSNs) of cache drivers:
//
//	scheme://user:password@host:port,host:port/path?name=value&name=value
//
// A driver parses a string with [Parse], reads each parameter that it has into its Config,
// and calls [DSN.Done], which rejects everything that was not read:
//
//	d, err := dsn.Parse("mycache", source)
//	if err != nil {
//		return Config{}, err
//	}
//	config := Config{Addr: d.Hosts}
//	d.Duration("timeout", &config.Timeout)
//	d.Encoding(&config.KeyEncoding)
//	if err := d.Done(); err != nil {
//		return Config{}, err
//	}
//
// [Builder] writes such a string. Package cachetest has a test that the two agree.
//
// Errors name the parameter and what is wrong with it. They never repeat the whole string,
// which may come from a place that holds secrets.
package dsn

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/larder-go/larder/encoding"
)

// A DSN is a parsed configuration string. Its methods that read a parameter record the
// first error; Done returns it. An absent parameter leaves the variable unchanged, so that
// it holds the default.
type DSN struct {
	Scheme string
	Hosts  string // between "//" and the path, without user and password, unescaped; may be a list
	Path   string // from "/" on, unescaped

	user   *url.Userinfo
	params url.Values
	read   []string
	err    error
}

// Scheme returns the part of s before "://". The error does not repeat s: it may be a
// misplaced password.
func Scheme(s string) (string, error) {
	scheme, _, ok := strings.Cut(s, "://")
	problem := ""
	switch {
	case s == "":
		problem = "the string is empty"
	case !ok || scheme == "":
		problem = "no scheme"
	case strings.Trim(scheme, schemeLetters) != "":
		problem = "the scheme has a character other than letters, digits, +, - and ."
	default:
		return scheme, nil
	}
	return "", errors.New("dsn: " + problem + "; want a string such as memory:// or scheme://host:port?name=value")
}

// schemeLetters are the characters of a scheme.
const schemeLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-."

// Parse parses s, whose scheme must be the given one.
func Parse(scheme, s string) (*DSN, error) {
	got, err := Scheme(s)
	if err != nil {
		return nil, err
	}
	d := &DSN{Scheme: scheme}
	if got != scheme {
		return nil, d.errorf("the scheme is %.40q, want %q", got, scheme)
	}
	rest := s[len(scheme)+len("://"):]
	if strings.Contains(rest, "#") {
		return nil, d.errorf("fragments (#...) are not supported; write %%23 for the character")
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		hosts, path = rest[:i], rest[i:]
	}
	if i := strings.LastIndexByte(hosts, '@'); i >= 0 {
		if d.user, err = parseUser(hosts[:i]); err != nil {
			return nil, d.errorf("%w", err)
		}
		hosts = hosts[i+1:]
	}
	if d.Hosts, err = url.PathUnescape(hosts); err != nil {
		return nil, d.errorf("bad escape in the host part")
	}
	if d.Path, err = url.PathUnescape(path); err != nil {
		return nil, d.errorf("bad escape in the path")
	}
	// After unescaping, since an @ may be escaped; and also in the path, since a password
	// may contain a slash.
	if d.Hosts != "" && strings.Contains(d.Hosts+d.Path, "@") {
		return nil, d.errorf("@ in the host or the path; in a user or password, write %%2F for a slash and %%40 for @")
	}
	// A password may contain a question mark: its rest would be taken for a parameter, and
	// named in an error.
	if strings.Contains(query, "@") {
		return nil, d.errorf("@ after the question mark; write %%40 for @ in a parameter, and %%3F for a question mark in a user or password")
	}
	if d.params, err = parseQuery(query); err != nil {
		return nil, d.errorf("%w", err)
	}
	return d, nil
}

// parseUser parses "user" or "user:password", with errors that do not repeat it.
func parseUser(s string) (*url.Userinfo, error) {
	user, password, both := strings.Cut(s, ":")
	user, err := url.PathUnescape(user)
	if err == nil {
		password, err = url.PathUnescape(password)
	}
	if err != nil {
		return nil, errors.New("bad escape in the user or password")
	}
	if !both {
		return url.User(user), nil
	}
	return url.UserPassword(user, password), nil
}

// parseQuery is url.ParseQuery with errors that name the parameter and not its value.
func parseQuery(query string) (url.Values, error) {
	params := url.Values{}
	if query == "" {
		return params, nil
	}
	for pair := range strings.SplitSeq(query, "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, errors.New("a parameter is not of the form name=value")
		}
		name, err := url.QueryUnescape(name)
		if err != nil {
			return nil, errors.New("bad escape in the name of a parameter")
		}
		if strings.Contains(value, ";") {
			return nil, fmt.Errorf("parameter %q: the value has a semicolon; separate parameters by &, and write %%3B for a semicolon", shorten(name))
		}
		value, err = url.QueryUnescape(value)
		if err != nil {
			return nil, fmt.Errorf("parameter %q: bad escape in the value", shorten(name))
		}
		params.Add(name, value)
	}
	return params, nil
}

func shorten(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// errorf puts the scheme before the message.
func (d *DSN) errorf(format string, args ...any) error {
	return fmt.Errorf(d.Scheme+": dsn: "+format, args...)
}

// Errorf records an error about the parameter name that the driver found.
func (d *DSN) Errorf(name, format string, args ...any) {
	if d.err == nil {
		d.err = d.errorf("parameter %s: "+format, append([]any{name}, args...)...)
	}
}

// one returns the value of a parameter that may be given once.
func (d *DSN) one(name string) (string, bool) {
	d.read = append(d.read, name)
	values := d.params[name]
	if len(values) > 1 {
		d.Errorf(name, "given %d times, want once", len(values))
	}
	if len(values) == 0 {
		return "", false
	}
	return values[0], true
}

// User sets *user and *password to those before the host, if they are given. A driver that
// does not call User has none, and Done rejects them.
func (d *DSN) User(user, password *string) {
	if d.user != nil {
		*user = d.user.Username()
		*password, _ = d.user.Password()
		d.user = nil
	}
}

// Strings returns every value of a parameter that may repeat.
func (d *DSN) Strings(name string) []string {
	d.read = append(d.read, name)
	return d.params[name]
}

// String sets *p to the value of the parameter. An empty value is an error.
func (d *DSN) String(name string, p *string) {
	v, ok := d.one(name)
	if !ok {
		return
	}
	if v == "" {
		d.Errorf(name, "the value is empty")
		return
	}
	*p = v
}

// Choice is like String for a value that must be one of choices.
func (d *DSN) Choice(name string, p *string, choices ...string) {
	v, ok := d.one(name)
	if !ok {
		return
	}
	if !slices.Contains(choices, v) {
		d.Errorf(name, "%.40q must be one of %s", v, strings.Join(choices, ", "))
		return
	}
	*p = v
}

// Bool sets *p from "true" or "false".
func (d *DSN) Bool(name string, p *bool) {
	v, ok := d.one(name)
	if !ok {
		return
	}
	if v != "true" && v != "false" {
		d.Errorf(name, "%.40q must be true or false", v)
		return
	}
	*p = v == "true"
}

// Int sets *p from a decimal number, which must not be less than least.
func (d *DSN) Int(name string, p *int, least int) {
	v, ok := d.one(name)
	if !ok {
		return
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < least {
		d.Errorf(name, "%.40q must be a whole number of %d or more", v, least)
		return
	}
	*p = n
}

// Int64 is like Int for 64 bits.
func (d *DSN) Int64(name string, p *int64, least int64) {
	v, ok := d.one(name)
	if !ok {
		return
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < least {
		d.Errorf(name, "%.40q must be a whole number of %d or more", v, least)
		return
	}
	*p = n
}

// Size sets *p from a number of bytes, without a unit or with KiB, MiB or GiB.
func (d *DSN) Size(name string, p *int64) {
	v, ok := d.one(name)
	if !ok {
		return
	}
	digits, shift := v, 0
	for unit, s := range map[string]int{"KiB": 10, "MiB": 20, "GiB": 30} {
		if rest, ok := strings.CutSuffix(v, unit); ok {
			digits, shift = rest, s
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n<<shift>>shift != n {
		d.Errorf(name, "%.40q must be a size such as 1048576, 1024KiB or 1MiB", v)
		return
	}
	*p = n << shift
}

// Duration sets *p from a duration such as 150ms or 15s, which must be positive.
func (d *DSN) Duration(name string, p *time.Duration) {
	v, ok := d.one(name)
	if !ok {
		return
	}
	n, err := time.ParseDuration(v)
	if err != nil || n <= 0 {
		d.Errorf(name, "%.40q must be a positive duration such as 150ms or 15s", v)
		return
	}
	*p = n
}

// Encoding sets *p from the parameter key_encoding.
func (d *DSN) Encoding(p *encoding.Encoding) {
	const name = "key_encoding"
	v, ok := d.one(name)
	if !ok {
		return
	}
	e, err := encoding.ByName(v)
	if err != nil {
		d.Errorf(name, "%w", err)
		return
	}
	*p = e
}

// NoAddress records an error if the string names a host or a path.
func (d *DSN) NoAddress() {
	if d.err == nil && (d.Hosts != "" || d.Path != "") {
		d.err = d.errorf("this cache has no address; want %s://?name=value", d.Scheme)
	}
}

// Done returns the first error that was recorded, or an error that names a parameter that
// was not read and lists those that were.
func (d *DSN) Done() error {
	if d.err != nil {
		return d.err
	}
	if d.user != nil {
		return d.errorf("user and password before the host are not supported")
	}
	for _, name := range slices.Sorted(maps.Keys(d.params)) {
		if !slices.Contains(d.read, name) {
			if len(d.read) == 0 {
				return d.errorf("unknown parameter %q; there are no parameters", shorten(name))
			}
			known := slices.Sorted(slices.Values(d.read))
			return d.errorf("unknown parameter %q; known parameters: %s", shorten(name), strings.Join(slices.Compact(known), ", "))
		}
	}
	return nil
}
