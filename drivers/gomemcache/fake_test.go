package gomemcache_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/memcachedtest"
)

// script answers every connection with the same steps.
func script(steps ...memcachedtest.Step) func(int) []memcachedtest.Step {
	return func(int) []memcachedtest.Step { return steps }
}

// isOutage checks that err says what failed where.
func isOutage(t *testing.T, err error, op cache.Op, server string) {
	t.Helper()
	if !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("%v: error %v, want ErrUnavailable", op, err)
		return
	}
	isNamed(t, err, op, server)
}

func isNamed(t *testing.T, err error, op cache.Op, server string) {
	t.Helper()
	var e *cache.Error
	if !errors.As(err, &e) || e.Driver != "gomemcache" || e.Op != op.String() || e.Server != server {
		t.Errorf("%v: error %v does not name gomemcache, %v and %s", op, err, op, server)
		return
	}
	for _, part := range []string{e.Driver, e.Op, e.Server} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v: the text %q lacks %s", op, err, part)
		}
	}
}

// action is an operation as the fake sees it: the line it expects and good replies.
type action struct {
	op      cache.Op
	request string
	reply   string
	run     func(ctx context.Context, c *cache.Cache) error
}

var ttl = time.Minute

func actions() []action {
	return []action{
		{cache.OpGet, "gets k\r\n", "VALUE k 0 5 9\r\nhello\r\nEND\r\n", func(ctx context.Context, c *cache.Cache) error {
			v, err := c.Get(ctx, "k")
			if err == nil && string(v) != "hello" {
				return fmt.Errorf("Get: %q", v)
			}
			return err
		}},
		{cache.OpGetMulti, "gets k l m\r\n", "VALUE k 0 1 9\r\nx\r\nVALUE m 0 2 9\r\nyz\r\nEND\r\n", func(ctx context.Context, c *cache.Cache) error {
			m, err := c.GetMulti(ctx, []string{"k", "l", "m"})
			if err == nil && (len(m) != 2 || string(m["k"]) != "x" || string(m["m"]) != "yz") {
				return fmt.Errorf("GetMulti: %q", m)
			}
			return err
		}},
		{cache.OpGetItem, "gets k\r\n", "VALUE k 16 5 9\r\nhello\r\nEND\r\n", func(ctx context.Context, c *cache.Cache) error {
			it, err := c.GetItem(ctx, "k")
			if err == nil && (string(it.Value) != "hello" || it.Kind != cache.Text) {
				return fmt.Errorf("GetItem: %q, %v", it.Value, it.Kind)
			}
			return err
		}},
		{cache.OpSet, "set k 0 60 2\r\nab\r\n", "STORED\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.Set(ctx, "k", []byte("ab"), ttl)
		}},
		{cache.OpAdd, "add k 0 60 2\r\nab\r\n", "STORED\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.Add(ctx, "k", []byte("ab"), ttl)
		}},
		{cache.OpReplace, "replace k 0 60 2\r\nab\r\n", "STORED\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.Replace(ctx, "k", []byte("ab"), ttl)
		}},
		{cache.OpSetMulti, "set k 0 60 2\r\nab\r\n", "STORED\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.SetMulti(ctx, map[string][]byte{"k": []byte("ab")}, ttl)
		}},
		{cache.OpAddMulti, "add k 0 60 2\r\nab\r\n", "STORED\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.AddMulti(ctx, map[string][]byte{"k": []byte("ab")}, ttl)
		}},
		{cache.OpReplaceMulti, "replace k 0 60 2\r\nab\r\n", "STORED\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.ReplaceMulti(ctx, map[string][]byte{"k": []byte("ab")}, ttl)
		}},
		{cache.OpDeleteMulti, "delete k\r\ndelete l\r\n", "DELETED\r\nNOT_FOUND\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.DeleteMulti(ctx, []string{"k", "l"})
		}},
		{cache.OpDelete, "delete k\r\n", "DELETED\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.Delete(ctx, "k")
		}},
		{cache.OpIncrement, "incr k 5\r\n", "1234\r\n", func(ctx context.Context, c *cache.Cache) error {
			n, err := c.Increment(ctx, "k", 5)
			if err == nil && n != 1234 {
				return fmt.Errorf("Increment: %d", n)
			}
			return err
		}},
		{cache.OpDecrement, "decr k 5\r\n", "1234\r\n", func(ctx context.Context, c *cache.Cache) error {
			n, err := c.Decrement(ctx, "k", 5)
			if err == nil && n != 1234 {
				return fmt.Errorf("Decrement: %d", n)
			}
			return err
		}},
		{cache.OpTouch, "touch k 60\r\n", "TOUCHED\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.Touch(ctx, "k", ttl)
		}},
		{cache.OpFlush, "flush_all\r\n", "OK\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.Flush(ctx)
		}},
		{cache.OpPing, "version\r\n", "VERSION 1.6.18\r\n", func(ctx context.Context, c *cache.Cache) error {
			return c.Ping(ctx)
		}},
	}
}

func TestCutReplies(t *testing.T) {
	for _, a := range actions() {
		t.Run(a.op.String(), func(t *testing.T) {
			for n := range len(a.reply) + 1 {
				f := memcachedtest.StartFake(t, script(memcachedtest.Step{Expect: a.request, Reply: a.reply[:n], Close: true}))
				c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
				err := a.run(t.Context(), c)
				if n == len(a.reply) {
					if err != nil {
						t.Errorf("the whole reply: %v", err)
					}
				} else {
					isOutage(t, err, a.op, f.Addr())
				}
				if a := f.Accepted(); a != 1 {
					t.Errorf("cut after %d bytes: %d connections, want 1: there is nothing to retry", n, a)
				}
				memcachedtest.Eventually(t, "the connection is closed", func() bool { return f.Open() == 0 })
			}
		})
	}
}

// A reply that stops without the connection being closed ends with the timeout.
func TestStuckReplies(t *testing.T) {
	for _, a := range actions() {
		t.Run(a.op.String(), func(t *testing.T) {
			for _, n := range []int{0, 1, len(a.reply) / 2, len(a.reply) - 1} {
				f := memcachedtest.StartFake(t, script(memcachedtest.Step{Expect: a.request, Reply: a.reply[:n]}))
				c := open(t, gomemcache.Config{Servers: []string{f.Addr()}, Timeout: short})
				start := time.Now()
				err := a.run(t.Context(), c)
				isOutage(t, err, a.op, f.Addr())
				bounded(t, start, short)
				var timeout interface{ Timeout() bool }
				if !errors.As(err, &timeout) || !timeout.Timeout() {
					t.Errorf("error %v is not a timeout", err)
				}
				memcachedtest.Eventually(t, "the connection is closed", func() bool { return f.Open() == 0 })
			}
		})
	}
}

// bounded checks that what began at start took no longer than its timeout and a little.
// The little is for a busy machine: nothing here is about speed.
func bounded(t *testing.T, start time.Time, timeout time.Duration) {
	t.Helper()
	const little = 2 * time.Second
	if d := time.Since(start); d > timeout+little {
		t.Errorf("the call took %v, with a timeout of %v", d, timeout)
	}
}

func TestGarbage(t *testing.T) {
	replies := []string{
		"\n", "\r\n", "\r\r\n", "x\n", "garbage\r\n", "ERROR\r\n", "CLIENT_ERROR \r\n", "CLIENT_ERROR \n", "CLIENT_ERROR bad\r\n",
		"SERVER_ERROR out of memory\r\n", "VALUE\r\n", "VALUE \r\n", "VALUE k\r\n", "VALUE k 0\r\n", "VALUE k 0 x\r\n",
		"VALUE k 0 -1 9\r\n", "VALUE k 0 4294967295 9\r\n", "VALUE k 0 99999999999999999999 9\r\n", "VALUE k x 1 9\r\nx\r\nEND\r\n",
		"VALUE k 0 1 x\r\nx\r\nEND\r\n", "VALUE k 0 1 9\r\nxyz\r\nEND\r\n", "VALUE k 0 5 9\r\nhello\r\nGARBAGE\r\n",
		"VALUE k 0 5 9\r\nhello\r\nEND\r\nEND\r\n", "STORED\r\nSTORED\r\n", "1234\r\n1234\r\n", "DELETED\r\nEND\r\n",
		"-1\r\n", "18446744073709551616\r\n", "1234 \r\n", "OK\r\nOK\r\n", "\x81\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\n",
		strings.Repeat("x", 5000), strings.Repeat("x", 5000) + "\r\n", "VALUE " + strings.Repeat("k", 5000) + " 0 1 1\r\nx\r\nEND\r\n",
	}
	for _, a := range actions() {
		t.Run(a.op.String(), func(t *testing.T) {
			for _, reply := range replies {
				f := memcachedtest.StartFake(t, script(memcachedtest.Step{Expect: a.request, Reply: reply, Close: true}))
				c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
				err := a.run(t.Context(), c)
				if err == nil {
					t.Errorf("%.60q was taken for an answer", reply)
					continue
				}
				isOutage(t, err, a.op, f.Addr())
				memcachedtest.Eventually(t, "the connection is closed", func() bool { return f.Open() == 0 })
			}
		})
	}
}

// Replies that are right, but not to this request.
func TestReplyToAnotherRequest(t *testing.T) {
	fits := map[cache.Op][]string{
		cache.OpGet: {"END"}, cache.OpGetItem: {"END"}, cache.OpGetMulti: {"END"},
		cache.OpSet: {"STORED"}, cache.OpSetMulti: {"STORED"},
		cache.OpAdd: {"STORED", "NOT_STORED"}, cache.OpAddMulti: {"STORED", "NOT_STORED"},
		cache.OpReplace: {"STORED", "NOT_STORED"}, cache.OpReplaceMulti: {"STORED", "NOT_STORED"},
		cache.OpDelete: {"DELETED", "NOT_FOUND"}, cache.OpDeleteMulti: {},
		cache.OpIncrement: {"1234", "NOT_FOUND"}, cache.OpDecrement: {"1234", "NOT_FOUND"},
		cache.OpTouch: {"TOUCHED", "NOT_FOUND"}, cache.OpFlush: {"OK"}, cache.OpPing: {"VERSION"},
	}
	for _, a := range actions() {
		for _, reply := range []string{
			"END", "STORED", "NOT_STORED", "EXISTS", "NOT_FOUND", "DELETED", "TOUCHED", "OK", "1234", "VERSION", "HD", "EN",
		} {
			if slices.Contains(fits[a.op], reply) {
				continue
			}
			f := memcachedtest.StartFake(t, script(memcachedtest.Step{Expect: a.request, Reply: reply + "\r\n", Close: true}))
			c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
			err := a.run(t.Context(), c)
			if err == nil {
				t.Errorf("%v: %s was taken for an answer", a.op, reply)
				continue
			}
			isOutage(t, err, a.op, f.Addr())
		}
	}
}

// What a server sends beyond a reply must not answer the next request.
func TestExcessIsNotTheNextReply(t *testing.T) {
	f := memcachedtest.StartFake(t, func(conn int) []memcachedtest.Step {
		if conn == 0 {
			return []memcachedtest.Step{{Expect: "set a 0 0 1\r\nx\r\n", Reply: "STORED\r\nEND\r\n"}}
		}
		return []memcachedtest.Step{{Expect: "gets a\r\n", Reply: "VALUE a 0 1 1\r\nx\r\nEND\r\n"}}
	})
	c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
	isOutage(t, c.Set(t.Context(), "a", []byte("x"), 0), cache.OpSet, f.Addr())
	if v, err := c.Get(t.Context(), "a"); err != nil || string(v) != "x" {
		t.Errorf("Get after it: %q, %v; want x", v, err)
	}
}

func TestReplyForAnotherKey(t *testing.T) {
	const foreign = "VALUE other 0 5 9\r\nhello\r\nEND\r\n"
	for _, a := range actions() {
		if !strings.HasPrefix(a.request, "gets") {
			continue
		}
		t.Run(a.op.String(), func(t *testing.T) {
			f := memcachedtest.StartFake(t, func(conn int) []memcachedtest.Step {
				if conn == 0 {
					return []memcachedtest.Step{{Expect: a.request, Reply: foreign}}
				}
				return []memcachedtest.Step{{Expect: a.request, Reply: a.reply}}
			})
			c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
			isOutage(t, a.run(t.Context(), c), a.op, f.Addr())
			memcachedtest.Eventually(t, "the connection is closed", func() bool { return f.Open() == 0 })
			if err := a.run(t.Context(), c); err != nil {
				t.Errorf("the next call: %v", err)
			}
		})
	}
}

// A server that closes a connection instead of answering, as when it is stopped: what is
// as good twice as once is done again, the rest is an error, once.
func TestClosedInsteadOfAnswered(t *testing.T) {
	again := []cache.Op{
		cache.OpGet, cache.OpGetMulti, cache.OpGetItem, cache.OpSet, cache.OpDelete, cache.OpTouch, cache.OpFlush, cache.OpPing,
		cache.OpSetMulti, cache.OpDeleteMulti,
	}
	for _, a := range actions() {
		t.Run(a.op.String(), func(t *testing.T) {
			f := memcachedtest.StartFake(t, func(conn int) []memcachedtest.Step {
				if conn == 0 {
					return []memcachedtest.Step{
						{Expect: "version\r\n", Reply: "VERSION x\r\n"},
						{Expect: a.request, Close: true},
					}
				}
				return []memcachedtest.Step{{Expect: a.request, Reply: a.reply}}
			})
			c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
			if err := c.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := a.run(t.Context(), c)
			if slices.Contains(again, a.op) {
				if err != nil {
					t.Errorf("on a connection that was closed: %v", err)
				}
				return
			}
			isOutage(t, err, a.op, f.Addr())
			if err := a.run(t.Context(), c); err != nil {
				t.Errorf("the call after it: %v", err)
			}
		})
	}
}

// A server that closes idle connections is noticed before anything is sent.
func TestClosedWhileIdle(t *testing.T) {
	for _, a := range actions() {
		t.Run(a.op.String(), func(t *testing.T) {
			f := memcachedtest.StartFake(t, func(conn int) []memcachedtest.Step {
				if conn == 0 {
					return []memcachedtest.Step{{Expect: "version\r\n", Reply: "VERSION x\r\n", Close: true}}
				}
				return []memcachedtest.Step{{Expect: a.request, Reply: a.reply}}
			})
			c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
			if err := c.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			memcachedtest.Eventually(t, "the connection is closed", func() bool { return f.Open() == 0 })
			idle(t)
			if err := a.run(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
}

// idle lets so much time go by that the driver looks at a connection before using it.
func idle(t *testing.T) {
	t.Helper()
	start := time.Now()
	memcachedtest.Eventually(t, "the connection was idle for long enough", func() bool {
		return time.Since(start) > 5*time.Millisecond
	})
}

// What a server sends between two calls must not answer the second.
func TestLateExcessIsNotTheNextReply(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pinged, sent := make(chan struct{}), make(chan struct{})
	answer := func(c net.Conn, reply string) bool {
		_, err := c.Read(make([]byte, 100))
		if err == nil {
			_, err = c.Write([]byte(reply))
		}
		return err == nil
	}
	var servers sync.WaitGroup
	servers.Go(func() {
		first, err := l.Accept()
		if err != nil {
			return
		}
		defer first.Close()
		if !answer(first, "VERSION x\r\n") {
			t.Error("no ping")
		}
		<-pinged
		if _, err := first.Write([]byte("END\r\n")); err != nil {
			t.Error(err)
		}
		close(sent)
		second, err := l.Accept()
		if err != nil {
			return
		}
		defer second.Close()
		answer(second, "VALUE a 0 1 1\r\nx\r\nEND\r\n")
	})
	c := open(t, gomemcache.Config{Servers: []string{l.Addr().String()}})
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	idle(t)
	close(pinged)
	<-sent
	if v, err := c.Get(t.Context(), "a"); err != nil || string(v) != "x" {
		t.Errorf("Get: %q, %v; want x", v, err)
	}
	l.Close()
	servers.Wait()
}

func TestContext(t *testing.T) {
	for _, a := range actions() {
		t.Run(a.op.String(), func(t *testing.T) {
			f := memcachedtest.StartFake(t, script()) // accepts, never answers
			c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})

			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := a.run(ctx, c); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled before: %v", err)
			}
			if n := f.Accepted(); n != 0 {
				t.Errorf("cancelled before: %d connections", n)
			}

			start := time.Now()
			ctx, cancel = context.WithCancel(t.Context())
			go func() {
				for f.Accepted() == 0 {
					runtime.Gosched()
				}
				cancel()
			}()
			err := a.run(ctx, c)
			if !errors.Is(err, context.Canceled) || errors.Is(err, cache.ErrMiss) {
				t.Errorf("cancelled during: %v", err)
			}
			isNamed(t, err, a.op, f.Addr())
			bounded(t, start, short)

			start = time.Now()
			ctx, cancel = context.WithTimeout(t.Context(), short)
			defer cancel()
			err = a.run(ctx, c)
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("deadline: %v", err)
			}
			isNamed(t, err, a.op, f.Addr())
			bounded(t, start, short)
			memcachedtest.Eventually(t, "the connections are closed", func() bool { return f.Open() == 0 })
		})
	}
}

// lateContext is a context that has not noticed that its deadline has passed.
type lateContext struct {
	context.Context
	deadline time.Time
}

func (c lateContext) Deadline() (time.Time, bool) { return c.deadline, true }

func TestContextThatIsLate(t *testing.T) {
	f := memcachedtest.StartFake(t, script())
	c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
	_, err := c.Get(lateContext{t.Context(), time.Now().Add(short)}, "k")
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("%v, want the error of the context", err)
	}
}
