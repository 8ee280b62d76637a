package conn

import (
	"context"
	"runtime"
	"sync"
	"testing"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// As long as replies are owed to calls that are waited for, somebody has the reader's role, at
// every moment: also while the caller that made the first of them still writes.
func TestSomebodyReads(t *testing.T) {
	c := dial(t, memcachedtest.Start(t, "tcp"))
	var wg sync.WaitGroup
	done := make(chan struct{})
	for range 4 {
		wg.Go(func() {
			for range 500 {
				if r := do(background, c, protocol.Request{Verb: protocol.Get, Key: "k"}); r.err != nil {
					t.Error(r.err)
					return
				}
			}
		})
	}
	go func() { wg.Wait(); close(done) }()
	for looks := 0; ; looks++ {
		c.mu.Lock()
		owed, reading := c.owed(), c.reading
		c.mu.Unlock()
		if owed > 0 && !reading {
			t.Fatalf("look number %d: %d replies are owed, and nobody reads", looks, owed)
		}
		select {
		case <-done:
			return
		default:
			runtime.Gosched()
		}
	}
}

// A caller whose context ends when its call is done already takes the message that is on its
// way, so that whoever uses the call next does not find it.
func TestLateMessage(t *testing.T) {
	c, _ := connect(t, patient)
	for range 200 {
		ctx, cancel := context.WithCancel(background)
		call := newCall(protocol.Get)
		call.ctx, call.sweeps = ctx, maxSweeps-1
		call.state.Store(waiting)
		returned := make(chan error, 1)
		go func() {
			_, _, err := c.await(ctx, call)
			returned <- err
		}()
		call.sweep()
		for call.state.Load() != waiting { // until it watches its context
			runtime.Gosched()
		}
		wake, _ := call.complete()
		cancel()
		runtime.Gosched()
		wake <- struct{}{}
		if err := <-returned; err != nil {
			t.Fatal(err)
		}
		if len(call.wake) != 0 {
			t.Fatal("a message is left")
		}
		call.Free()
	}
}

// A batch that has chunks in flight does not wait for room: it would wait for replies that it
// may have to read itself.
func TestBatchWithoutRoom(t *testing.T) {
	c := dial(t, memcachedtest.Start(t, "tcp"))
	c.maxOwed = chunkRequests + 1
	const n = 5000
	batch, replies := keyed(protocol.Delete, n, nil)
	if replied, _, err := c.DoMany(background, batch); err != nil || replied != n {
		t.Fatalf("%d of %d, error %v", replied, n, err)
	}
	for i := range replies {
		if replies[i].Status != protocol.Miss {
			t.Fatalf("reply %d is %+v", i, replies[i])
		}
	}
}

// A caller that leaves the queue for room when it is its turn passes the turn on.
func TestLeavingOnOnesTurn(t *testing.T) {
	for range 20 {
		c, _ := connect(t, patient)
		c.maxOwed = 1
		startGet(background, c, "first")
		enqueued(t, c, 1)
		ctx, cancel := context.WithCancel(background)
		startGet(ctx, c, "leaver")
		memcachedtest.Eventually(t, "the leaver waits", func() bool { return c.room.n.Load() == 1 })
		startGet(background, c, "next")
		memcachedtest.Eventually(t, "both wait", func() bool { return c.room.n.Load() == 2 })
		c.mu.Lock()
		cancel()
		runtime.Gosched()
		c.maxOwed = 2
		c.callNext()
		c.mu.Unlock()
		enqueued(t, c, 2) // by the next one, or by the leaver if it found that it was its turn first
	}
}

// A value whose line end is not where it must be is not returned.
func TestValueWithoutLineEnd(t *testing.T) {
	for _, reply := range []string{"VA 3 f0 " + tag(0) + "\r\nlonger\r\n", "VA 3 f0 " + tag(0) + "\r\nlon\n\r"} {
		c, p := connect(t, patient)
		call := startGet(background, c, "k")
		p.expect(getRequest("k", 0))
		p.send(reply)
		if r := await(t, call); !isMalformed(r.err) {
			t.Errorf("%q: value %q, error %v; want it malformed", reply, r.value, r.err)
		}
	}
}
