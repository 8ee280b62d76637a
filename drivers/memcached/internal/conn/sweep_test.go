package conn

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// A watched context counts the calls of its Done.
type watched struct {
	context.Context
	dones atomic.Int32
}

func (w *watched) Done() <-chan struct{} {
	w.dones.Add(1)
	return w.Context.Done()
}

// newWatched returns a context, and a function that ends it.
func newWatched() (*watched, func()) {
	ctx, cancel := context.WithCancel(background)
	return &watched{Context: ctx}, cancel
}

// The context of a call is not watched if the reply comes soon: Done allocates.
func TestContextsAreNotWatchedAtFirst(t *testing.T) {
	c, p := connect(t, patient)
	c.mu.Lock()
	c.sweep.period = time.Hour // soon, on any machine
	c.mu.Unlock()
	ctx, cancel := newWatched()
	defer cancel()
	first := startGet(ctx, c, "first")
	enqueued(t, c, 1)
	second := startGet(ctx, c, "second")
	p.expect(getRequest("first", 0) + getRequest("second", 1))
	p.send(value("v1", 0))
	wantValue(t, first, "v1")
	p.send(value("v2", 1))
	wantValue(t, second, "v2")
	batch, _ := keyed(protocol.Delete, 1, nil)
	done := make(chan error, 1)
	go func() { _, _, err := c.DoMany(ctx, batch); done <- err }()
	p.expect("md k0 " + tag(2) + "\r\n")
	p.send("HD " + tag(2) + "\r\n")
	if err := <-done; err != nil {
		t.Error(err)
	}
	if n := ctx.dones.Load(); n != 0 {
		t.Errorf("Done was called %d times", n)
	}
}

// Callers that wait for long watch their contexts themselves, the reader too, and the timer
// stops. It starts again for a call that comes later.
func TestContextsAreWatchedInTheEnd(t *testing.T) {
	c, p := connect(t, patient)
	var ctxs []*watched
	var cancels []func()
	var calls []<-chan result
	add := func(key string) {
		ctx, cancel := newWatched()
		t.Cleanup(cancel)
		ctxs, cancels = append(ctxs, ctx), append(cancels, cancel)
		calls = append(calls, startGet(ctx, c, key))
		enqueued(t, c, uint64(len(calls)))
		p.expect(getRequest(key, len(calls)-1))
	}
	stopped := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return !c.sweep.running
	}
	add("reader")
	add("a")
	add("b")
	memcachedtest.Eventually(t, "the timer has stopped", stopped)
	memcachedtest.Eventually(t, "all contexts are watched", func() bool {
		for _, ctx := range ctxs {
			if ctx.dones.Load() == 0 {
				return false
			}
		}
		return true
	})
	cancels[1]()
	wantError(t, calls[1], context.Canceled, false)
	cancels[0]()
	wantError(t, calls[0], context.Canceled, false)
	add("late")
	cancels[3]()
	wantError(t, calls[3], context.Canceled, false)
	p.send(value("r", 0) + value("a", 1) + value("b", 2) + value("l", 3))
	wantValue(t, calls[2], "b")
}

// A reply to a call whose owner was notified is not lost, and leaves no message behind for the
// next user of the call. The reply comes before the owner has checked its context, or after.
func TestReplyToNotifiedCall(t *testing.T) {
	c, _ := connect(t, patient)
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	for i := range 2000 {
		call := newCall(protocol.Get)
		call.ctx, call.sweeps = ctx, maxSweeps-1
		call.state.Store(waiting)
		returned := make(chan error, 1)
		go func() {
			_, _, err := c.await(ctx, call)
			returned <- err
		}()
		call.sweep()
		for call.state.Load() == notified && i%2 == 1 {
			runtime.Gosched()
		}
		if wake, _ := call.complete(); wake != nil {
			wake <- struct{}{}
		}
		if err := <-returned; err != nil {
			t.Fatal(err)
		}
		if state := call.state.Load(); state != done || len(call.wake) != 0 {
			t.Fatalf("the call is in state %d with %d messages, want %d and none", state, len(call.wake), done)
		}
		call.Free()
	}
}

// The reader's role is offered to a call whose owner was notified, when no other waits and its
// request is still to be written: nobody would read otherwise. The offer comes before the owner
// has checked its context, or after.
func TestRoleForNotifiedCall(t *testing.T) {
	for i := range 200 {
		c, p := connect(t, patient)
		ctx, cancel := context.WithCancel(background)
		call := newCall(protocol.Get)
		call.tag, call.ctx, call.sweeps = 0, ctx, maxSweeps-1 // the pool keeps the tag of an earlier call
		call.state.Store(waiting)
		c.mu.Lock()
		c.reading, c.writing, c.seq, c.enqueued = true, true, 1, 1
		c.queued.push(call)
		c.mu.Unlock()
		returned := make(chan error, 1)
		go func() {
			_, _, err := c.await(ctx, call)
			returned <- err
		}()
		call.sweep()
		for call.state.Load() == notified && i%2 == 1 {
			runtime.Gosched()
		}
		c.handOff()
		c.mu.Lock()
		c.sent.append(&c.queued)
		c.mu.Unlock()
		p.send(value("v", 0))
		if err := <-returned; err != nil {
			t.Fatal(err)
		}
		if len(call.wake) != 0 {
			t.Fatal("a message is left behind")
		}
		cancel()
	}
}
