package encoding

import (
	"errors"
	"fmt"
)

// ErrCollision is returned when two different keys have the same encoded form, so that one
// would hide the other.
var ErrCollision = errors.New("encoding: two keys encode to the same key")

// EncodeKeys returns the original keys by their encoded form. Keys may repeat. If two
// different keys have the same encoded form, it returns an error that matches ErrCollision.
//
// EncodeKeys and EncodeValues are for programs that use a server beside the cache, with a
// client of another library: to read what the cache stored, or to fill it in advance. The
// cache itself does without them, because it rejects only the keys that collide.
func EncodeKeys(e Encoding, keys []string) (map[string]string, error) {
	originals := make(map[string]string, len(keys))
	for _, k := range keys {
		encoded := e.Encode(k)
		if other, ok := originals[encoded]; ok && other != k {
			return nil, fmt.Errorf("%w: %.40q and %.40q by %s", ErrCollision, other, k, e)
		}
		originals[encoded] = k
	}
	return originals, nil
}

// EncodeValues is like EncodeKeys for the keys of a map, and also returns the values by
// encoded key.
func EncodeValues[V any](e Encoding, values map[string]V) (originals map[string]string, encoded map[string]V, err error) {
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	originals, err = EncodeKeys(e, keys)
	if err != nil {
		return nil, nil, err
	}
	encoded = make(map[string]V, len(values))
	for enc, k := range originals {
		encoded[enc] = values[k]
	}
	return originals, encoded, nil
}
