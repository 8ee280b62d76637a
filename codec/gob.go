package codec

import (
	"bytes"
	"encoding/gob"
)

// Gob returns a codec that uses encoding/gob. Each encoded value contains a description of
// its type, so small values are several times as large as in JSON. Package gob is not
// hardened against adversarial input, as its documentation says.
func Gob[V any]() Codec[V] { return gobCodec[V]{} }

type gobCodec[V any] struct{}

func (gobCodec[V]) Append(dst []byte, v V) ([]byte, error) {
	b := bytes.NewBuffer(dst)
	if err := gob.NewEncoder(b).Encode(&v); err != nil {
		return dst, err
	}
	return b.Bytes(), nil
}

func (gobCodec[V]) Decode(data []byte) (v V, err error) {
	err = gob.NewDecoder(bytes.NewReader(data)).Decode(&v)
	return v, err
}
