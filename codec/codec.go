// Package codec converts values to bytes and back, for caches of typed values.
//
// A [Codec] says how. Package [github.com/larder-go/larder/load] takes one to read through
// a cache; [View] is a typed view of a cache for programs that do not read through it:
//
//	sessions := codec.NewView(c, codec.JSON[Session]())
//	err := sessions.Set(ctx, id, s, time.Hour)
//	s, err := sessions.GetAndTouch(ctx, id, time.Hour) // cache.ErrMiss if it is not there
//
// [JSON] is the usual choice. [Gob], [Text], [Bytes] and [Binary] are others, and
// [Compress] wraps any of them. A codec for protocol buffers or for another compression
// takes two methods.
package codec

// A Codec converts values of type V to bytes and back. Its methods must be safe for
// concurrent use.
type Codec[V any] interface {
	// Append appends the encoded value to dst and returns the extended slice. With a
	// nil dst it may return bytes that v refers to, which the caller must not modify.
	Append(dst []byte, v V) ([]byte, error)

	// Decode returns the value that data encodes, or an error if it encodes none. The
	// bytes are shared with other callers: Decode must not modify them. The value may
	// refer to them only if it must not be modified either.
	Decode(data []byte) (V, error)
}
