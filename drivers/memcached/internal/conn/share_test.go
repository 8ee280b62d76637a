package conn

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

var background = context.Background()

// The requests that come while a write is under way go out in the next one, together.
func TestGatheredWrites(t *testing.T) {
	var g gate
	c, p := connectOver(t, patient, gated(&g))
	first := startGet(background, c, "k0")
	enqueued(t, c, 1)
	var others []<-chan result
	want := ""
	for i := 1; i <= 20; i++ {
		others = append(others, startGet(background, c, fmt.Sprint("k", i)))
		enqueued(t, c, uint64(i+1))
		want += getRequest(fmt.Sprint("k", i), i)
	}
	g.open <- struct{}{}
	p.expect(getRequest("k0", 0))
	g.open <- struct{}{}
	p.expect(want)
	if n := len(g.written()); n != 2 {
		t.Errorf("%d writes, want 2", n)
	}
	p.send(value("v0", 0))
	wantValue(t, first, "v0")
	for i, ch := range others {
		p.send(value(fmt.Sprint("v", i+1), i+1))
		wantValue(t, ch, fmt.Sprint("v", i+1))
	}
}

// Replies that come in any pieces belong to the requests in their order.
func TestRepliesInPieces(t *testing.T) {
	c, p := connect(t, patient)
	requests := []protocol.Request{
		{Verb: protocol.Get, Key: "a"}, {Verb: protocol.Set, Key: "b", Value: []byte("x")},
		{Verb: protocol.Increment, Key: "c", Delta: 1}, {Verb: protocol.Get, Key: "d"}, {Verb: protocol.Delete, Key: "e"},
	}
	replies := "VA 10 f0 O0\r\n0123\r\n789\n\r\nHD O1\r\nVA 2 O2\r\n42\r\nEN O3\r\nNF O4\r\n"
	tags := 0
	for size := 1; size <= len(replies); size++ {
		var calls []<-chan result
		for i, r := range requests {
			calls = append(calls, start(background, c, r))
			enqueued(t, c, uint64(tags+i+1))
		}
		memcachedtest.Eventually(t, "a writer has taken all requests", func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.queued.head == nil
		})
		rest := replies
		for i := range requests {
			rest = strings.Replace(rest, "O"+fmt.Sprint(i), "\x00"+fmt.Sprint(i), 1)
		}
		for i := range requests {
			rest = strings.Replace(rest, "\x00"+fmt.Sprint(i), tag(tags+i), 1)
		}
		tags += len(requests)
		for len(rest) > 0 {
			n := min(size, len(rest))
			p.send(rest[:n])
			rest = rest[n:]
			runtime.Gosched()
		}
		want := []protocol.Status{protocol.Found, protocol.OK, protocol.Found, protocol.Miss, protocol.Miss}
		for i, ch := range calls {
			if r := await(t, ch); r.err != nil || r.status != want[i] {
				t.Fatalf("pieces of %d bytes, reply %d: status %d, error %v; want %d", size, i, r.status, r.err, want[i])
			}
		}
	}
}

// A caller whose context ends leaves at once, wherever its call is. The connection stays as
// it is, for the others and for later ones.
func TestLeaving(t *testing.T) {
	for _, position := range []string{"reader", "waiting"} {
		t.Run(position+", canceled", func(t *testing.T) {
			c, p := connect(t, patient)
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			leave(t, c, p, position, ctx, cancel, context.Canceled)
		})
		t.Run(position+", deadline", func(t *testing.T) {
			bubble(t, func(t *testing.T) { // the deadline must not pass before the request is written
				c, p := connectInBubble(t, patient)
				ctx, cancel := context.WithTimeout(background, time.Second)
				defer cancel()
				leave(t, c, p, position, ctx, func() {}, context.DeadlineExceeded)
			})
		})
	}
}

// leave makes a call that leaves when its context ends, which end sees to, and two others.
func leave(t *testing.T, c *Conn, p *peer, position string, ctx context.Context, end func(), reason error) {
	t.Helper()
	var leaver, other <-chan result
	if position == "reader" {
		leaver = startGet(ctx, c, "leaver")
		enqueued(t, c, 1)
		other = startGet(background, c, "other")
		p.expect(getRequest("leaver", 0) + getRequest("other", 1))
	} else {
		other = startGet(background, c, "other")
		enqueued(t, c, 1)
		leaver = startGet(ctx, c, "leaver")
		p.expect(getRequest("other", 0) + getRequest("leaver", 1))
	}
	end()
	wantError(t, leaver, reason, false)
	notYet(t, other, "a call ended when another was canceled")
	later := startGet(background, c, "later")
	p.expect(getRequest("later", 2))
	if position == "reader" {
		p.send(value("left", 0) + value("o", 1) + value("l", 2))
	} else {
		p.send(value("o", 0) + value("left", 1) + value("l", 2))
	}
	wantValue(t, other, "o")
	wantValue(t, later, "l")
	if c.Failed() {
		t.Error("the connection was closed")
	}
}

// A caller leaves in the middle of its value. The rest of it is discarded.
func TestLeavingInMidValue(t *testing.T) {
	for _, size := range []int{10, 100_000, 5 << 20} {
		c, p := connect(t, patient)
		v := strings.Repeat("v", size)
		whole := value(v, 0)
		ctx, cancel := context.WithCancel(background)
		leaver := startGet(ctx, c, "leaver")
		p.expect(getRequest("leaver", 0))
		p.send(whole[:len(whole)/2])
		memcachedtest.Eventually(t, "half of it was read", func() bool { return c.progress.Load() > 0 })
		cancel()
		wantError(t, leaver, context.Canceled, false)
		next := startGet(background, c, "next")
		p.expect(getRequest("next", 1))
		p.send(whole[len(whole)/2:] + value("n", 1))
		wantValue(t, next, "n")
	}
}

// When all callers have left, one goroutine reads what they are owed, however many they
// were, and ends with it.
func TestAllLeave(t *testing.T) {
	c, p := connect(t, patient)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(background)
	const n = 100
	var all []<-chan result
	replies := ""
	for i := range n {
		all = append(all, startGet(ctx, c, "k"))
		enqueued(t, c, uint64(i+1))
		p.expect(getRequest("k", i))
		replies += value("v", i)
	}
	cancel()
	for _, ch := range all {
		if r := await(t, ch); !errors.Is(r.err, context.Canceled) {
			t.Fatalf("error %v, want that of the context", r.err)
		}
	}
	memcachedtest.Eventually(t, "one goroutine reads", func() bool { return runtime.NumGoroutine() <= before+1 })
	c.mu.Lock()
	reading := c.reading
	c.mu.Unlock()
	if !reading {
		t.Error("nobody reads the replies that are owed")
	}
	next := startGet(background, c, "next")
	p.expect(getRequest("next", n))
	p.send(replies + value("n", n))
	wantValue(t, next, "n")
	memcachedtest.Eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	memcachedtest.Eventually(t, "nobody has a role, and nothing is owed", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return !c.reading && !c.writing && c.owed() == 0
	})
}

// A call that is abandoned before it was written is never written, and its error says so.
func TestLeavingUnsent(t *testing.T) {
	var g gate
	c, p := connectOver(t, patient, gated(&g))
	first := startGet(background, c, "first")
	memcachedtest.Eventually(t, "the first write began", func() bool { return len(g.written()) == 1 })
	ctx, cancel := context.WithCancel(background)
	var leavers []<-chan result
	var others []<-chan result
	n := uint64(1)
	add := func(list *[]<-chan result, ctx context.Context, key string) {
		*list = append(*list, start(ctx, c, protocol.Request{Verb: protocol.Set, Key: key, Value: []byte(key)}))
		n++
		enqueued(t, c, n)
	}
	add(&leavers, ctx, "leaver1")
	add(&others, background, "a")
	add(&leavers, ctx, "leaver22")
	add(&leavers, ctx, "leaver333")
	add(&others, background, "bb")
	add(&leavers, ctx, "leaver4444")
	cancel()
	for _, ch := range leavers {
		wantError(t, ch, context.Canceled, true)
	}
	g.open <- struct{}{}
	g.open <- struct{}{}
	p.expect(getRequest("first", 0) + "ms a 1 " + tag(2) + "\r\na\r\n" + "ms bb 2 " + tag(5) + "\r\nbb\r\n")
	p.send(value("v", 0) + "HD " + tag(2) + "\r\nHD " + tag(5) + "\r\n")
	wantValue(t, first, "v")
	for _, ch := range others {
		if r := await(t, ch); r.err != nil || r.status != protocol.OK {
			t.Errorf("another call returned %+v, want it done", r)
		}
	}
	memcachedtest.Eventually(t, "nothing is owed for what was never sent", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.owed() == 0
	})
}

// The same when everything that waits to be written is abandoned, and when the kernel has
// taken a part of what was written before.
func TestLeavingUnsentBehindALargeValue(t *testing.T) {
	c, p := connect(t, patient)
	first := start(background, c, protocol.Request{Verb: protocol.Set, Key: "large", Value: []byte(large)})
	enqueued(t, c, 1)
	ctx, cancel := context.WithCancel(background)
	var leavers []<-chan result
	for i := range 10 {
		leavers = append(leavers, startGet(ctx, c, "leaver"))
		enqueued(t, c, uint64(i+2))
	}
	cancel()
	for _, ch := range leavers {
		wantError(t, ch, context.Canceled, true)
	}
	p.expect(fmt.Sprintf("ms large %d %s\r\n%s\r\n", len(large), tag(0), large))
	p.send("HD " + tag(0) + "\r\n")
	if r := await(t, first); r.err != nil || r.status != protocol.OK {
		t.Errorf("the first call returned %+v, want it done", r)
	}
	next := startGet(background, c, "next")
	p.expect(getRequest("next", 11))
	p.send(value("n", 11))
	wantValue(t, next, "n")
}

// Nobody waits for a server that does not read until its replies are read.
func TestRepliesAreReadWhileWritesBlock(t *testing.T) {
	c, p := connect(t, patient)
	go p.serveSimply()
	var calls []<-chan result
	for range 4 {
		calls = append(calls, start(background, c, protocol.Request{Verb: protocol.Set, Key: "k", Value: []byte(large)}))
		calls = append(calls, startGet(background, c, "k"))
	}
	for i, ch := range calls {
		if i%2 == 1 {
			wantValue(t, ch, large)
		} else if r := await(t, ch); r.status != protocol.OK {
			t.Errorf("set: %+v", r)
		}
	}
}

// At rest a connection has no goroutine and no timer.
func TestAtRest(t *testing.T) {
	before := runtime.NumGoroutine()
	c, p := connect(t, 8*time.Second) // at half of it, silence gets a command that wakes the server
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	for i := range 3 {
		call := startGet(ctx, c, "k")
		p.expect(getRequest("k", i))
		p.send(value("v", i))
		wantValue(t, call, "v")
	}
	memcachedtest.Eventually(t, "the timers have stopped", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return !c.tick.running && !c.sweep.running
	})
	memcachedtest.Eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
}
