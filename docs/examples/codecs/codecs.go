// Package codecs has codecs for Protocol Buffers and for zstd, as docs/recipes.md shows them.
// Copy them: they are not published.
package codecs

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
	"google.golang.org/protobuf/proto"

	"github.com/larder-go/larder/codec"
)

// Proto returns a codec for messages of Protocol Buffers. The second type parameter is
// inferred: Proto[userpb.User]() is a codec of *userpb.User.
func Proto[T any, M interface {
	*T
	proto.Message
}]() codec.Codec[M] {
	return protoCodec[T, M]{}
}

type protoCodec[T any, M interface {
	*T
	proto.Message
}] struct{}

func (protoCodec[T, M]) Append(dst []byte, m M) ([]byte, error) {
	return proto.MarshalOptions{}.MarshalAppend(dst, m)
}

func (protoCodec[T, M]) Decode(data []byte) (M, error) {
	m := M(new(T))
	return m, proto.Unmarshal(data, m)
}

// Zstd returns a codec that compresses the values that another codec encodes. A value of more
// than maxSize bytes is an error, before it is compressed and when it is decompressed.
func Zstd[V any](inner codec.Codec[V], maxSize int) (codec.Codec[V], error) {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		return nil, err
	}
	r, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(uint64(maxSize)))
	if err != nil {
		return nil, err
	}
	return zstdCodec[V]{inner, maxSize, w, r}, nil
}

type zstdCodec[V any] struct {
	inner   codec.Codec[V]
	maxSize int
	w       *zstd.Encoder // EncodeAll and DecodeAll are safe for concurrent use
	r       *zstd.Decoder
}

func (c zstdCodec[V]) Append(dst []byte, v V) ([]byte, error) {
	plain, err := c.inner.Append(nil, v)
	if err != nil {
		return dst, err
	}
	if len(plain) > c.maxSize {
		return dst, fmt.Errorf("codecs: the value has %d bytes, and at most %d can be decompressed", len(plain), c.maxSize)
	}
	return c.w.EncodeAll(plain, dst), nil
}

func (c zstdCodec[V]) Decode(data []byte) (v V, err error) {
	plain, err := c.r.DecodeAll(data, nil)
	if err != nil {
		return v, err
	}
	return c.inner.Decode(plain)
}
