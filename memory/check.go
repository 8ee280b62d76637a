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

// sign makes the checksum of a record.
func (sh *shard) sign(r *record) {
	if sh.store.trailer > 0 {
		binary.NativeEndian.PutUint64(r.checksum(), maphash.Bytes(sh.store.seed, r.value()))
	}
}

// checksum returns the bytes of the checksum. Readers look at it, so it comes before what
// only those who hold the lock may look at.
func (r *record) checksum() []byte { return r.bytes(r.header().end(), checksumSize) }

// verify is for those who hold the lock: unlock panics with what it finds.
func (sh *shard) verify(r *record) {
	if sh.store.trailer > 0 && sh.violation == "" {
		sh.violation = sh.store.check(r)
	}
}

// unlock also panics with what verify found: not before, as the lock would stay taken.
func (sh *shard) unlock() {
	if sh.store.trailer == 0 {
		sh.mu.Unlock()
		return
	}
	violation := sh.violation
	sh.violation = ""
	sh.mu.Unlock()
	if violation != "" {
		panic(violation)
	}
}

// check returns what is wrong with r.
func (s *store) check(r *record) string {
	if binary.NativeEndian.Uint64(r.checksum()) == maphash.Bytes(s.seed, r.value()) {
		return ""
	}
	return fmt.Sprintf("memory: somebody wrote to the value of key %.64q after Get had returned it; returned values are shared and must not be written to", r.key())
}

func (s *store) mustMatch(r *record) {
	if problem := s.check(r); problem != "" {
		panic(problem)
	}
}

// verifyAll verifies every entry of a shard.
func (sh *shard) verifyAll() {
	if sh.store.trailer == 0 {
		return
	}
	for _, q := range sh.log.queues() {
		for s := q.head; s != nil; s = s.next {
			for offset := 0; offset < s.end(); {
				r := s.record(offset)
				if !r.is(dead) {
					sh.verify(r)
				}
				offset += sh.log.size(r)
			}
		}
	}
}
