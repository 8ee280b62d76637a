package distribution

import (
	"hash/crc32"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

// modulo gives a key to the server at hash(key) % n in a list of n buckets, in which a
// server of weight w is listed w times in a row.
type modulo struct {
	hash    func(key string) uint32
	buckets []uint32 // positions of servers
}

func newModulo(hash func(string) uint32, servers []memcached.Server) *modulo {
	m := &modulo{hash: hash}
	for i, s := range servers {
		for range weight(s) {
			m.buckets = append(m.buckets, uint32(i))
		}
	}
	return m
}

func (m *modulo) Pick(key string) int {
	return int(m.buckets[m.hash(key)%uint32(len(m.buckets))])
}

// hashPythonMemcached is cmemcache_hash of python-memcached 1.59.
func hashPythonMemcached(key string) uint32 {
	if h := checksum(key) >> 16 & 0x7fff; h != 0 {
		return h
	}
	return 1
}

// checksum is crc32.ChecksumIEEE of a string: that function takes bytes, and the
// conversion would allocate.
func checksum(key string) uint32 {
	c := ^uint32(0)
	for i := range len(key) {
		c = crc32.IEEETable[byte(c)^key[i]] ^ c>>8
	}
	return ^c
}
