package wire

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
)

// A Reader reads replies to the requests of the driver itself.
type Reader struct{ r *bufio.Reader }

// NewReader returns a Reader of what r receives.
func NewReader(r io.Reader) *Reader { return &Reader{bufio.NewReaderSize(r, bufferSize)} }

// bufferSize has room for the replies to many short requests.
const bufferSize = 4 << 10

// Empty reports whether everything that came has been read.
func (r *Reader) Empty() bool { return r.r.Buffered() == 0 }

// Line returns the next line, without CR LF. It is valid until the next call.
func (r *Reader) Line() ([]byte, error) {
	line, err := r.r.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		return nil, malformed(line)
	}
	if err != nil {
		return nil, err
	}
	text, ok := bytes.CutSuffix(line, crlf)
	if !ok || len(line) > maxLine {
		return nil, malformed(line)
	}
	return text, nil
}

// A Header is the line before a value.
type Header struct {
	Key   []byte // valid until the next call of the Reader
	Flags uint32
	Size  int
	CAS   uint64
}

var (
	crlf  = []byte("\r\n")
	space = []byte(" ")
	end   = []byte("END")
)

// ParseHeader parses a line of the reply to a gets. If it is not of that kind, ok is false.
func ParseHeader(line []byte) (h Header, ok bool, err error) {
	rest, ok := bytes.CutPrefix(line, valuePrefix)
	if !ok {
		return Header{}, false, nil
	}
	if h.Size, ok = valueSize(line); !ok {
		return Header{}, true, malformed(line)
	}
	h.Key, rest, _ = bytes.Cut(rest, space)
	flags, rest, _ := bytes.Cut(rest, space)
	_, cas, _ := bytes.Cut(rest, space)
	f, err := strconv.ParseUint(string(flags), 10, 32)
	if err == nil {
		h.CAS, err = strconv.ParseUint(string(cas), 10, 64)
	}
	if err != nil || len(h.Key) > maxKey {
		return Header{}, true, malformed(line)
	}
	h.Flags = uint32(f)
	return h, true, nil
}

// maxKey is the length of the longest key.
const maxKey = 250

// Trusted bounds in bytes the room that is made for a value before it has arrived. It is the
// largest value of a server without the option -I.
const Trusted = 1 << 20

// Value reads a value of n bytes, and the CR LF after it.
func (r *Reader) Value(n int) ([]byte, error) {
	var v []byte
	if n <= Trusted {
		v = make([]byte, n)
		if _, err := io.ReadFull(r.r, v); err != nil {
			return nil, err
		}
	} else {
		var b bytes.Buffer
		if _, err := io.CopyN(&b, r.r, int64(n)); err != nil {
			return nil, err
		}
		v = b.Bytes()
	}
	tail, err := r.r.Peek(len(crlf))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(tail, crlf) {
		return nil, malformed(tail)
	}
	_, err = r.r.Discard(len(crlf))
	return v, err
}

// IsEnd reports whether line is the last one of the reply to a get.
func IsEnd(line []byte) bool { return bytes.Equal(line, end) }
