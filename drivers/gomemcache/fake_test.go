package gomemcache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// script replies to every connection with the same steps.
func script(steps ...memcachedtest.Step) func(int) []memcachedtest.Step {
	return func(int) []memcachedtest.Step { return steps }
}

func isOutage(t *testing.T, err error, op cache.Op, server string) {
	t.Helper()
	memcachedtest.IsOutage(t, err, "gomemcache", op, server)
}

func isNamed(t *testing.T, err error, op cache.Op, server string) {
	t.Helper()
	memcachedtest.IsNamed(t, err, "gomemcache", op, server)
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

func bounded(t *testing.T, start time.Time, timeout time.Duration) {
	t.Helper()
	memcachedtest.Bounded(t, start, timeout)
}

func TestGarbage(t *testing.T) {
	replies := []string{
		"\n", "\r\n", "\r\r\n", "x\n", "garbage\r\n", "ERROR\r\n", "CLIENT_ERROR \r\n", "CLIENT_ERROR \n", "CLIENT_ERROR bad\r\n",
		"VALUE\r\n", "VALUE \r\n", "VALUE k\r\n", "VALUE k 0\r\n", "VALUE k 0 x\r\n",
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
					t.Errorf("%.60q was taken for a reply", reply)
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
				t.Errorf("%v: %s was taken for a reply", a.op, reply)
				continue
			}
			isOutage(t, err, a.op, f.Addr())
		}
	}
}

// Bytes that a server sends after a reply must not be taken for the reply to the next request.
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

// A server that closes idle connections is noticed before anything is sent.
func TestClosedWhileIdle(t *testing.T) {
	gomemcache.AlwaysCheckIdle(t)
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
			if err := a.run(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
}

// Bytes that a server sends between two calls must not be taken for a reply to the second.
func TestLateExcessIsNotTheNextReply(t *testing.T) {
	gomemcache.AlwaysCheckIdle(t)
	l, err := net.Listen("tcp", memcachedtest.Loopback()+":0")
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
	close(pinged)
	<-sent
	if v, err := c.Get(t.Context(), "a"); err != nil || string(v) != "x" {
		t.Errorf("Get: %q, %v; want x", v, err)
	}
	l.Close()
	servers.Wait()
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
		t.Errorf("Get: error %v, want the error of the context", err)
	}
}

// A server that sends a line byte by byte, without an end, gets no more time for it.
func TestDrippedReplies(t *testing.T) {
	l, err := net.Listen("tcp", memcachedtest.Loopback()+":0")
	if err != nil {
		t.Fatal(err)
	}
	var servers sync.WaitGroup
	servers.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			servers.Go(func() {
				defer c.Close()
				tick := time.NewTicker(short / 10)
				defer tick.Stop()
				for range tick.C {
					if _, err := c.Write([]byte("S")); err != nil {
						return
					}
				}
			})
		}
	})
	defer servers.Wait()
	defer l.Close()
	c := open(t, gomemcache.Config{Servers: []string{l.Addr().String()}, Timeout: short})
	for _, a := range actions() {
		start := time.Now()
		isOutage(t, a.run(t.Context(), c), a.op, l.Addr().String())
		bounded(t, start, short)
	}
}

// A length that is claimed must not make room for what does not come.
func TestClaimedLength(t *testing.T) {
	for _, a := range actions() {
		if !strings.HasPrefix(a.request, "gets") {
			continue
		}
		f := memcachedtest.StartFake(t, script(memcachedtest.Step{
			Expect: a.request, Reply: "VALUE k 0 1000000000 9\r\nhello", Close: true,
		}))
		c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		isOutage(t, a.run(t.Context(), c), a.op, f.Addr())
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
			t.Errorf("%v: %d bytes were made room for, and 5 came", a.op, n)
		}
	}
}

// Values around the length from which they are received before the library sees them.
func TestLongValues(t *testing.T) {
	s := memcachedtest.Start(t, "tcp", "-I", "16m", "-m", "64")
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	values := map[string][]byte{}
	for _, size := range []int{1<<20 - 1, 1 << 20, 1<<20 + 1, 2<<20 - 2, 5<<20 + 1} {
		v := bytes.Repeat([]byte("0123456789\r\n"), size/12+1)[:size]
		values[fmt.Sprint(size)] = v
	}
	if err := c.SetMulti(t.Context(), values, 0); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for k, v := range values {
			if got, err := c.Get(t.Context(), k); err != nil || !bytes.Equal(got, v) {
				t.Errorf("%s: %d bytes, %v", k, len(got), err)
			}
		}
		got, err := c.GetMulti(t.Context(), slices.Collect(maps.Keys(values)))
		if err != nil || !maps.EqualFunc(got, values, bytes.Equal) {
			t.Errorf("GetMulti: %d values, %v", len(got), err)
		}
	}
}
