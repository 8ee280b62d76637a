package conn

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// A Call is one request on its way, or a chunk of a batch: many requests of one verb,
// whose replies come one after the other.
//
// Its state says who may touch it. The owner made it and waits for it; the reader is the
// holder of that role on the connection.
//
//	pending   in flight, and its owner does not wait for it yet
//	waiting   its owner waits for a message
//	notified  its owner is sent a message, and has to check its context
//	offered   its owner is sent a message, and has the reader's role with it
//	mine      its owner is the reader
//	done      the replies are complete, or err is set
//	gone      its owner has left; the next goroutine that finds it frees it
//
// It leaves pending, waiting and notified by compare-and-swap alone: the reader makes it done,
// offered or notified; its owner, who holds Conn.mu, makes it gone. There is one message on wake
// for each time that it leaves waiting, other than to gone, so wake is empty when it is freed.
// An owner that loses the race to leave must still take the message.
//
// The fields are in the order in which they are used together: the owner and the reader
// often run on different processors, and each line of the cache that both touch has to
// move.
type Call struct {
	state   atomic.Uint32
	verb    protocol.Verb
	chunk   bool
	unsent  bool         // after a failure: nothing of it was given to the kernel
	sweeps  uint8        // how many sweeps found it waiting; the reader's
	got     int32        // replies that were read; the reader's
	tag     protocol.Tag // of the first command
	replies []protocol.Reply
	next    *Call         // in the list that the call is in
	wake    chan struct{} // capacity 1

	one [2]protocol.Reply // backs replies, unless the call is a chunk

	err    error  // set before the state is done
	seq    uint64 // place in the order of the connection
	size   int    // bytes of the requests
	second int    // of these, the last command, if there are two
	conn   uint64 // the ID of the connection

	ctx context.Context // of the owner, or nil if it never ends; see sweeper
}

const (
	pending uint32 = iota
	waiting
	notified
	offered
	mine
	done
	gone
)

// A pool for single calls, and one for chunks with the memory for their replies.
var (
	calls  = sync.Pool{New: func() any { return &Call{wake: make(chan struct{}, 1)} }}
	chunks = sync.Pool{New: func() any { return &Call{wake: make(chan struct{}, 1), chunk: true} }}
)

// newCall returns a call for one request.
func newCall(verb protocol.Verb) *Call {
	call := calls.Get().(*Call)
	call.verb = verb
	call.replies = call.one[:verb.Replies()]
	return call
}

// newChunk returns a call for n requests.
func newChunk(verb protocol.Verb, n int) *Call {
	call := chunks.Get().(*Call)
	call.verb = verb
	n *= verb.Replies()
	if cap(call.replies) < n {
		call.replies = make([]protocol.Reply, n)
	}
	call.replies = call.replies[:n]
	return call
}

// Replies returns the replies, one for each command. They are valid until Free.
func (call *Call) Replies() []protocol.Reply { return call.replies }

// Reply returns the last of the replies.
func (call *Call) Reply() *protocol.Reply { return &call.replies[len(call.replies)-1] }

// Conn returns the ID of the connection on which the replies came.
func (call *Call) Conn() uint64 { return call.conn }

// Free gives back a call that Do has returned. The caller must not use it any more.
func (call *Call) Free() {
	clear(call.replies) // they refer to values
	call.got, call.sweeps = 0, 0
	call.ctx = nil
	if call.err != nil {
		call.err, call.unsent = nil, false
	}
	if call.chunk {
		chunks.Put(call)
	} else {
		calls.Put(call)
	}
}

// list is a queue of calls, linked by their next.
type list struct{ head, tail *Call }

func (l *list) push(call *Call) {
	call.next = nil
	if l.tail == nil {
		l.head = call
	} else {
		l.tail.next = call
	}
	l.tail = call
}

func (l *list) pop() *Call {
	call := l.head
	if l.head = call.next; l.head == nil {
		l.tail = nil
	}
	return call
}

// append moves the calls of m to the end of l.
func (l *list) append(m *list) {
	if m.head == nil {
		return
	}
	if l.tail == nil {
		l.head = m.head
	} else {
		l.tail.next = m.head
	}
	l.tail = m.tail
	*m = list{}
}
