package memory

import (
	"encoding/binary"
	"unsafe"

	"github.com/larder-go/larder/cache/driver"
)

// A record is an entry as it lies in a slab:
//
//	deadline  8 bytes   nanoseconds on the clock of the cache; with the top bit set the
//	                    entry does not expire, and the rest is its version
//	meta      8 bytes   length of the value, kind, length of the key, version
//	flags     1 byte    for those who hold the lock; readers never look at it
//	key, value
//	checksum  8 bytes   only with Config.CheckReads
//	wireRef   16 bytes  only in a wire; see wires.go
//
// Records lie byte by byte: alignment to 8 would cost 3.5 bytes an entry, and the only
// words that need it are those of the index.
//
// A *record points to the header. The bytes after it are accessed by unsafe, only in
// recordAt, bytes and hasKey: with slices a get takes 1.25 times as long. The race detector's
// checkptr checks both.
type record [headerSize]byte

const (
	flagsAt    = 16
	headerSize = flagsAt + 1

	valueBits = 30
	kindShift = valueBits
	keyShift  = kindShift + 2
	verShift  = keyShift + 8

	maxValue = 1<<valueBits - 1

	forever = 1 << 63 // the bit of a deadline that never comes
)

// The flags of a record.
const (
	dead flags = 1 << iota // no word of the index names it any more
	used                   // was counted, touched or swapped, or replaces a record that was used
	wire                   // ends in a wireRef: see wires.go
)

type flags uint8

// header is the first 16 bytes of a record. Together they name one state of a key: the
// version counts the stores of a shard, whole in the deadline of an entry that does not
// expire, and modulo 2^24 in meta. So two states of a key could look the same only with
// 2^24 stores between them and the same deadline to the nanosecond.
type header struct{ deadline, meta uint64 }

func newHeader(deadline, version uint64, kind driver.Kind, keyLen, valueLen int) header {
	if deadline >= forever {
		deadline = forever | version
	}
	return header{deadline, uint64(valueLen) | uint64(kind&3)<<kindShift |
		uint64(keyLen)<<keyShift | version<<verShift}
}

func (h header) kind() driver.Kind { return driver.Kind(h.meta >> kindShift & 3) }
func (h header) keyLen() int       { return int(h.meta >> keyShift & 0xff) }
func (h header) valueLen() int     { return int(h.meta & maxValue) }

// end returns where the value ends.
func (h header) end() int { return headerSize + h.keyLen() + h.valueLen() }

func (r *record) header() header {
	return header{binary.NativeEndian.Uint64(r[:8]), binary.NativeEndian.Uint64(r[8:])}
}

func (r *record) setHeader(h header) {
	binary.NativeEndian.PutUint64(r[:8], h.deadline)
	binary.NativeEndian.PutUint64(r[8:], h.meta)
}

func (r *record) deadline() uint64 { return r.header().deadline }

func (r *record) is(f flags) bool { return flags(r[flagsAt])&f != 0 }
func (r *record) mark(f flags)    { r[flagsAt] |= byte(f) }

// bytes returns n bytes of the record. There is no room to append: the next bytes belong to
// another record. For n = 0 they are not in the record: another object may begin behind
// its last byte, which a pointer there would keep from the garbage collector.
func (r *record) bytes(from, n int) []byte {
	if n == 0 {
		return []byte{}
	}
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(r), from)), n)
}

func (r *record) key() []byte { return r.bytes(headerSize, r.header().keyLen()) }

func (r *record) value() []byte {
	h := r.header()
	return r.bytes(headerSize+h.keyLen(), h.valueLen())
}

func (r *record) hasKey(key string) bool {
	return r.header().keyLen() == len(key) && unsafe.String((*byte)(unsafe.Add(unsafe.Pointer(r), headerSize)), len(key)) == key
}

// record returns the record at an offset.
func (s *slab) record(offset int) *record {
	return recordAt(s.data, offset)
}

func recordAt(data *byte, offset int) *record {
	return (*record)(unsafe.Add(unsafe.Pointer(data), offset))
}
