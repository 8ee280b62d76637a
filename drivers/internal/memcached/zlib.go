package memcached

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
)

// maxInflated bounds the length of a value that was compressed, so that a small one made for
// it cannot fill the memory. The server's limit for a value is 1 MiB unless it was raised.
const maxInflated = 64 << 20

// maxStored is the length of the longest stored block of the deflate format.
const maxStored = 65535

// deflate returns v in the zlib format (RFC 1950) as stored blocks (RFC 1951, 3.2.4): the
// format is wanted and not the size, and a compressor needs hundreds of kilobytes for each
// value.
func deflate(v []byte) []byte {
	blocks := max(1, (len(v)+maxStored-1)/maxStored)
	z := make([]byte, 0, 2+5*blocks+len(v)+4)
	z = append(z, 0x78, 0x01) // deflate, window of 32 KiB, fastest; a multiple of 31
	rest := v
	for i := range blocks {
		block := rest[:min(len(rest), maxStored)]
		rest = rest[len(block):]
		var final byte
		if i == blocks-1 {
			final = 1
		}
		z = append(z, final)
		z = binary.LittleEndian.AppendUint16(z, uint16(len(block)))
		z = binary.LittleEndian.AppendUint16(z, ^uint16(len(block)))
		z = append(z, block...)
	}
	return binary.BigEndian.AppendUint32(z, adler32.Checksum(v))
}

// inflate returns the value that z compresses, if it has at most limit bytes.
func inflate(z []byte, limit int64) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(z))
	if err != nil {
		return nil, fmt.Errorf("compressed value: %w", noEOF(err))
	}
	defer r.Close()
	v, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("compressed value: %w", noEOF(err))
	}
	if int64(len(v)) > limit {
		return nil, fmt.Errorf("compressed value: more than %d bytes once decompressed", limit)
	}
	return v, nil
}

// noEOF replaces errors that callers would take for the end of a connection.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut off")
	}
	return err
}
