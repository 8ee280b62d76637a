package load

import (
	"encoding/binary"
	"time"
)

// A stored value begins with a header. Integers are big endian, times are milliseconds
// since 1970 (Unix), and a time of 0 is never. docs/design.md has the same for readers in
// other languages.
//
//	1  0xFE
//	2  "lr"
//	1  1, the version of the format
//	1  kind: 0 a value, 1 "not found", 2 a lease
//	1  parts: bit 0 life, bit 1 mark, bit 2 generation; the others are 0
//	1  number of tags
//	   life, if there is one:
//	8    when the value is to be refreshed
//	8    when it expires
//	8    until when it may be returned nevertheless, if loading fails
//	4    how long it took to load, in milliseconds
//	   mark, if there is one:
//	8    until when others leave it alone
//	8    who set it, a random number; 0: nobody is loading, it is too early to try again
//	   generation, if there is one:
//	8    the generation of the loader
//	   for each tag:
//	1    length of the key of its record
//	     that key
//	8    the version that the record had before the value was loaded
//	   the encoded value, up to the end
const (
	magic0, magic1, magic2 = 0xFE, 'l', 'r'
	formatVersion          = 1

	fixedSize      = 7
	lifeSize       = 28
	markSize       = 16
	generationSize = 8
	versionSize    = 8
)

// MaxTags is the largest number of tags of one value, including those of the loader.
const MaxTags = 255

// The kinds of an item.
const (
	kindValue = iota
	kindNotFound
	kindLease
	kindEnd
)

// The parts of a header.
const (
	partLife = 1 << iota
	partMark
	partGeneration
	partEnd
)

// header is the parsed header of an item, and the payload.
type header struct {
	form       form
	kind       byte
	life       life
	mark       mark
	generation uint64
	tagCount   int
	tags       []byte // as they are stored
	payload    []byte // the encoded value
}

// life holds the times at which a value is refreshed and expires. The zero life is that of a
// value that may be returned as long as the cache keeps it.
type life struct {
	refresh, expires, keep int64 // Unix milliseconds; 0 is never
	took                   uint32
}

// mark tells other callers not to load a key for a while.
type mark struct {
	deadline int64
	owner    uint64
}

// form classifies the content of an item.
type form uint8

const (
	plain    form = iota // no header: another program stored it
	ours                 // a header and what follows it
	unusable             // a header that is damaged, or of a later version
)

// parse reads the header of an item into h, whose slices are then parts of b. It allocates
// nothing, whatever b holds.
func parse(b []byte, h *header) {
	if !isOurs(b) {
		*h = header{form: plain, payload: b}
		return
	}
	if !h.parse(b) {
		*h = header{form: unusable}
	}
}

// parse parses a header that begins like one of this package, and reports whether it is
// valid.
func (h *header) parse(b []byte) bool {
	if len(b) < fixedSize || b[3] != formatVersion || b[4] >= kindEnd || b[5] >= partEnd {
		return false
	}
	*h = header{form: ours, kind: b[4], tagCount: int(b[6])}
	parts, b := b[5], b[fixedSize:]
	if parts != 0 {
		if len(b) < partsSize(parts) {
			return false
		}
		b = h.parseParts(parts, b)
	}
	rest := b
	for range h.tagCount {
		if len(rest) == 0 || len(rest) < 1+int(rest[0])+versionSize {
			return false
		}
		rest = rest[1+int(rest[0])+versionSize:]
	}
	h.tags, h.payload = b[:len(b)-len(rest)], rest
	return true
}

// partsSize returns the length of the parts of a header.
func partsSize(parts byte) int {
	n := 0
	if parts&partLife != 0 {
		n += lifeSize
	}
	if parts&partMark != 0 {
		n += markSize
	}
	if parts&partGeneration != 0 {
		n += generationSize
	}
	return n
}

// parseParts reads the parts of a header and returns what follows them.
func (h *header) parseParts(parts byte, b []byte) []byte {
	if parts&partLife != 0 {
		h.life = life{
			refresh: int64(binary.BigEndian.Uint64(b)),
			expires: int64(binary.BigEndian.Uint64(b[8:])),
			keep:    int64(binary.BigEndian.Uint64(b[16:])),
			took:    binary.BigEndian.Uint32(b[24:]),
		}
		b = b[lifeSize:]
	}
	if parts&partMark != 0 {
		h.mark = mark{int64(binary.BigEndian.Uint64(b)), binary.BigEndian.Uint64(b[8:])}
		b = b[markSize:]
	}
	if parts&partGeneration != 0 {
		h.generation = binary.BigEndian.Uint64(b)
		b = b[generationSize:]
	}
	return b
}

// nextTag returns the first of tags and the rest. The tags must be those of a header that
// parse accepted.
func nextTag(tags []byte) (record []byte, version uint64, rest []byte) {
	n := 1 + int(tags[0])
	return tags[1:n], binary.BigEndian.Uint64(tags[n:]), tags[n+versionSize:]
}

// appendTag appends a tag in the form of a header.
func appendTag(b []byte, record string, version uint64) []byte {
	b = append(b, byte(len(record)))
	b = append(b, record...)
	return binary.BigEndian.AppendUint64(b, version)
}

// encode returns the item: the header, and the payload after it.
func (h *header) encode() []byte {
	b := make([]byte, fixedSize, fixedSize+lifeSize+markSize+generationSize+len(h.tags)+len(h.payload))
	parts := byte(0)
	if h.life != (life{}) {
		parts |= partLife
		b = binary.BigEndian.AppendUint64(b, uint64(h.life.refresh))
		b = binary.BigEndian.AppendUint64(b, uint64(h.life.expires))
		b = binary.BigEndian.AppendUint64(b, uint64(h.life.keep))
		b = binary.BigEndian.AppendUint32(b, h.life.took)
	}
	if h.mark != (mark{}) {
		parts |= partMark
		b = binary.BigEndian.AppendUint64(b, uint64(h.mark.deadline))
		b = binary.BigEndian.AppendUint64(b, h.mark.owner)
	}
	if h.generation != 0 {
		parts |= partGeneration
		b = binary.BigEndian.AppendUint64(b, h.generation)
	}
	b[0], b[1], b[2], b[3], b[4], b[5], b[6] = magic0, magic1, magic2, formatVersion, h.kind, parts, byte(h.tagCount)
	b = append(b, h.tags...)
	return append(b, h.payload...)
}

// left returns the TTL that an item still has, at least a millisecond, or 0 if it does not
// expire.
func (l *life) left(now int64) time.Duration {
	end := l.expires
	if end == 0 {
		return 0
	}
	if l.keep > end {
		end = l.keep
	}
	return times(time.Millisecond, max(1, end-now))
}

// unixMilli returns now in the unit of a header.
func unixMilli() int64 { return time.Now().UnixMilli() }
