package valkey

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/larder-go/larder/cache/driver"
)

// A mark follows a value on the server: 12 random bytes, so that no two marks are the same,
// and 4 that no text in UTF-8 ends with.
//
// A value is stored without a mark, so that other programs find the bytes that were set.
// Reading an item for a compare-and-swap adds the mark, which is the token. Any later store
// drops it, so no two states have the same mark. Only a value that ends as
// marks do is stored with one: otherwise its end would be taken for a mark.
const (
	markLen   = 16
	markMagic = "\xfeLR\xff"
)

// A token is the mark of an item. It identifies the state of the item.
type token [markLen]byte

// newMark draws a mark.
func newMark() token {
	var t token
	binary.LittleEndian.PutUint64(t[:], rand.Uint64())
	binary.LittleEndian.PutUint32(t[8:], rand.Uint32())
	copy(t[markLen-len(markMagic):], markMagic)
	return t
}

// marked reports whether data ends with a mark.
func marked(data []byte) bool {
	return len(data) >= markLen && string(data[len(data)-len(markMagic):]) == markMagic
}

// unmark returns data without its mark.
func unmark(data []byte) []byte {
	if !marked(data) {
		return data
	}
	n := len(data) - markLen
	return data[:n:n]
}

// stored returns a copy of a value in its stored form.
func stored(value []byte) string {
	if marked(value) {
		m := newMark()
		return withMark(value, m)
	}
	return string(value)
}

// withMark returns a value with a mark.
func withMark(value []byte, mark token) string {
	b := make([]byte, 0, len(value)+markLen)
	return string(append(append(b, value...), mark[:]...))
}

// itemOf returns the item of data that ends with a mark.
func itemOf(data []byte) driver.Item {
	n := len(data) - markLen
	return driver.Item{Value: data[:n:n], Token: token(data[n:])}
}
