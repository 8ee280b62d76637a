package memcached

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/larder-go/larder/cache/driver"
)

// MaxValue is the length of the longest value that is sent: the largest item size
// memcached can be set to. Client libraries write the length of a longer one modulo
// 2^32, or memcached does not understand it, and takes the value for commands.
const MaxValue = 1 << 30

// The flags that Python clients write beside a value. They are bits, but at most one
// of the types is set, and compressed may join it.
const (
	flagPickle     = 1
	flagInteger    = 2
	flagLong       = 4
	flagCompressed = 8
	flagText       = 16
)

// Dialect is the Python client whose flags are written. Both read each other's; it
// matters to programs that compare flags.
type Dialect uint8

const (
	Pylibmc         Dialect = iota // a number is 4
	PythonMemcached                // a number is 2
)

// Dialects are the names of the dialects, as the parameter flags of a DSN has them.
var Dialects = []string{Pylibmc: "pylibmc", PythonMemcached: "python-memcached"}

// ParseDialect returns the dialect of that name; empty is [Pylibmc].
func ParseDialect(name string) (Dialect, error) {
	if name == "" {
		return Pylibmc, nil
	}
	i := slices.Index(Dialects, name)
	if i < 0 {
		return 0, fmt.Errorf("flags %.40q: want %s", name, strings.Join(Dialects, ", "))
	}
	return Dialect(i), nil
}

func (d Dialect) String() string { return Dialects[d] }

// counterLen is the longest a counter of the server is: the digits of 2^64-1.
const counterLen = 20

// Encode returns the bytes and the flags that stand for a value of that kind.
// The bytes are those of value, not a copy, except in the case below.
//
// A value that is not what its kind says (a Text that is not UTF-8, a Number that is
// not a decimal number) is stored as Bytes: Python clients raise an error when they
// read such a thing.
//
// A value that the server would count although it is not a number, such as "9 ",
// "3 apples", "+1" or " ", is stored compressed, which both Python clients read. So an
// increment is refused, and "9 " is not taken for a counter that went down from 10.
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

// Decode returns the value that data and flags stand for, which may be a part of
// data, and its kind. The value is not nil.
//
// The server keeps a counter that lost digits at its old length, with spaces on the
// right; they are cut off. For bytes and text, which may have been such a counter from
// the start, that is done where nothing but digits and spaces is there, within the
// length of a counter.
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
		return bytes.TrimRight(data, " "), driver.Number, nil
	case flagPickle:
		return nil, 0, errPickle
	}
	return nil, 0, fmt.Errorf("the value has flags %d, which stand for nothing known: "+
		"want 0 (bytes), 16 (text), 2 or 4 (number), with or without 8 (zlib)", flags)
}

var errPickle = fmt.Errorf("the value is a Python object, pickled (flags %d): "+
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

// isNumber reports whether v is a decimal number, of any length, as Python writes an
// int.
func isNumber(v []byte) bool {
	if len(v) > 0 && v[0] == '-' {
		v = v[1:]
	}
	return len(v) > 0 && countDigits(v) == len(v)
}

// looksCountable reports whether the server might count v although it is not 1 to 20
// digits. It reads a value with C's strtoull, which takes blanks and a sign before the
// digits, and then asks for a blank or NUL, or the CR LF after the value. With nothing
// but blanks, that CR LF is one more of them, and memcached 1.6.18 counts what happens
// to be in the memory behind it.
func looksCountable(v []byte) bool {
	digits := v
	for len(digits) > 0 && isSpace(digits[0]) {
		digits = digits[1:]
	}
	if len(digits) == 0 {
		// Blanks only: strtoull reads on, over the CR LF, into what an older
		// item left in the memory.
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
