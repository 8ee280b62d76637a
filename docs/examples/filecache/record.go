package filecache

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// A record is an item as it is stored in a file:
//
//	magic    8 bytes
//	checksum 4 bytes, CRC-32 (Castagnoli) of all that follows
//	kind     1 byte
//	version  8 bytes, drawn at random for each store
//	expires  8 bytes, Unix nanoseconds, 0 for never
//	value    the rest
//
// Numbers are big endian.
type record struct {
	kind    driver.Kind
	version uint64
	expires int64
	value   []byte
}

const (
	magic      = "larder1\n"
	headerSize = len(magic) + 4 + 1 + 8 + 8
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (r record) encode() []byte {
	b := make([]byte, 0, headerSize+len(r.value))
	b = append(b, magic...)
	b = append(b, 0, 0, 0, 0)
	body := len(b)
	b = append(b, byte(r.kind))
	b = binary.BigEndian.AppendUint64(b, r.version)
	b = binary.BigEndian.AppendUint64(b, uint64(r.expires))
	b = append(b, r.value...)
	binary.BigEndian.PutUint32(b[len(magic):], crc32.Checksum(b[body:], castagnoli))
	return b
}

// decode reports false for a file that is truncated or damaged, or is not of the cache.
func decode(b []byte) (record, bool) {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return record{}, false
	}
	b = b[len(magic):]
	sum, body := binary.BigEndian.Uint32(b), b[4:]
	if crc32.Checksum(body, castagnoli) != sum {
		return record{}, false
	}
	return record{
		kind:    driver.Kind(body[0]),
		version: binary.BigEndian.Uint64(body[1:]),
		expires: int64(binary.BigEndian.Uint64(body[9:])),
		value:   body[17:],
	}, true
}

// readExpiry reads the expiry from the head of a file. It does not read the value, and so
// cannot verify the checksum.
func readExpiry(file io.Reader) (int64, error) {
	head := make([]byte, headerSize)
	if _, err := io.ReadFull(file, head); err != nil {
		return 0, err
	}
	return int64(binary.BigEndian.Uint64(head[headerSize-8:])), nil
}

// live reports whether the item has not expired.
func (r record) live() bool { return !past(r.expires) }

func past(expires int64) bool {
	return expires != 0 && expires <= time.Now().UnixNano()
}

// left returns the time until the item expires; 0 means never.
func (r record) left() time.Duration {
	if r.expires == 0 {
		return 0
	}
	return max(1, time.Duration(r.expires-time.Now().UnixNano()))
}

// expiry returns when an item that is stored now expires.
func expiry(ttl time.Duration) int64 {
	if ttl == 0 {
		return 0
	}
	now := time.Now().UnixNano()
	if int64(ttl) > math.MaxInt64-now {
		return math.MaxInt64 // later than the format can hold
	}
	return now + int64(ttl)
}
