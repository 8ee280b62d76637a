package gomemcache

import (
	"fmt"
	"hash/crc32"
)

// distribution returns the hash of a distribution; the server is the one at
// hash % n in the list of the n servers, where a server of weight w stands w times in
// a row.
func distribution(name string) (func(key string) uint32, error) {
	switch name {
	case "", DistributionLibrary:
		return hashLibrary, nil
	case DistributionPythonMemcached:
		return hashPythonMemcached, nil
	}
	return nil, fmt.Errorf("distribution %.40q: want %s or %s", name, DistributionLibrary, DistributionPythonMemcached)
}

// hashLibrary is that of memcache.ServerList.
func hashLibrary(key string) uint32 { return checksum(key) }

// hashPythonMemcached is cmemcache_hash of python-memcached 1.59.
func hashPythonMemcached(key string) uint32 {
	if h := checksum(key) >> 16 & 0x7fff; h != 0 {
		return h
	}
	return 1
}

// checksum is crc32.ChecksumIEEE, which takes bytes and would put a copy of the key on
// the heap.
func checksum(key string) uint32 {
	c := ^uint32(0)
	for i := range len(key) {
		c = crc32.IEEETable[byte(c)^key[i]] ^ c>>8
	}
	return ^c
}

// pick returns the server of a key.
func (d *driverCache) pick(key string) *server {
	if len(d.buckets) == 1 {
		return d.buckets[0]
	}
	return d.buckets[d.hash(key)%uint32(len(d.buckets))]
}
