package wire

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

const (
	// maxLine is above the longest line of a reply, "VALUE key flags size cas".
	maxLine = 512
	// maxStatus bounds the bytes of the last line of a reply that are kept.
	maxStatus = 80
)

// A Reply follows the bytes of a reply as they arrive, before the client library reads
// them. It knows where the reply ends, so that later bytes of the server are never
// taken for the reply to the next request, and it keeps malformed lines from the library,
// which panics on some, and allocates whatever size a server claims.
type Reply struct {
	want     int    // how many values may come
	values   int    // how many came
	started  bool   // a byte came
	finished bool   // the last line came
	status   []byte // the last line, without CR LF

	line []byte // the beginning of a line that is not complete yet
	skip int    // bytes of a value, and the CR LF after it, that are still to come
}

// Begin expects a reply with at most want values.
func (r *Reply) Begin(want int) {
	*r = Reply{want: want, status: r.status[:0], line: r.line[:0]}
}

// Started reports whether a byte of the reply has come.
func (r *Reply) Started() bool { return r.started }

// Finished reports whether the last line of the reply has come.
func (r *Reply) Finished() bool { return r.finished }

// Status returns the last line of the reply, without CR LF, or its beginning. It is valid
// until Begin is called.
func (r *Reply) Status() []byte { return r.status }

// Missing returns how many bytes of a value, and of its end, are still to come.
func (r *Reply) Missing() int { return r.skip }

// Read takes the next bytes of the reply.
func (r *Reply) Read(p []byte) error {
	if len(p) > 0 {
		r.started = true
	}
	for len(p) > 0 {
		if r.finished {
			return ErrExcess
		}
		if r.skip > 0 {
			n := min(r.skip, len(p))
			r.skip -= n
			p = p[n:]
			continue
		}
		end := bytes.IndexByte(p, '\n') + 1
		if end == 0 {
			r.line = append(r.line, p[:min(len(p), maxLine)]...)
			if len(r.line) >= maxLine {
				return malformed(r.line)
			}
			return nil
		}
		line := p[:end]
		if len(r.line) > 0 {
			r.line = append(r.line, line[:min(end, maxLine)]...)
			line = r.line
		}
		if err := r.readLine(line); err != nil {
			return err
		}
		r.line = r.line[:0]
		p = p[end:]
	}
	return nil
}

var valuePrefix = []byte("VALUE ")

func (r *Reply) readLine(line []byte) error {
	text, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || len(text) == 0 || len(line) > maxLine {
		return malformed(line)
	}
	if !bytes.HasPrefix(text, valuePrefix) {
		r.status = append(r.status[:0], text[:min(len(text), maxStatus)]...)
		r.finished = true
		return nil
	}
	if r.values++; r.values > r.want {
		return ErrExcess
	}
	size, ok := valueSize(text)
	if !ok {
		return malformed(line)
	}
	r.skip = size + len("\r\n")
	return nil
}

// valueSize returns the size in a line "VALUE key flags size cas", or "VALUE key flags
// size". The code that reads the rest of the line checks it.
func valueSize(line []byte) (int, bool) {
	i := len(valuePrefix)
	for spaces := 0; spaces < 2; i++ {
		if i == len(line) {
			return 0, false
		}
		if line[i] == ' ' {
			spaces++
		}
	}
	first := i
	size := 0
	for ; i < len(line) && line[i] != ' '; i++ {
		digit := line[i] - '0'
		if digit > 9 || size > memcached.MaxValue/10 {
			return 0, false
		}
		size = size*10 + int(digit)
	}
	return size, i > first && size <= memcached.MaxValue
}

var (
	// ErrExcess is returned when a server sends more than a reply.
	ErrExcess = errors.New("it sent more than the reply")

	// ErrMalformed is returned when a server sends something that is not a reply.
	ErrMalformed = errors.New("malformed reply")

	// ErrForeignKey is returned when a value belongs to a key that was not asked for.
	ErrForeignKey = errors.New("the reply is for another key")
)

func malformed(line []byte) error { return fmt.Errorf("%w %.60q", ErrMalformed, line) }

// Unexpected returns an error that quotes a reply which is not one to the request.
func Unexpected(line []byte) error { return fmt.Errorf("unexpected reply %.80q", line) }
