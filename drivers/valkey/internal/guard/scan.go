package guard

import (
	"bytes"
	"errors"
	"fmt"
)

// Limits on what a reply may announce. The client library allocates what is announced
// before it has arrived.
const (
	maxElements = 1 << 20 // in a reply, nested ones included
	maxHeader   = 32      // bytes of a line with a number
	maxText     = 1 << 16 // bytes of a line of text
)

// A scanner follows a stream of RESP2 or RESP3 messages through pieces of any length and
// counts the messages. It does not look at their content.
type scanner struct {
	maxString int64 // the longest string that is accepted

	pending int   // values that the message still needs
	begun   bool  // the type of the message is known: attributes may come before it
	push    bool  // the message is a push, which no request has asked for
	skip    int64 // bytes of a string, and the line end after it, to be skipped

	kind   byte // of the line that has begun; 0 if none has
	length int  // bytes of that line so far
	header [maxHeader]byte
}

// scan reads the next piece and returns how many messages ended in it, pushes not
// counted. After an error the stream cannot be followed any further.
func (s *scanner) scan(p []byte) (ended int, err error) {
	for len(p) > 0 {
		if s.skip > 0 {
			n := min(s.skip, int64(len(p)))
			s.skip -= n
			p = p[n:]
			if s.skip == 0 && s.value() {
				ended++
			}
			continue
		}
		if s.kind == 0 {
			if s.kind, p = p[0], p[1:]; !known[s.kind] {
				return ended, fmt.Errorf("a message of unknown type %q", s.kind)
			}
			if s.pending == 0 {
				s.pending, s.begun = 1, false
			}
			if !s.begun && s.pending == 1 && s.kind != '|' {
				s.begun, s.push = true, s.kind == '>'
			}
			if s.kind == '$' || s.kind == '*' {
				if n, length := shortHeader(p); length > 0 {
					kind := s.kind
					s.kind, p = 0, p[length:]
					complete, err := s.announced(kind, n)
					if err != nil {
						return ended, err
					}
					if complete {
						ended++
					}
					continue
				}
			}
		}
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			return ended, s.line(p)
		}
		if err := s.line(p[:i]); err != nil {
			return ended, err
		}
		p = p[i+1:]
		complete, err := s.lineEnd()
		if err != nil {
			return ended, err
		}
		if complete {
			ended++
		}
	}
	return ended, nil
}

// shortHeader reads a number of a few digits and the line end after it, as in most lines,
// and returns its length in bytes; 0 if p begins with something else.
func shortHeader(p []byte) (n int64, length int) {
	const most = 8 // digits
	for i, c := range p {
		switch {
		case '0' <= c && c <= '9' && i < most:
			n = n*10 + int64(c-'0')
		case c == '\r' && i > 0 && i+1 < len(p) && p[i+1] == '\n':
			return n, i + 2
		default:
			return 0, 0
		}
	}
	return 0, 0
}

// line adds a piece of the line that has begun.
func (s *scanner) line(p []byte) error {
	if numeric(s.kind) {
		if s.length+len(p) > maxHeader {
			return fmt.Errorf("a line of type %q is longer than a number", s.kind)
		}
		copy(s.header[s.length:], p)
	} else if s.length+len(p) > maxText {
		return errors.New("a line does not end")
	} else if len(p) > 0 {
		s.header[0] = p[len(p)-1] // for the check of the line end
	}
	s.length += len(p)
	return nil
}

// known are the types there are. Strings that are sent in chunks are left out: no server
// sends them.
var known = func() (types [256]bool) {
	for _, kind := range []byte("+-:$*_#,(!=%~>|") {
		types[kind] = true
	}
	return types
}()

// numeric reports whether lines of this kind have a short content that is checked.
func numeric(kind byte) bool {
	switch kind {
	case '+', '-', '(', ',':
		return false
	}
	return true
}

// lineEnd ends the line, and reports whether the message ended with it.
func (s *scanner) lineEnd() (complete bool, err error) {
	kind, n := s.kind, s.length
	s.kind, s.length = 0, 0
	if !numeric(kind) {
		if n == 0 || s.header[0] != '\r' {
			return false, errors.New("a line does not end with CR LF")
		}
		return s.value(), nil
	}
	if n == 0 || s.header[n-1] != '\r' {
		return false, errors.New("a line does not end with CR LF")
	}
	content := s.header[:n-1]
	switch kind {
	case '_':
		if n != 1 {
			return false, errors.New("a null with content")
		}
		return s.value(), nil
	case '#':
		if string(content) != "t" && string(content) != "f" {
			return false, errors.New("a boolean that is neither t nor f")
		}
		return s.value(), nil
	case ':':
		return s.value(), nil
	}
	size, ok := number(content)
	if !ok || size == -1 && kind != '$' && kind != '*' {
		return false, fmt.Errorf("a message of type %q with the length %q", kind, content)
	}
	return s.announced(kind, size)
}

// announced notes the length of a string or an aggregate, -1 for null, and reports whether
// the message ended with it.
func (s *scanner) announced(kind byte, size int64) (complete bool, err error) {
	switch {
	case size == -1:
		return s.value(), nil
	case kind == '$' || kind == '!' || kind == '=':
		if size > s.maxString {
			return false, fmt.Errorf("a string of %d bytes; at most %d are accepted", size, s.maxString)
		}
		s.skip = size + 2
		return false, nil
	}
	values := size
	if kind == '%' || kind == '|' {
		values *= 2
	}
	if size > maxElements || int64(s.pending)+values > maxElements {
		return false, fmt.Errorf("an aggregate of %d values", size)
	}
	s.pending += int(values)
	if kind == '|' {
		return false, nil // an attribute comes before the value it belongs to
	}
	return s.value(), nil
}

// number parses a length: -1, or a number from 0 to 10^18.
func number(s []byte) (n int64, ok bool) {
	if string(s) == "-1" {
		return -1, true
	}
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	for _, c := range s {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// value notes that a value is complete, and reports whether it is the last one of a
// message that is counted.
func (s *scanner) value() bool {
	s.pending--
	return s.pending == 0 && !s.push
}
