package memcached_test

import (
	"maps"
	"slices"
	"time"
)

const ttl = time.Hour

// valueOf is the value that tests store for a key: it tells whose it is.
func valueOf(key string) []byte { return []byte("value of " + key) }

func valuesOf(keys []string) map[string][]byte {
	values := make(map[string][]byte, len(keys))
	for _, k := range keys {
		values[k] = valueOf(k)
	}
	return values
}

func sorted(values map[string][]byte) []string { return slices.Sorted(maps.Keys(values)) }
