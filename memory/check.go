package memory

import (
	"encoding/binary"
	"fmt"
	"hash/maphash"
)

// With Config.CheckReads each record ends in a checksum of its value, made when it is
// stored. It is verified by each get, and when the record is overwritten, moved or
// removed, so that a caller who wrote to the bytes that Get returned is found out.

const checksumSize = 8

func (s *store) sign(r *record) {
	if s.trailer > 0 {
		sum := r.bytes(r.header().end(), checksumSize)
		binary.NativeEndian.PutUint64(sum, maphash.Bytes(s.seed, r.value()))
	}
}

func (s *store) verify(r *record) {
	if s.trailer > 0 {
		s.mustMatch(r)
	}
}

func (s *store) mustMatch(r *record) {
	sum := r.bytes(r.header().end(), checksumSize)
	if binary.NativeEndian.Uint64(sum) != maphash.Bytes(s.seed, r.value()) {
		panic(fmt.Sprintf("memory: somebody wrote to the value of key %.64q after Get had returned it; returned values are shared and must not be written to", r.key()))
	}
}

// verifyAll verifies every entry of a shard.
func (sh *shard) verifyAll() {
	if sh.store.trailer == 0 {
		return
	}
	for _, q := range []*queue{&sh.main, &sh.small} {
		for s := q.head; s != nil; s = s.next {
			sh.walk(s, 0, s.used, func(offset int, r *record) {
				if e := sh.at(s, offset, r); e.found() {
					sh.store.verify(r)
				}
			})
		}
	}
}
