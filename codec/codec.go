// Package codec converts values to bytes and back, for caches of typed values.
//
// Package [github.com/larder-go/larder/load] uses a [Codec] for the values that it reads
// through a cache. A [View] is a typed view of a cache, for programs without loaders:
//
//	sessions := codec.NewView(c, codec.JSON[Session]())
//	err := sessions.Set(ctx, id, s, time.Hour)
//	s, err := sessions.GetAndTouch(ctx, id, time.Hour) // cache.ErrMiss if it is not there
//
// [JSON] is the usual choice. [Gob], [Text], [Bytes] and [Binary] are others, and
// [Compress] wraps any of them. A codec has two methods; docs/recipes.md has one for Protocol
// Buffers and one for zstd.
package codec

// A Codec converts values of type V to bytes and back. Its methods must be safe for
// concurrent use.
type Codec[V any] interface {
	// Append appends the encoded value to dst and returns the extended slice. If dst is
	// nil, it may return bytes that v refers to, which the caller must not modify.
	Append(dst []byte, v V) ([]byte, error)

	// Decode returns the value that data encodes, or an error if data is invalid. Data
	// is shared with other callers: Decode must not modify it. The value may refer to
	// data only if users of the value must not modify it either.
	Decode(data []byte) (V, error)
}
