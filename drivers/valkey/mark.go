package valkey

import (
	"encoding/binary"
	"math/rand/v2"
	"unicode/utf8"

	"github.com/larder-go/larder/cache/driver"
)

// A mark follows a value on the server:
//
//	11 random bytes   no two marks are the same
//	 1 byte           how the value is to be read: 0, or 1 more than its driver.Kind
//	 4 bytes          FE 'L' 'R' FF, which no text in UTF-8 ends with
//
// A value is stored without a mark, so that other programs find the bytes that were set.
// Reading an item for a compare-and-swap adds the mark, which is the token. Whatever stores
// the value again drops it, so every state has a mark of its own or none. A value is
// stored with a mark only if it would otherwise be taken for what it is not: because it
// ends as marks do, or because it is a text of digits, which would be read as a number.
const (
	markLen   = 16
	markMagic = "\xfeLR\xff"
	kindAt    = 11
)

// A token identifies the state of an item: it is its mark.
type token [markLen]byte

// newMark draws a mark.
func newMark(kind byte) token {
	var t token
	binary.LittleEndian.PutUint64(t[:], rand.Uint64())
	binary.LittleEndian.PutUint32(t[8:], uint32(rand.Uint64()))
	t[kindAt] = kind
	copy(t[kindAt+1:], markMagic)
	return t
}

// kindByte is how a mark says kind.
func kindByte(kind driver.Kind) byte { return byte(kind) + 1 }

// marked reports whether stored ends with a mark.
func marked(stored []byte) bool {
	return len(stored) >= markLen && string(stored[len(stored)-len(markMagic):]) == markMagic
}

// unmark returns the value without its mark.
func unmark(stored []byte) []byte {
	if !marked(stored) {
		return stored
	}
	n := len(stored) - markLen
	return stored[:n:n]
}

// stored returns a value as it is stored, in memory of its own.
func stored(value []byte, kind driver.Kind) string {
	if marked(value) || kind == driver.Text && isNumber(value) {
		m := newMark(kindByte(kind))
		b := make([]byte, 0, len(value)+markLen)
		return string(append(append(b, value...), m[:]...))
	}
	return string(value)
}

// itemOf returns the item of a value that was read with a mark.
func itemOf(storedValue []byte) driver.Item {
	n := len(storedValue) - markLen
	t := token(storedValue[n:])
	it := driver.Item{Value: storedValue[:n:n], Token: t}
	if k := t[kindAt]; k > 0 && k <= kindByte(driver.Number) {
		it.Kind = driver.Kind(k - 1)
	} else {
		it.Kind = kindOf(it.Value)
	}
	return it
}

// kindOf returns the kind that a value looks like.
func kindOf(value []byte) driver.Kind {
	switch {
	case isNumber(value):
		return driver.Number
	case utf8.Valid(value):
		return driver.Text
	}
	return driver.Bytes
}

// isNumber reports whether value is a decimal number of 64 bits.
func isNumber(value []byte) bool {
	_, ok := parseNumber(value)
	return ok
}

// parseNumber parses a decimal number of 64 bits. Zeros at its beginning do not count.
func parseNumber(value []byte) (n uint64, ok bool) {
	if len(value) == 0 {
		return 0, false
	}
	for _, c := range value {
		d := uint64(c - '0')
		if d > 9 || n > (1<<64-1)/10 {
			return 0, false
		}
		n *= 10
		if n+d < n {
			return 0, false
		}
		n += d
	}
	return n, true
}
