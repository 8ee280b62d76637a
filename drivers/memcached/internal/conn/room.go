package conn

import (
	"context"
	"sync/atomic"
	"time"
)

// roomQueue is the callers that wait until there is room for their calls, in the order in
// which they came. Conn.mu guards it.
type roomQueue struct {
	head, tail *roomWaiter
	called     bool         // one was taken out of the queue and is not back yet
	n          atomic.Int32 // in the queue or called; written with mu held
}

type roomWaiter struct {
	next, prev    *roomWaiter
	replies, size int
	wake          chan struct{} // capacity 1
}

// fits reports whether there is room for a call. The caller holds mu.
func (c *Conn) fits(replies, size int) bool {
	if owed := c.owed(); owed > 0 && owed+replies > c.maxOwed {
		return false
	}
	return len(c.out) == 0 || len(c.out)+size <= maxGathered
}

// waitForRoom waits until there is room and it is this caller's turn. The caller holds mu,
// and holds it again afterwards. An error means that the context ended.
func (c *Conn) waitForRoom(ctx context.Context, replies, size int) error {
	began := time.Now()
	w := &roomWaiter{replies: replies, size: size, wake: make(chan struct{}, 1)}
	c.room.push(w)
	c.mu.Unlock()
	var err error
	select {
	case <-w.wake:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if c.cfg.Waited != nil {
		c.cfg.Waited(time.Since(began))
	}
	c.mu.Lock()
	c.room.n.Add(-1)
	if err != nil && c.room.remove(w) {
		return err
	}
	c.room.called = false
	if err != nil {
		c.callNext() // it was this one's turn
	}
	return err
}

// callNext wakes the first waiter if there is room for it. It is called, with mu held,
// whenever room may have appeared, and by each waiter for the one after it.
func (c *Conn) callNext() {
	w := c.room.head
	if w == nil || c.room.called || c.err == nil && !c.fits(w.replies, w.size) {
		return
	}
	c.room.called = true
	c.room.remove(w)
	w.wake <- struct{}{}
}

func (q *roomQueue) push(w *roomWaiter) {
	w.prev = q.tail
	if q.tail == nil {
		q.head = w
	} else {
		q.tail.next = w
	}
	q.tail = w
	q.n.Add(1)
}

// remove takes w out of the queue, and reports whether it was in there.
func (q *roomQueue) remove(w *roomWaiter) bool {
	if w.prev == nil && q.head != w {
		return false
	}
	if w.prev == nil {
		q.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev = nil, nil
	return true
}

// wakeAll wakes all waiters, whether there is room or not: the connection has failed.
func (q *roomQueue) wakeAll() {
	for q.head != nil {
		w := q.head
		q.remove(w)
		w.wake <- struct{}{}
	}
}
