// Package protocol implements the part of memcached's meta protocol that the driver uses: it
// writes requests and reads replies. It does no input and output.
//
// The protocol is described in doc/protocol.txt of memcached. Replies come in the order
// of the requests, one for each command. Every request but those without a key carries
// an opaque token, a [Tag], which the server returns: a reply that was lost, repeated or
// moved on its way is noticed at once.
package protocol

import (
	"strconv"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

// MaxValue is the length of the longest value that can be sent.
const MaxValue = memcached.MaxValue

// A Verb is a kind of request.
type Verb uint8

// The verbs. Those that say two replies are two commands in a row.
const (
	Get         Verb = iota + 1 // the value and its flags
	GetItem                     // with the CAS id and the TTL
	GetAndTouch                 // Get, and a new expiry
	Touch                       // a new expiry alone
	Set
	Add
	Replace
	Swap   // Set, if the CAS id is still the same
	AddGet // Add, then GetItem: two replies
	Vivify // GetItem, which stores an empty value without flags where there is none
	Delete
	DeleteIf // Delete, if the CAS id is still the same
	Increment
	Decrement
	AddIncrement // Add of the initial value, then Increment: two replies
	AddDecrement // the same with Decrement
	Noop
	FlushAll
	Version
	Authenticate // by "user password" as the value
)

// Replies returns the number of replies to one request.
func (v Verb) Replies() int {
	switch v {
	case AddGet, AddIncrement, AddDecrement:
		return 2
	}
	return 1
}

// part returns the verb of the single command that has reply number i of a request.
func (v Verb) part(i int) Verb {
	switch v {
	case AddGet:
		if i%2 == 0 {
			return Add
		}
		return GetItem
	case AddIncrement:
		if i%2 == 0 {
			return Add
		}
		return Increment
	case AddDecrement:
		if i%2 == 0 {
			return Add
		}
		return Decrement
	}
	return v
}

// Idempotent reports whether a request has no effect on the server, so that it can be
// sent again when its reply was lost.
func (v Verb) Idempotent() bool {
	switch v {
	case Get, GetItem, Noop, Version:
		return true
	}
	return false
}

// A Tag is the number of a command on its connection, of which the low bits go with it.
type Tag uint32

// tags is the number of different opaque tokens: one character each.
const tags = 64

func (t Tag) char() byte { return '0' + byte(t%tags) }

// A Request is one request. Which fields count depends on the verb.
type Request struct {
	Verb   Verb
	Key    string // valid: 1 to 250 bytes without spaces and control characters
	Value  []byte
	Flags  uint32
	Expiry int32
	CAS    uint64
	Delta  uint64

	second int // the length of the second command, once it was appended
}

// Second returns the length of the second command of a request that was appended, or 0 if it
// has one command.
func (r *Request) Second() int { return r.second }

// Append appends r to b. Its commands are number t and, if it has two, t+1.
func (r *Request) Append(b []byte, t Tag) []byte {
	if r.Verb.Replies() == 1 {
		return r.command(r.Verb, b, t)
	}
	b = r.command(r.Verb.part(0), b, t)
	first := len(b)
	b = r.command(r.Verb.part(1), b, t+1)
	r.second = len(b) - first
	return b
}

// command appends the command of a verb that has one.
func (r *Request) command(v Verb, b []byte, t Tag) []byte {
	switch v {
	case Get:
		b = r.start(b, "mg ")
		b = append(b, " v f"...)
	case GetItem:
		b = r.start(b, "mg ")
		b = append(b, " v f c t"...)
	case GetAndTouch:
		b = r.start(b, "mg ")
		b = append(b, " v f T"...)
		b = strconv.AppendInt(b, int64(r.Expiry), 10)
	case Touch:
		b = r.start(b, "mg ")
		b = append(b, " T"...)
		b = strconv.AppendInt(b, int64(r.Expiry), 10)
	case Vivify:
		b = r.start(b, "mg ")
		b = append(b, " v f c t N"...)
		b = strconv.AppendInt(b, int64(r.Expiry), 10)
	case Set:
		return r.store(b, "", t)
	case Add:
		return r.store(b, " ME", t)
	case Replace:
		return r.store(b, " MR", t)
	case Swap:
		return r.store(b, " C", t)
	case Delete:
		b = r.start(b, "md ")
	case DeleteIf:
		b = r.start(b, "md ")
		b = append(b, " C"...)
		b = strconv.AppendUint(b, r.CAS, 10)
	case Increment:
		b = r.count(b, " v D")
	case Decrement:
		b = r.count(b, " v MD D")
	case Noop:
		return append(b, "mn\r\n"...)
	case FlushAll:
		return append(b, "flush_all\r\n"...)
	case Version:
		return append(b, "version\r\n"...)
	case Authenticate:
		// To a server without authentication it is an item like any other: this one
		// has expired when it is stored.
		b = append(b, "set auth 0 -1 "...)
		return r.data(b)
	}
	return append(b, ' ', 'O', t.char(), '\r', '\n')
}

func (r *Request) start(b []byte, command string) []byte {
	b = append(b, command...)
	return append(b, r.Key...)
}

func (r *Request) count(b []byte, options string) []byte {
	b = r.start(b, "ma ")
	b = append(b, options...)
	return strconv.AppendUint(b, r.Delta, 10)
}

// store appends a command with the value. A mode that ends in C takes the CAS id.
func (r *Request) store(b []byte, mode string, t Tag) []byte {
	b = r.start(b, "ms ")
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(len(r.Value)), 10)
	b = append(b, mode...)
	if mode == " C" {
		b = strconv.AppendUint(b, r.CAS, 10)
	}
	if r.Flags != 0 {
		b = append(b, " F"...)
		b = strconv.AppendUint(b, uint64(r.Flags), 10)
	}
	if r.Expiry != 0 {
		b = append(b, " T"...)
		b = strconv.AppendInt(b, int64(r.Expiry), 10)
	}
	b = append(b, ' ', 'O', t.char(), '\r', '\n')
	b = append(b, r.Value...)
	return append(b, '\r', '\n')
}

// data appends the length of the value and the value.
func (r *Request) data(b []byte) []byte {
	b = strconv.AppendInt(b, int64(len(r.Value)), 10)
	b = append(b, '\r', '\n')
	b = append(b, r.Value...)
	return append(b, '\r', '\n')
}
