package wire

import (
	"encoding/binary"
	"strconv"
)

// An Op is a command.
type Op uint8

// The commands.
const (
	Set     Op = 0x01 // with a CAS id: compare-and-swap
	Add     Op = 0x02
	Replace Op = 0x03
	Delete  Op = 0x04 // with a CAS id: compare-and-delete
	Flush   Op = 0x08 // no key
	Noop    Op = 0x0a // no key
	Get     Op = 0x0c // GetK: the reply names its key
	Touch   Op = 0x1c

	GetAndTouch Op = 0x23 // GATK: the reply names its key
)

// A Request is a command, for a key of 1 to 250 bytes if it takes one.
type Request struct {
	Op     Op
	Key    string
	Value  []byte // Set, Add, Replace: at most 1 GiB
	Flags  uint32 // Set, Add, Replace
	Expiry uint32 // Set, Add, Replace, Touch, GetAndTouch
	CAS    uint64 // Set, Delete: 0 is no condition
}

// A Reply is the reply of the server to a request.
type Reply struct {
	Status Status
	Flags  uint32
	CAS    uint64
	Value  []byte // of a Get; not shared
}

// A Status is the outcome of a command.
type Status uint16

// The statuses that the driver tells apart.
const (
	OK        Status = 0x00
	NotFound  Status = 0x01
	Exists    Status = 0x02
	TooLarge  Status = 0x03
	NotStored Status = 0x05
	NotNumber Status = 0x06
	AuthError Status = 0x20 // memcached -F replies it to a Flush
)

var statusText = map[Status]string{
	OK:        "ok",
	NotFound:  "key not found",
	Exists:    "key exists",
	TooLarge:  "value too large",
	0x04:      "invalid arguments",
	NotStored: "not stored",
	NotNumber: "not a number",
	AuthError: "authentication failed or is needed",
	0x81:      "unknown command",
	0x82:      "out of memory",
	0x83:      "not supported",
	0x84:      "internal error",
	0x85:      "busy",
	0x86:      "temporary failure",
}

// Error returns the number of the status, and its text.
func (s Status) Error() string {
	text := "status 0x" + strconv.FormatUint(uint64(s), 16)
	if t := statusText[s]; t != "" {
		text += ": " + t
	}
	return text
}

const (
	requestMagic = 0x80
	replyMagic   = 0x81
	headerLen    = 24
)

// reads reports whether the reply to op has an item.
func (op Op) reads() bool { return op == Get || op == GetAndTouch }

// extras returns the length of the fields between the header and the key.
func (op Op) extras() int {
	switch op {
	case Set, Add, Replace:
		return 8
	case Touch, GetAndTouch:
		return 4
	}
	return 0
}

// size returns the length of the request without its value.
func (r *Request) size() int { return headerLen + r.Op.extras() + len(r.Key) }

// appendTo appends the request to b. The reply will have the same opaque.
func (r *Request) appendTo(b []byte, opaque uint32) []byte {
	extras := r.Op.extras()
	b = append(b, requestMagic, byte(r.Op))
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Key)))
	b = append(b, byte(extras), 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(extras+len(r.Key)+len(r.Value)))
	b = binary.BigEndian.AppendUint32(b, opaque)
	b = binary.BigEndian.AppendUint64(b, r.CAS)
	switch extras {
	case 8:
		b = binary.BigEndian.AppendUint32(b, r.Flags)
		b = binary.BigEndian.AppendUint32(b, r.Expiry)
	case 4:
		b = binary.BigEndian.AppendUint32(b, r.Expiry)
	}
	b = append(b, r.Key...)
	return append(b, r.Value...)
}

// header is the fixed part of a reply.
type header struct {
	magic  byte
	op     Op
	key    int // length
	extras int // length
	status Status
	body   uint32 // length, of extras, key and value
	opaque uint32
	cas    uint64
}

func readHeader(b []byte) header {
	return header{
		magic:  b[0],
		op:     Op(b[1]),
		key:    int(binary.BigEndian.Uint16(b[2:])),
		extras: int(b[4]),
		status: Status(binary.BigEndian.Uint16(b[6:])),
		body:   binary.BigEndian.Uint32(b[8:]),
		opaque: binary.BigEndian.Uint32(b[12:]),
		cas:    binary.BigEndian.Uint64(b[16:]),
	}
}
