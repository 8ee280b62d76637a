package codec

import "encoding"

// Bytes returns a codec that stores bytes as they are. A decoded value is the slice that
// the cache returned, which is shared with other callers and must not be modified.
func Bytes() Codec[[]byte] { return bytesCodec{} }

type bytesCodec struct{}

func (bytesCodec) Append(dst []byte, v []byte) ([]byte, error) {
	if dst == nil {
		return v, nil
	}
	return append(dst, v...), nil
}

func (bytesCodec) Decode(data []byte) ([]byte, error) { return data, nil }

// Text returns a codec that stores a string as its bytes.
func Text[S ~string]() Codec[S] { return textCodec[S]{} }

type textCodec[S ~string] struct{}

func (textCodec[S]) Append(dst []byte, v S) ([]byte, error) { return append(dst, v...), nil }

func (textCodec[S]) Decode(data []byte) (S, error) { return S(data), nil }

// Binary returns a codec for a type that encodes itself, such as time.Time or url.URL. The
// second type parameter is inferred: codec.Binary[time.Time]().
func Binary[V any, P interface {
	*V
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}]() Codec[V] {
	return binaryCodec[V, P]{}
}

type binaryCodec[V any, P interface {
	*V
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}] struct{}

func (binaryCodec[V, P]) Append(dst []byte, v V) ([]byte, error) {
	if a, ok := any(P(&v)).(encoding.BinaryAppender); ok {
		return a.AppendBinary(dst)
	}
	b, err := P(&v).MarshalBinary()
	if err != nil || dst == nil {
		return b, err
	}
	return append(dst, b...), nil
}

func (binaryCodec[V, P]) Decode(data []byte) (v V, err error) {
	err = P(&v).UnmarshalBinary(data)
	return v, err
}
