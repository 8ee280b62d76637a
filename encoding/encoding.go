// Package encoding encodes the keys of a program, so that a cache server accepts them. It
// does not encode values.
//
// A memcached key is 1 to 250 bytes without spaces and control characters. A program whose
// keys may be longer, or may contain anything (a URL, a search term), chooses an encoding
// in the configuration of its cache. Every operation then uses it. Programs in other
// languages find the same items if they encode keys in the same way.
//
//	none, string                the key as it is (the zero Encoding)
//	base64                      RFC 4648, URL alphabet, padded
//	md5, sha1, sha256, sha512   the digest, in base64
//	safe                        valid keys as they are, the others as a digest
//
// Names can be joined with commas and are applied from left to right: "base64,sha1" is the
// SHA-1 of the base64 of the key.
package encoding

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"hash"
	"slices"
	"strings"

	"github.com/larder-go/larder/internal/keyrule"
)

// An Encoding maps the keys of a program to the keys of a server. It is safe for concurrent
// use. The zero Encoding leaves keys as they are.
type Encoding struct {
	name   string              // "" for the zero Encoding
	encode func(string) string // nil: keys are left as they are
	raw    bool                // the result is a digest: any bytes
}

// New returns a custom encoding, for Config structs. Its name appears in formatted DSNs,
// but [ByName] does not know it, so no DSN can choose it. The function must be pure and
// safe for concurrent use.
func New(name string, encode func(key string) string) Encoding {
	return Encoding{name: name, encode: encode}
}

// Base64 returns the encoding of RFC 4648 with the URL alphabet and padding.
func Base64() Encoding {
	return New("base64", func(k string) string { return base64.URLEncoding.EncodeToString([]byte(k)) })
}

// Hash returns an encoding that replaces a key by its digest: 20 bytes for SHA-1. A digest
// contains bytes that are not valid in keys, so compose it with Base64:
//
//	encoding.Compose(encoding.Hash("sha1", sha1.New), encoding.Base64())
func Hash(name string, newHash func() hash.Hash) Encoding {
	e := New(name, func(k string) string {
		h := newHash()
		h.Write([]byte(k)) // a hash.Hash never returns an error
		return string(h.Sum(nil))
	})
	e.raw = true
	return e
}

// Safe returns an encoding that leaves valid keys as they are and replaces the others by a
// tilde and the base64 of their SHA-256, which are 45 bytes. A valid key that looks like
// such a digest is replaced too, so that no two keys have the same encoded form.
func Safe() Encoding {
	return New("safe", func(k string) string {
		if keyrule.Valid(k) && !looksHashed(k) {
			return k
		}
		sum := sha256.Sum256([]byte(k))
		return "~" + base64.URLEncoding.EncodeToString(sum[:])
	})
}

func looksHashed(k string) bool { return len(k) == 45 && k[0] == '~' }

// Compose returns an encoding that applies the given ones in order.
func Compose(encodings ...Encoding) Encoding {
	steps := slices.DeleteFunc(slices.Clone(encodings), func(e Encoding) bool { return e.encode == nil })
	if len(steps) == 0 {
		return Encoding{}
	}
	if len(steps) == 1 {
		return steps[0]
	}
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.name
	}
	e := New(strings.Join(names, ","), func(k string) string {
		for _, s := range steps {
			k = s.encode(k)
		}
		return k
	})
	e.raw = steps[len(steps)-1].raw
	return e
}

// named are the encodings that ByName knows.
var named = map[string]Encoding{
	"none":   {},
	"string": {},
	"base64": Base64(),
	"md5":    Hash("md5", md5.New),
	"sha1":   Hash("sha1", sha1.New),
	"sha256": Hash("sha256", sha256.New),
	"sha512": Hash("sha512", sha512.New),
	"safe":   Safe(),
}

// ByName returns the encoding with a name such as "safe" or "base64,sha1". A digest at the
// end is encoded in base64, because its bytes are not valid in keys: "sha1" is short for
// "sha1,base64". "none" and "string" leave keys as they are.
func ByName(names string) (Encoding, error) {
	var steps []Encoding
	for name := range strings.SplitSeq(names, ",") {
		e, ok := named[name]
		if !ok {
			return Encoding{}, fmt.Errorf("encoding: unknown key encoding %.40q; known: none, string, base64, md5, sha1, sha256, sha512, safe, and several of them joined with commas", name)
		}
		steps = append(steps, e)
	}
	e := Compose(steps...)
	if e.raw {
		e = Compose(e, Base64())
	}
	return e, nil
}

// Encode returns the encoded form of k.
func (e Encoding) Encode(k string) string {
	if e.encode == nil {
		return k
	}
	return e.encode(k)
}

// String returns the name, as for ByName. The name of the zero Encoding is "string".
func (e Encoding) String() string {
	if e.encode == nil {
		return "string"
	}
	return e.name
}

// IsZero reports whether e is the zero Encoding, which leaves keys as they are.
func (e Encoding) IsZero() bool { return e.encode == nil }

// Equal reports whether e and other have the same name, and are both zero or both not.
func (e Encoding) Equal(other Encoding) bool {
	return e.String() == other.String() && (e.encode == nil) == (other.encode == nil)
}
