package encoding

import (
	"errors"
	"fmt"
)

// ErrCollision: two different keys have the same encoded form, so one would hide the
// other.
var ErrCollision = errors.New("encoding: two keys encode to the same key")

// EncodeKeys returns the mapping from encoded to original keys. Keys may repeat; two
// different keys with one encoded form are an error that satisfies
// errors.Is(err, ErrCollision).
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

// EncodeValues is EncodeKeys for a map: it also returns the values by encoded key.
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
