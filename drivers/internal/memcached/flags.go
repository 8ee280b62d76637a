package memcached

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/larder-go/larder/cache/driver"
)

// MaxValue is the length of the longest value that is sent: the largest item size to which
// memcached can be set. Client libraries write the length of a longer one modulo 2^32, or
// memcached does not understand it and reads the value as commands.
const MaxValue = 1 << 30

// The flags that Python clients write with a value. They are bits: at most one of the types
// is set, alone or together with compressed.
const (
	flagPickle     = 1
	flagInteger    = 2
	flagLong       = 4
	flagCompressed = 8
	flagText       = 16
)

// A Dialect selects the Python client whose flags are written. Both clients read either; it
// matters to programs that compare flags.
type Dialect uint8

const (
	Pylibmc         Dialect = iota // numbers have flag 4
	PythonMemcached                // numbers have flag 2
)

// The names of the dialects, as the parameter number_flags of a DSN spells them.
const (
	PylibmcName         = "pylibmc"
	PythonMemcachedName = "python-memcached"
)

// Dialects are the names of the dialects, by dialect.
var Dialects = []string{Pylibmc: PylibmcName, PythonMemcached: PythonMemcachedName}

// ParseDialect returns the dialect of that name. Empty is Pylibmc.
func ParseDialect(name string) (Dialect, error) {
	if name == "" {
		return Pylibmc, nil
	}
	i := slices.Index(Dialects, name)
	if i < 0 {
		return 0, fmt.Errorf("unknown number flags %.40q; want one of %s", name, strings.Join(Dialects, ", "))
	}
	return Dialect(i), nil
}

func (d Dialect) String() string { return Dialects[d] }

// counterLen is the length of the longest counter of the server: the digits of 2^64-1.
const counterLen = 20

// Encode returns the bytes and the flags to store for a value of that kind. The bytes are
// those of value, not a copy, except in the case below.
//
// A value that is not what its kind says (a Text that is not UTF-8, a Number that is not a
// decimal number) is stored as Bytes: Python clients raise an error when they read one.
//
// A value that the server would count although it is not a number, such as "9 ",
// "3 apples", "+1" or " ", is stored compressed, which both Python clients read. So an
// increment of it is refused, and "9 " is not taken for a counter that went down from 10.
func (d Dialect) Encode(kind driver.Kind, value []byte) ([]byte, uint32) {
	var flags uint32
	switch kind {
	case driver.Text:
		if utf8.Valid(value) {
			flags = flagText
		}
	case driver.Number:
		if isNumber(value) {
			flags = flagLong
			if d == PythonMemcached {
				flags = flagInteger
			}
		}
	}
	if looksCountable(value) {
		return deflate(value), flags | flagCompressed
	}
	return value, flags
}

// Decode returns the value that was stored as data with these flags, which may be a part of
// data, and its kind. The value is not nil.
//
// The server keeps a counter that lost digits at its old length, with spaces on the right,
// which Decode cuts off. It does so for bytes and text too, which may be a counter that was
// stored that way, if there is nothing but digits and spaces, and no more than a counter
// has.
//
// Data that is marked as a number and is not numeric is an error: other clients use these flags
// for compressed values (Dalli, spymemcached, older versions of PECL memcached).
func Decode(data []byte, flags uint32) ([]byte, driver.Kind, error) {
	compressed := flags&flagCompressed != 0
	if compressed {
		var err error
		if data, err = inflate(data, maxInflated); err != nil {
			return nil, 0, err
		}
	}
	if data == nil {
		data = []byte{}
	}
	switch flags &^ flagCompressed {
	case 0:
		return trimCounter(data, compressed), driver.Bytes, nil
	case flagText:
		return trimCounter(data, compressed), driver.Text, nil
	case flagInteger, flagLong:
		n := bytes.TrimRight(data, " ")
		if !isNumber(n) {
			return nil, 0, fmt.Errorf("it has flags %d, which mark a number, but is %.20q; another client may use these flags for something else", flags, data)
		}
		return n, driver.Number, nil
	case flagPickle:
		return nil, 0, errPickle
	}
	return nil, 0, fmt.Errorf("it has flags %d, which are unknown: "+
		"want 0 (bytes), 16 (text), 2 or 4 (number), with or without 8 (zlib)", flags)
}

var errPickle = fmt.Errorf("it is a Python object, pickled (flags %d): "+
	"only bytes, str and int can be shared", flagPickle)

func trimCounter(data []byte, compressed bool) []byte {
	if compressed || len(data) > counterLen || len(data) == 0 || data[len(data)-1] != ' ' {
		return data
	}
	if n := countDigits(data); n > 0 && len(bytes.TrimRight(data[n:], " ")) == 0 {
		return data[:n]
	}
	return data
}

// isNumber reports whether v is a decimal number, of any length, as Python writes an int.
func isNumber(v []byte) bool {
	if len(v) > 0 && v[0] == '-' {
		v = v[1:]
	}
	return len(v) > 0 && countDigits(v) == len(v)
}

// looksCountable reports whether the server might count v although it is not 1 to 20 digits.
// It reads a value with C's strtoull, which takes spaces and a sign before the digits, and
// then wants a space, a NUL, or the CR LF after the value. If there is nothing but spaces,
// that CR LF is one more of them, and memcached 1.6.18 counts what happens to be in the
// memory behind it.
func looksCountable(v []byte) bool {
	digits := v
	for len(digits) > 0 && isSpace(digits[0]) {
		digits = digits[1:]
	}
	if len(digits) == 0 {
		// strtoull reads on, over the CR LF, what an older item left in the memory.
		return len(v) > 0
	}
	if digits[0] == '+' || digits[0] == '-' {
		digits = digits[1:]
	}
	n := countDigits(digits)
	if n == 0 {
		return false
	}
	if n == len(v) {
		return n > counterLen
	}
	return n == len(digits) || isSpace(digits[n]) || digits[n] == 0
}

func countDigits(v []byte) int {
	n := 0
	for n < len(v) && '0' <= v[n] && v[n] <= '9' {
		n++
	}
	return n
}

// isSpace is C's isspace.
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }
