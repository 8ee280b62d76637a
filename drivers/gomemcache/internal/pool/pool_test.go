package pool

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type conn struct {
	n      int
	closed atomic.Int32
}

func (c *conn) Close() { c.closed.Add(1) }

func made(p *Pool[*conn], n int) []*conn {
	conns := make([]*conn, n)
	for i := range conns {
		conns[i] = &conn{n: i}
		p.Opened(conns[i])
	}
	return conns
}

// that takes a connection without waiting.
func that(t *testing.T, p *Pool[*conn], fits func(*conn) bool) (*conn, error) {
	t.Helper()
	return p.GetThat(t.Context(), time.Now(), fits)
}

func TestOrderAndBound(t *testing.T) {
	p := New[*conn](3)
	conns := made(p, 5)
	for _, c := range conns {
		p.Put(c)
	}
	if got, want := p.Counts(), (Counts{Idle: 3, Opened: 5, Closed: 2}); got != want {
		t.Errorf("after five connections in a pool of three: %+v, want %+v", got, want)
	}
	if c, err := that(t, p, func(c *conn) bool { return c.n < 2 }); err != nil || c != conns[1] {
		t.Errorf("of the first two connections the pool gave %+v, want that which was put last", c)
	}
	if c, err := that(t, p, func(*conn) bool { return false }); err != ErrNone {
		t.Errorf("the pool gave %+v, error %v, for a connection that is not there; want ErrNone", c, err)
	}
	for _, want := range []*conn{conns[2], conns[0]} {
		if c, ok := p.Get(); !ok || c != want {
			t.Errorf("the pool gave %+v, want %+v", c, want)
		}
	}
	if c, ok := p.Get(); ok {
		t.Errorf("an empty pool gave %+v", c)
	}
	p.Discard(conns[0])
	if got, want := p.Counts(), (Counts{InUse: 2, Opened: 5, Closed: 3}); got != want {
		t.Errorf("with two connections in use: %+v, want %+v", got, want)
	}
}

// A connection that is in use while the pool is closed is closed when it is put back.
func TestClose(t *testing.T) {
	p := New[*conn](10)
	conns := made(p, 4)
	p.Put(conns[0])
	p.Put(conns[1])
	p.DiscardIdle()
	p.Put(conns[2])
	p.Close()
	p.Put(conns[3])
	for i, c := range conns {
		if n := c.closed.Load(); n != 1 {
			t.Errorf("connection %d was closed %d times", i, n)
		}
	}
	if got, want := p.Counts(), (Counts{Opened: 4, Closed: 4}); got != want || !p.Closed() {
		t.Errorf("after Close: %+v, want %+v", got, want)
	}
}

// The numbers are those of one moment, whatever happens meanwhile.
func TestCountsAreExact(t *testing.T) {
	const workers = 8
	p := New[*conn](workers / 2)
	stop := make(chan struct{})
	var wg, reader sync.WaitGroup
	reader.Go(func() {
		for {
			c := p.Counts()
			if c.InUse < 0 || c.InUse > workers || c.Idle > workers/2 || c.Opened-c.Closed != uint64(c.InUse+c.Idle) {
				t.Errorf("the numbers do not fit together: %+v", c)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for range workers {
		wg.Go(func() {
			for i := range 2000 {
				c, ok := p.Get()
				if !ok {
					c = made(p, 1)[0]
				}
				switch i % 50 {
				case 0:
					p.Discard(c)
				case 1:
					p.DiscardIdle()
					p.Put(c)
				default:
					p.Put(c)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	reader.Wait()
	if c := p.Counts(); c.InUse != 0 {
		t.Errorf("at rest: %+v, want none in use", c)
	}
}

// A call that wants a certain connection waits while another uses it, and no longer than
// that connection, its own time or its context last.
func TestWaiting(t *testing.T) {
	old := func(c *conn) bool { return c.n < 2 }
	for _, tt := range []struct {
		name  string
		then  func(p *Pool[*conn], conns []*conn, cancel func())
		after time.Duration
		want  int // the connection that is got, or -1
		err   error
	}{
		{"it is put back", func(p *Pool[*conn], conns []*conn, _ func()) { p.Put(conns[2]); p.Put(conns[1]) }, time.Second, 1, nil},
		{"one of two is closed", func(p *Pool[*conn], conns []*conn, _ func()) { p.Discard(conns[1]); p.Put(conns[0]) }, time.Second, 0, nil},
		{"all are closed", func(p *Pool[*conn], conns []*conn, _ func()) { p.Discard(conns[1]); p.Discard(conns[0]) }, time.Second, -1, ErrNone},
		{"the pool is closed", func(p *Pool[*conn], conns []*conn, _ func()) { p.Close(); p.Put(conns[0]); p.Put(conns[1]) }, time.Second, -1, ErrNone},
		{"its context ends", func(_ *Pool[*conn], _ []*conn, cancel func()) { cancel() }, time.Second, -1, context.Canceled},
		{"its time ends", func(*Pool[*conn], []*conn, func()) {}, time.Minute, -1, context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := New[*conn](10)
				conns := made(p, 3)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				time.AfterFunc(time.Second, func() { tt.then(p, conns, cancel) })
				began := time.Now()
				c, err := p.GetThat(ctx, began.Add(time.Minute), old)
				if err != tt.err || tt.want >= 0 && c != conns[tt.want] {
					t.Errorf("the wait came to %+v, error %v; want connection %d, error %v", c, err, tt.want, tt.err)
				}
				if took := time.Since(began); took != tt.after {
					t.Errorf("it took %v, want %v", took, tt.after)
				}
				if n := p.Counts(); n.WaitCount != 1 || n.WaitDuration != tt.after {
					t.Errorf("%d waits of %v are counted, want one of %v", n.WaitCount, n.WaitDuration, tt.after)
				}
				if len(p.waiters) != 0 {
					t.Error("a waiter is left behind")
				}
			})
		})
	}
}
