package protocol

import (
	"bytes"
	"fmt"
	"strings"
)

// A Status is the status of a reply.
type Status uint8

const (
	OK        Status = iota + 1 // done
	Found                       // an item, whose value follows
	Miss                        // the key is absent
	NotStored                   // Add found the key present, or Replace found it absent
	Exists                      // the CAS id is another
	NotNumber                   // the value cannot be counted
	TooLarge                    // the value is over the limit of the server
	Failed                      // the server could not do it, as Text says
)

// A Reply is the reply to one command. It fits a line of the processor's cache.
type Reply struct {
	Value  []byte // of the item; not nil
	CAS    uint64 // 0 if the server has no CAS ids
	Number uint64 // the counter
	text   *string
	Flags  uint32 // of the item
	TTL    int32  // seconds that remain; NoExpiry if it does not expire
	Status Status
	Added  bool // Vivify: the item is a new one
}

// Text returns what a server says that failed, or its version.
func (r *Reply) Text() string {
	if r.text == nil {
		return ""
	}
	return *r.text
}

// NoExpiry is the TTL of an item that does not expire.
const NoExpiry = -1

// MaxLine bounds the length of a reply's first line.
const MaxLine = 2048

// maxCounter is the length of the longest counter.
const maxCounter = 20

// A MalformedError is a reply that does not fit the request. It may belong to another one, so
// the connection must not be used any more.
type MalformedError struct{ Text string }

func (e *MalformedError) Error() string { return e.Text }

func malformed(line []byte, format string, args ...any) error {
	return &MalformedError{fmt.Sprintf("invalid reply %s: ", quote(line)) + fmt.Sprintf(format, args...)}
}

// quote shortens a line for an error.
func quote(line []byte) string {
	const most = 60
	if len(line) > most {
		return fmt.Sprintf("%+q...", line[:most])
	}
	return fmt.Sprintf("%+q", line)
}

// Parse reads the first line of the reply to command number i of a request, without its
// end, into r. It returns the length of the data that follows, with its end not counted,
// or -1 if none does. Tag is that of the command.
func (v Verb) Parse(i int, line []byte, tag Tag, r *Reply) (size int, err error) {
	v = v.part(i)
	if len(line) < 2 {
		return 0, malformed(line, "too short")
	}
	want, hasKey := v.want()
	code := uint16(line[0])<<8 | uint16(line[1])
	if !hasKey {
		return -1, v.parseKeyless(line, r)
	}
	rest := line[2:]
	if len(rest) > 0 && rest[0] != ' ' {
		return -1, v.parseError(line, r)
	}
	size = -1
	switch code {
	case 'H'<<8 | 'D':
		r.Status = OK
		if want&wantValue != 0 {
			return 0, malformed(line, "a value was asked for")
		}
	case 'V'<<8 | 'A':
		r.Status = Found
		if want&wantValue == 0 {
			return 0, malformed(line, "no value was asked for")
		}
		if size, rest = number(rest); size < 0 {
			return 0, malformed(line, "the length of the value is not a number")
		}
		if v.counts() && size > maxCounter {
			return 0, malformed(line, "too long for a counter")
		}
	case 'E'<<8 | 'N':
		r.Status = Miss
		if !v.isGet() {
			return 0, malformed(line, "not a reply to this command")
		}
	case 'N'<<8 | 'F':
		r.Status = Miss
		if v.isGet() || v.isStore() && v != Swap {
			return 0, malformed(line, "not a reply to this command")
		}
	case 'N'<<8 | 'S':
		r.Status = NotStored
		if v != Add && v != Replace {
			return 0, malformed(line, "not a reply to this command")
		}
	case 'E'<<8 | 'X':
		r.Status = Exists
		if v != Swap && v != DeleteIf {
			return 0, malformed(line, "not a reply to this command")
		}
	default:
		return -1, v.parseError(line, r)
	}
	got, ok := r.parseFlags(rest, tag)
	if !ok {
		return 0, malformed(line, "the opaque token is that of another request, or a flag has no number")
	}
	if r.Status != Found {
		want = wantTag
	}
	if got&want&^wantValue != want&^wantValue {
		return 0, malformed(line, "a flag is missing")
	}
	return size, nil
}

// The parts that a reply must have.
const (
	wantTag = 1 << iota
	wantValue
	wantFlags
	wantCAS
	wantTTL
)

// want returns what a reply must have that finds an item, and whether the command has a
// key.
func (v Verb) want() (parts int, hasKey bool) {
	switch v {
	case Get, GetAndTouch:
		return wantTag | wantValue | wantFlags, true
	case GetItem, Vivify:
		return wantTag | wantValue | wantFlags | wantCAS | wantTTL, true
	case Increment, Decrement:
		return wantTag | wantValue, true
	case Noop, FlushAll, Version, Authenticate:
		return 0, false
	}
	return wantTag, true
}

func (v Verb) isGet() bool {
	switch v {
	case Get, GetItem, GetAndTouch, Touch, Vivify:
		return true
	}
	return false
}

func (v Verb) isStore() bool { return Set <= v && v <= Swap }

func (v Verb) counts() bool { return v == Increment || v == Decrement }

// parseFlags reads the flags of a reply, each with a space before it, and returns which
// there were.
func (r *Reply) parseFlags(b []byte, tag Tag) (got int, ok bool) {
	won, stale := false, false
	for len(b) > 0 {
		if len(b) < 2 || b[0] != ' ' {
			return 0, false
		}
		flag := b[1]
		b = b[2:]
		switch flag {
		case 'O':
			if len(b) == 0 || b[0] != tag.char() || len(b) > 1 && b[1] != ' ' {
				return 0, false
			}
			b = b[1:]
			got |= wantTag
		case 'f':
			var n uint64
			if n, b, ok = digits(b); !ok || n > 1<<32-1 {
				return 0, false
			}
			r.Flags = uint32(n)
			got |= wantFlags
		case 'c':
			if r.CAS, b, ok = digits(b); !ok {
				return 0, false
			}
			got |= wantCAS
		case 't':
			if len(b) > 1 && b[0] == '-' && b[1] == '1' {
				r.TTL, b = NoExpiry, b[2:]
			} else {
				var n uint64
				if n, b, ok = digits(b); !ok {
					return 0, false
				}
				r.TTL = int32(min(n, 1<<31-1))
			}
			got |= wantTTL
		default:
			switch flag {
			case 'W':
				won = true
			case 'X':
				stale = true
			}
			if i := bytes.IndexByte(b, ' '); i >= 0 {
				b = b[i:]
			} else {
				b = nil
			}
		}
	}
	// An item that another client marked as stale is there, whoever is to renew it.
	r.Added = won && !stale
	return got, true
}

// number reads a space and a length. It returns -1 if there is none.
func number(b []byte) (n int, rest []byte) {
	if len(b) < 2 || b[0] != ' ' {
		return -1, nil
	}
	u, rest, ok := digits(b[1:])
	if !ok || u > MaxValue {
		return -1, nil
	}
	return int(u), rest
}

// digits reads a decimal number of 64 bits that ends at a space or with b.
func digits(b []byte) (n uint64, rest []byte, ok bool) {
	i := 0
	for i < len(b) && '0' <= b[i] && b[i] <= '9' {
		d := uint64(b[i] - '0')
		if n > (1<<64-1)/10 || n == (1<<64-1)/10 && d > (1<<64-1)%10 {
			return 0, nil, false
		}
		n = n*10 + d
		i++
	}
	return n, b[i:], i > 0 && (i == len(b) || b[i] == ' ')
}

// parseKeyless reads a reply to a command without a key.
func (v Verb) parseKeyless(line []byte, r *Reply) error {
	r.Status = OK
	switch v {
	case Noop:
		if string(line) == "MN" {
			return nil
		}
	case FlushAll:
		if string(line) == "OK" {
			return nil
		}
		if text, ok := strings.CutPrefix(string(line), clientError); ok {
			r.Status, r.text = Failed, &text // flush_all not allowed
			return nil
		}
	case Version:
		if text, ok := strings.CutPrefix(string(line), "VERSION "); ok {
			r.text = &text
			return nil
		}
	case Authenticate:
		if string(line) == "STORED" {
			return nil
		}
		if text, ok := strings.CutPrefix(string(line), clientError); ok {
			r.Status, r.text = Failed, &text
			return nil
		}
	}
	return v.parseError(line, r)
}

// The beginnings of error lines.
const (
	clientError = "CLIENT_ERROR "
	serverError = "SERVER_ERROR "
)

// parseError reads an error line. One that the server sends in place of the reply to one
// command is such a reply; after any other the connection is of no use. Error lines have
// no opaque token.
func (v Verb) parseError(line []byte, r *Reply) error {
	s := string(line)
	if text, ok := strings.CutPrefix(s, serverError); ok {
		if v.isStore() && strings.Contains(text, "too large") {
			r.Status = TooLarge
		} else {
			r.Status, r.text = Failed, &text
		}
		return nil
	}
	if v.counts() && strings.HasPrefix(s, clientError) && strings.Contains(s, "non-numeric") {
		r.Status = NotNumber
		return nil
	}
	return malformed(line, "not a reply to this command")
}

// Count reads the data of a reply to a count into r.
func (r *Reply) Count(data []byte) error {
	n, rest, ok := digits(data)
	if !ok || len(rest) > 0 {
		return malformed(data, "not a counter")
	}
	r.Number = n
	return nil
}

// Counts reports whether the data of reply number i of a request is a counter.
func (v Verb) Counts(i int) bool { return v.part(i).counts() }
