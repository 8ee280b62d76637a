package dsn

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/larder-go/larder/encoding"
)

// A Builder writes a configuration string that [Parse] reads. Its methods add a parameter
// unless the value is zero, which means the default.
//
//	b := dsn.Builder{Scheme: "mycache", Hosts: config.Addr}
//	b.Duration("timeout", config.Timeout)
//	b.Encoding(config.KeyEncoding)
//	return b.DSN()
type Builder struct {
	Scheme         string
	User, Password string
	Hosts          string // a host, or a list
	Path           string // empty, or from "/" on

	params url.Values
}

func (b *Builder) set(name string, values ...string) {
	if b.params == nil {
		b.params = url.Values{}
	}
	b.params[name] = values
}

// String adds a string.
func (b *Builder) String(name, v string) {
	if v != "" {
		b.set(name, v)
	}
}

// Strings adds a parameter that repeats.
func (b *Builder) Strings(name string, v []string) {
	if len(v) > 0 {
		b.set(name, slices.Clone(v)...)
	}
}

// Bool adds a boolean.
func (b *Builder) Bool(name string, v bool) {
	if v {
		b.set(name, "true")
	}
}

// Int adds a number.
func (b *Builder) Int(name string, v int) { b.Int64(name, int64(v)) }

// Int64 adds a number, for DSN.Int64 or DSN.Size.
func (b *Builder) Int64(name string, v int64) {
	if v != 0 {
		b.set(name, strconv.FormatInt(v, 10))
	}
}

// Duration adds a duration.
func (b *Builder) Duration(name string, v time.Duration) {
	if v != 0 {
		b.set(name, v.String())
	}
}

// Encoding adds the parameter key_encoding. A custom encoding is added by its name, which
// Parse does not know.
func (b *Builder) Encoding(v encoding.Encoding) {
	if !v.IsZero() {
		b.set("key_encoding", v.String())
	}
}

// DSN returns the string. Parameters are in the order of their names.
func (b *Builder) DSN() string {
	s := b.Scheme + "://"
	if b.User != "" || b.Password != "" {
		s += userEscape.Replace(b.User)
		if b.Password != "" {
			s += ":" + userEscape.Replace(b.Password)
		}
		s += "@"
	}
	s += hostEscape.Replace(b.Hosts) + pathEscape.Replace(b.Path)
	if len(b.params) > 0 {
		s += "?" + readable.Replace(b.params.Encode())
	}
	return s
}

// They escape the characters that would end the part.
var (
	userEscape = strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23", "/", "%2F", "@", "%40", ":", "%3A")
	hostEscape = strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23", "/", "%2F")
	pathEscape = strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23")
)

// readable undoes escapes that a query does not need.
var readable = strings.NewReplacer("%2C", ",", "%2F", "/", "%3A", ":", "%5B", "[", "%5D", "]")
