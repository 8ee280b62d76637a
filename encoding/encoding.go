// Package encoding turns the keys of a program into keys that a cache server takes.
//
// memcached keys are 1 to 250 bytes without blanks and control characters. A program
// whose keys may be longer, or hold anything (a URL, a search term), chooses an
// encoding once, in the configuration of its cache; every operation then goes
// through it. Programs in other languages find the same items if they encode the
// same way.
//
//	string   the key as it is (the zero Encoding)
//	base64   RFC 4648, URL alphabet, padded
//	md5, sha1, sha256, sha512   the digest
//	safe     legal keys as they are, the others hashed
//
// Names are joined with commas, applied from left to right: "sha1,base64" is the
// base64 of the SHA-1 of the key.
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

// Encoding maps the keys of a program to the keys of a server. It is a value, safe
// for concurrent use; the zero Encoding leaves keys as they are.
type Encoding struct {
	name   string              // "" for the zero Encoding
	encode func(string) string // nil: as it is
	raw    bool                // the result is any bytes: a digest
}

// New returns an encoding of the program's own, for Config structs. Its name appears
// in formatted DSNs, but no DSN can choose it. The function must be pure and safe
// for concurrent use.
func New(name string, encode func(key string) string) Encoding {
	return Encoding{name: name, encode: encode}
}

// Base64 encodes keys as RFC 4648 says, with the URL alphabet and padding.
func Base64() Encoding {
	return New("base64", func(k string) string { return base64.URLEncoding.EncodeToString([]byte(k)) })
}

// Hash encodes keys as their digest by the given hash, raw: 20 bytes for SHA-1. Raw
// digests hold bytes that are not legal in keys, so compose it with Base64:
//
//	encoding.Compose(encoding.Hash("sha1", sha1.New), encoding.Base64())
func Hash(name string, newHash func() hash.Hash) Encoding {
	e := New(name, func(k string) string {
		h := newHash()
		h.Write([]byte(k)) // never fails: hash.Hash
		return string(h.Sum(nil))
	})
	e.raw = true
	return e
}

// Safe keeps a legal key as it is, and stores the others under a tilde and the
// base64 of their SHA-256, 45 bytes. No two keys share a form: a legal key that
// looks like such a digest is hashed as well.
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

// Compose applies encodings one after the other, the first one first.
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

// Names that ByName knows.
var named = map[string]Encoding{
	"string": {},
	"base64": Base64(),
	"md5":    Hash("md5", md5.New),
	"sha1":   Hash("sha1", sha1.New),
	"sha256": Hash("sha256", sha256.New),
	"sha512": Hash("sha512", sha512.New),
	"safe":   Safe(),
}

// ByName returns the encoding that a configuration string names, such as "safe" or
// "sha1,base64". A digest at the end is written in base64, because its bytes are not
// legal in keys: "sha1" is short for "sha1,base64".
func ByName(names string) (Encoding, error) {
	var steps []Encoding
	for name := range strings.SplitSeq(names, ",") {
		e, ok := named[name]
		if !ok {
			return Encoding{}, fmt.Errorf("encoding: unknown key encoding %.40q, want string, base64, md5, sha1, sha256, sha512, safe or some of them joined with commas", name)
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

// String returns the name that ByName takes, "string" for the zero Encoding.
func (e Encoding) String() string {
	if e.encode == nil {
		return "string"
	}
	return e.name
}

// IsZero reports whether e is the zero Encoding, which leaves keys as they are.
func (e Encoding) IsZero() bool { return e.encode == nil }

// Equal reports whether both have the same name, and both or none leave keys as they
// are.
func (e Encoding) Equal(other Encoding) bool {
	return e.String() == other.String() && (e.encode == nil) == (other.encode == nil)
}
