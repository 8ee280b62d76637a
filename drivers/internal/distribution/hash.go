package distribution

import (
	"crypto/md5" //nolint:gosec // a distribution that other clients share, not a secret
	"encoding/binary"
)

// oneAtATime is Bob Jenkins' one-at-a-time hash as libmemcached computes it where C's
// char is signed (x86): a byte of 0x80 and above is sign-extended before it is added.
func oneAtATime(s string) uint32 {
	var h uint32
	for i := range len(s) {
		h += uint32(int8(s[i]))
		h += h << 10
		h ^= h >> 6
	}
	h += h << 3
	h ^= h >> 11
	h += h << 15
	return h
}

// maxKey is the longest key of memcached.
const maxKey = 250

// md5Hash is the first four bytes of the MD5 sum, little endian.
func md5Hash(s string) uint32 {
	var stack [maxKey]byte // a conversion of more than 32 bytes would allocate
	sum := md5.Sum(append(stack[:0], s...))
	return binary.LittleEndian.Uint32(sum[:])
}
