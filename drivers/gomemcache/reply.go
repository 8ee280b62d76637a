package gomemcache

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

const (
	// maxLine is above the longest line of a reply, "VALUE key flags size cas".
	maxLine = 512
	// maxStatus is how much of the last line of a reply is kept.
	maxStatus = 80
)

// reply follows the bytes of a reply as they arrive, before the library reads them. It
// knows where the reply ends, so that what a server sends beyond that is never taken
// for the answer to the next request, and it keeps malformed lines from the library,
// which panics on some and allocates whatever size a server claims.
type reply struct {
	want     int    // how many values may come
	values   int    // how many came
	started  bool   // a byte came
	finished bool   // the last line came
	status   []byte // the last line, without CR LF

	line []byte // the beginning of a line that is not whole yet
	skip int    // bytes of a value, and the CR LF after it, that are still to come
}

// begin expects a reply of at most want values.
func (r *reply) begin(want int) {
	*r = reply{want: want, status: r.status[:0], line: r.line[:0]}
}

var errExcess = errors.New("it sent more than the reply")

// read takes the next bytes of the reply.
func (r *reply) read(p []byte) error {
	if len(p) > 0 {
		r.started = true
	}
	for len(p) > 0 {
		if r.finished {
			return errExcess
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

func (r *reply) readLine(line []byte) error {
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
		return errExcess
	}
	size, ok := valueSize(text)
	if !ok {
		return malformed(line)
	}
	r.skip = size + len("\r\n")
	return nil
}

// valueSize returns the size in a line "VALUE key flags size cas", or "VALUE key flags
// size". What else the line holds is checked by the library.
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

var errMalformed = errors.New("malformed reply")

func malformed(line []byte) error { return fmt.Errorf("%w %.60q", errMalformed, line) }

func unexpected(line []byte) error { return fmt.Errorf("unexpected reply %.80q", line) }

// lines cuts the replies to a number of requests, one line each, out of what arrives.
type lines struct {
	want int // replies
	next int // the number of the reply that comes next
	buf  []byte
}

func (l *lines) begin(want int) {
	l.want, l.next, l.buf = want, 0, l.buf[:0]
}

func (l *lines) finished() bool { return l.next == l.want }

// space returns where the next bytes are to be put.
func (l *lines) space() []byte {
	if cap(l.buf) == 0 {
		l.buf = make([]byte, 0, 4*maxLine)
	}
	return l.buf[len(l.buf):cap(l.buf)]
}

// read takes n bytes that were put into space.
func (l *lines) read(n int, f func(i int, line []byte) error) error {
	rest := l.buf[:len(l.buf)+n]
	for len(rest) > 0 {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			break
		}
		if l.next == l.want-1 && end < len(rest) {
			return errExcess
		}
		line, ok := bytes.CutSuffix(rest[:end], []byte("\r\n"))
		if !ok {
			return malformed(rest[:end])
		}
		if err := f(l.next, line); err != nil {
			return err
		}
		l.next++
		rest = rest[end:]
	}
	if len(rest) >= maxLine {
		return malformed(rest)
	}
	l.buf = l.buf[:copy(l.buf[:cap(l.buf)], rest)]
	return nil
}
