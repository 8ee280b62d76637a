package codec

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
)

// CompressConfig configures [Compress]. The zero value is ready to use.
type CompressConfig struct {
	// MinSize is the length in bytes of the shortest encoded value that is compressed;
	// 1 KiB if zero.
	MinSize int

	// MaxSize is the length in bytes of the longest value that is compressed or
	// decompressed; 64 MiB if zero. Decoding a longer value is an error, and allocates at
	// most three times MaxSize. It protects against a few bytes in the cache that expand
	// to gigabytes.
	MaxSize int

	// Level is the compression level, as in package compress/gzip; its default level
	// if zero.
	Level int
}

// Compress returns a codec that compresses the values that another codec encodes, with gzip.
// A value that is short, or longer than MaxSize, or that gzip does not make shorter, is stored
// as it is. Values that were stored without Compress can be read. Compress panics if the
// configuration is invalid.
func Compress[V any](inner Codec[V], c CompressConfig) Codec[V] {
	if c.MinSize == 0 {
		c.MinSize = 1 << 10
	}
	if c.MaxSize == 0 {
		c.MaxSize = 64 << 20
	}
	if c.Level == 0 {
		c.Level = gzip.DefaultCompression
	}
	if inner == nil || c.MinSize < 0 || c.MaxSize < 0 || c.Level < gzip.HuffmanOnly || c.Level > gzip.BestCompression {
		panic(fmt.Sprintf("codec: invalid compression: inner codec %v, %+v; want a codec, sizes of 0 or more, and a level of compress/gzip", inner, c))
	}
	return &compressCodec[V]{inner: inner, config: c}
}

type compressCodec[V any] struct {
	inner   Codec[V]
	config  CompressConfig
	writers sync.Pool // of *gzip.Writer, which are some 800 KB large
	readers sync.Pool // of *gzip.Reader
}

// isGzip reports whether b begins as a gzip stream does (RFC 1952, 2.3.1): with its magic
// number and the only compression method that is defined.
func isGzip(b []byte) bool {
	return len(b) >= 3 && b[0] == 0x1f && b[1] == 0x8b && b[2] == 8
}

func (c *compressCodec[V]) Append(dst []byte, v V) ([]byte, error) {
	n := len(dst)
	dst, err := c.inner.Append(dst, v)
	if err != nil {
		return dst, err
	}
	plain := dst[n:]
	ambiguous := isGzip(plain) // Decode would take it for compressed
	switch long := len(plain) > c.config.MaxSize; {
	case long && ambiguous:
		return dst[:n], fmt.Errorf("codec: a value that begins like gzip must be compressed, and this one of %d bytes is longer than MaxSize, %d", len(plain), c.config.MaxSize)
	case (long || len(plain) < c.config.MinSize) && !ambiguous:
		return dst, nil
	}
	var out bytes.Buffer
	w, _ := c.writers.Get().(*gzip.Writer)
	if w == nil {
		if w, err = gzip.NewWriterLevel(&out, c.config.Level); err != nil {
			return dst[:n], err
		}
	} else {
		w.Reset(&out)
	}
	defer c.writers.Put(w)
	if _, err := w.Write(plain); err != nil {
		return dst[:n], err
	}
	if err := w.Close(); err != nil {
		return dst[:n], err
	}
	if out.Len() >= len(plain) && !ambiguous {
		return dst, nil
	}
	if n == 0 {
		return out.Bytes(), nil // what the inner codec returned may not be ours
	}
	return append(dst[:n], out.Bytes()...), nil
}

func (c *compressCodec[V]) Decode(data []byte) (v V, err error) {
	if !isGzip(data) {
		return c.inner.Decode(data)
	}
	r, _ := c.readers.Get().(*gzip.Reader)
	if r == nil {
		r = new(gzip.Reader)
	}
	defer c.readers.Put(r)
	if err := r.Reset(bytes.NewReader(data)); err != nil {
		return v, err
	}
	limit := int64(c.config.MaxSize)
	size := sizeHint(data)
	if size > limit {
		return v, c.tooLong()
	}
	plain := bytes.NewBuffer(make([]byte, 0, size+bytes.MinRead))
	if _, err := plain.ReadFrom(io.LimitReader(r, limit)); err != nil {
		return v, err
	}
	// Not a limit of one byte more, which the largest number does not have.
	switch n, err := io.ReadFull(r, make([]byte, 1)); {
	case n > 0:
		return v, c.tooLong()
	case err != io.EOF:
		return v, err
	}
	return c.inner.Decode(plain.Bytes())
}

// sizeHint returns the decompressed size of a gzip stream as its last four bytes give it
// (RFC 1952, 2.3.1). They may be wrong, so the hint is at most 1032 times the size of the
// stream, the most that deflate can expand.
func sizeHint(stream []byte) int64 {
	size := int64(binary.LittleEndian.Uint32(stream[max(0, len(stream)-4):]))
	return min(size, 1032*int64(len(stream)))
}

func (c *compressCodec[V]) tooLong() error {
	return fmt.Errorf("codec: the decompressed value has more than %d bytes", c.config.MaxSize)
}
