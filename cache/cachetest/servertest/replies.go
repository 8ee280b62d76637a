package servertest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// These cases have a proxy change what a real server replies.
var replyCases = []test{
	{
		name: "replies/cut off",
		rule: "a reply that ends early, at whatever byte, is ErrUnavailable: never a miss, and never another value",
		run:  repliesCut, needs: needsProxy,
	},
	{
		name: "replies/stuck",
		rule: "a reply that stops in the middle ends its call with the timeout, as an outage",
		run:  repliesStuck, needs: needsProxy, waits: true,
	},
	{
		name: "replies/garbage",
		rule: "bytes that are not a valid reply are ErrUnavailable, and calls work once the server replies again",
		run:  repliesGarbage, needs: needsProxy,
	},
	{
		name: "replies/lost",
		rule: "a call whose connection is lost in place of the reply is an error, unless it is idempotent: it may have been done, and must not be done again; a count whose first request only reads may succeed",
		run:  repliesLost, needs: needsProxy,
	},
	{
		name: "replies/twice",
		rule: "a value that no call requested is not the reply to the next get",
		run:  repliesTwice, needs: needsProxy,
	},
}

// proxied starts a server behind a proxy, and returns a cache that goes directly to the
// server and the function that opens one through the proxy.
func (s *suite) proxied(timeout time.Duration) (p *proxy, direct *cache.Cache, open func() *cache.Cache) {
	server := s.start()
	p = s.startProxy(server.Addr())
	direct = s.open(Config{Servers: []string{server.Addr()}})
	return p, direct, func() *cache.Cache {
		return s.openCache(Config{Servers: []string{p.addr()}, Timeout: timeout})
	}
}

// measure returns how many bytes a server replies to a call on a new connection, to a key
// that is present, and how many of them come before the reply to the call itself.
func (s *suite) measure(p *proxy, direct, c *cache.Cache, k call, key string) (n, handshake int) {
	s.t.Helper()
	ctx := context.Background()
	p.renew(pass)
	measure := func() int {
		s.must(direct.Set(ctx, key, k.stored(key), 0), "Set")
		p.change(pass)
		if err := k.do(ctx, c, key); !k.fits(err, true) || p.replied() == 0 {
			s.fatalf("%v of a present key through a proxy: error %v, %d bytes of replies", k.op, err, p.replied())
		}
		return p.replied()
	}
	n = measure()
	return n, max(0, n-measure())
}

// recovers checks that the call works once replies are whole again. Connections that were
// idle are closed by then, which may cost a call that is not idempotent.
func (s *suite) recovers(p *proxy, c *cache.Cache, k call) {
	s.t.Helper()
	p.renew(pass)
	err := k.do(context.Background(), c, "k")
	if !k.idempotent && errors.Is(err, cache.ErrUnavailable) {
		err = k.do(context.Background(), c, "k")
	}
	if !k.possible(err) {
		s.errorf("%v, once the server's replies are passed again: error %v", k.op, err)
	}
}

// offsets returns the bytes at which replies of n bytes are cut: all, if they are short.
func offsets(n int) []int {
	var at []int
	for i := range n {
		if i < 64 || i >= n-16 || i%16 == 0 {
			at = append(at, i)
		}
	}
	return at
}

func repliesCut(s *suite) {
	p, direct, open := s.proxied(s.patient)
	ctx := context.Background()
	first := true // the handshake is the same for all calls, and is cut for the first
	each(direct, func(k call) {
		c := open()
		n, handshake := s.measure(p, direct, c, k, "k")
		s.none(c.Close(), "Close")
		if first {
			first, handshake = false, 0
		}
		for _, at := range offsets(n - handshake) {
			at += handshake
			s.must(direct.Set(ctx, "k", k.stored("k"), 0), "Set")
			p.renew(after(at, cut))
			c := open()
			if err := k.do(ctx, c, "k"); err != nil || !k.lenient {
				s.outage(c, err, p.addr(), "%v with a reply that ends after %d bytes of %d", k.op, at, n)
			}
			s.recovers(p, c, k)
			s.none(c.Close(), "Close")
		}
	})
	// The values of a batch that came before the end may be returned with the error.
	all := keys(20)
	s.must(direct.SetMulti(ctx, valuesOf(all), 0), "SetMulti")
	p.renew(pass)
	c := open()
	_, err := c.GetMulti(ctx, all)
	s.none(err, "GetMulti through a proxy")
	n := p.replied()
	s.none(c.Close(), "Close")
	for at := 0; at < n; at += 7 {
		p.renew(after(at, cut))
		c := open()
		found, err := c.GetMulti(ctx, all)
		s.none(c.Close(), "Close")
		s.owned(found, "GetMulti with a reply that is cut off")
		var m *cache.MultiError
		if err == nil && len(found) == len(all) {
			continue // the driver sent the rest again
		}
		if !errors.As(err, &m) || !errors.Is(err, cache.ErrUnavailable) {
			s.errorf("GetMulti with a reply that ends after %d bytes of %d: error %v, want %q for some keys", at, n, err, cache.ErrUnavailable)
		} else {
			for _, k := range all {
				if found[k] == nil && m.Errors[k] == nil {
					s.errorf("GetMulti with a reply that ends after %d bytes of %d: neither a value nor an error at %q: a false miss", at, n, k)
				}
			}
		}
	}
}

func repliesStuck(s *suite) {
	p, direct, open := s.proxied(s.patient)
	var wg sync.WaitGroup
	each(direct, func(k call) {
		if k.op == cache.OpFlush {
			wg.Wait() // the other calls need their keys
		}
		key := k.op.String()
		c := open()
		n, _ := s.measure(p, direct, c, k, key)
		s.none(c.Close(), "Close")
		for _, at := range []int{0, n / 2, n - 1} {
			p := s.startProxy(p.server)
			p.change(after(at, silent))
			c := s.open(Config{Servers: []string{p.addr()}, Timeout: s.short / 4})
			wg.Go(func() {
				start := time.Now()
				err := k.do(context.Background(), c, key)
				if err == nil && k.lenient {
					return
				}
				s.outage(c, err, p.addr(), "%v with a reply that stops after %d bytes of %d", k.op, at, n)
				s.within(start, s.short, "%v with a reply that stops", k.op)
				var timeout interface{ Timeout() bool }
				if !errors.As(err, &timeout) || !timeout.Timeout() {
					s.errorf("%v with a reply that stops: error %v does not say that it is a timeout", k.op, err)
				}
			})
		}
	})
	wg.Wait()
}

// garbage are replies that no cache server sends.
var garbage = []string{
	"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
	"\r\n", "\n\n\n\n", "\x00",
	strings.Repeat("\x00", 300),
	strings.Repeat("\xff", 300),
	strings.Repeat("x", 70_000),
	"-\r\n$99999999999999999999\r\n",
	"VALUE k 0 99999999999999999999\r\n",
	"\x81\x0c\x00\x00\xff\x00\x00\x00\xff\xff\xff\xff" + strings.Repeat("\x00", 12),
}

func repliesGarbage(s *suite) {
	p, direct, open := s.proxied(s.patient)
	ctx := context.Background()
	each(direct, func(k call) {
		for _, g := range garbage {
			s.must(direct.Set(ctx, "k", k.stored("k"), 0), "Set")
			p.renew(func(int, []byte) ([]byte, fate) { return []byte(g), cut })
			c := open()
			start := time.Now()
			s.outage(c, k.do(ctx, c, "k"), p.addr(), "%v with the reply %.40q", k.op, g)
			s.within(start, 2*s.short, "%v with the reply %.40q", k.op, g)
			s.recovers(p, c, k)
			s.none(c.Close(), "Close")
		}
	})
}

// errCounted is the result of a count that succeeded in repliesLost.
var errCounted = errors.New("counted")

// repliesLost loses the replies on connections that have served calls before, where a
// driver cannot know whether the server had closed them before it got the call.
func repliesLost(s *suite) {
	p, direct, open := s.proxied(s.patient)
	ctx := context.Background()
	lost := func(what string, call func(c *cache.Cache) error, prepare func(c *cache.Cache)) {
		s.t.Helper()
		s.must(direct.Flush(ctx), "Flush")
		p.renew(pass)
		c := open()
		s.none(c.Set(ctx, "n", []byte("100"), 0), "Set")
		if _, err := c.Get(ctx, "n"); err != nil {
			s.errorf("Get: error %q", err)
		}
		if n, err := c.Increment(ctx, "n", 1); err != nil || n != 101 {
			s.errorf("Increment: %d, error %v; want 101", n, err)
		}
		if prepare != nil {
			prepare(c)
		}
		p.change(lose())
		if err := call(c); err != errCounted {
			s.outage(c, err, p.addr(), "%s whose reply was lost", what)
		}
		p.change(pass)
		s.none(c.Close(), "Close")
	}
	is := func(what, key, want string) {
		s.t.Helper()
		if v, err := direct.Get(ctx, key); err != nil || string(v) != want {
			s.errorf("after %s whose reply was lost, %q is %q, error %v; want %q", what, key, v, err, want)
		}
	}
	// A driver may count by reading, which is sent again, and swapping. Then the read was lost.
	counted := func(n, want uint64, err error) error {
		if err == nil && n == want {
			return errCounted
		}
		return err
	}
	lost("Increment", func(c *cache.Cache) error { n, err := c.Increment(ctx, "n", 1); return counted(n, 102, err) }, nil)
	is("Increment", "n", "102")
	lost("Decrement", func(c *cache.Cache) error { n, err := c.Decrement(ctx, "n", 1); return counted(n, 100, err) }, nil)
	is("Decrement", "n", "100")
	lost("Add", func(c *cache.Cache) error { return c.Add(ctx, "k", []byte("1"), 0) }, nil)
	is("Add", "k", "1")
	lost("AddMulti", func(c *cache.Cache) error { return c.AddMulti(ctx, map[string][]byte{"k": []byte("1")}, 0) }, nil)
	is("AddMulti", "k", "1")
	if !direct.Supports(cache.OpCompareAndSwap) {
		return
	}
	var it cache.Item
	read := func(c *cache.Cache) {
		var err error
		it, err = c.GetItem(ctx, "n")
		s.none(err, "GetItem")
	}
	lost("CompareAndSwap", func(c *cache.Cache) error { return c.CompareAndSwap(ctx, it, []byte("1"), 0) }, read)
	is("CompareAndSwap", "n", "1")
	lost("CompareAndSwapMulti", func(c *cache.Cache) error {
		return c.CompareAndSwapMulti(ctx, []cache.Swap{{Old: it, Value: []byte("1")}})
	}, read)
	is("CompareAndSwapMulti", "n", "1")
	for what, call := range map[string]func(c *cache.Cache) error{
		"CompareAndDelete":      func(c *cache.Cache) error { return c.CompareAndDelete(ctx, it) },
		"CompareAndDeleteMulti": func(c *cache.Cache) error { return c.CompareAndDeleteMulti(ctx, []cache.Item{it}) },
	} {
		lost(what, call, read)
		if v, err := direct.Get(ctx, "n"); !errors.Is(err, cache.ErrMiss) {
			s.errorf("after %s whose reply was lost, the key is %q, error %v; want a miss", what, v, err)
		}
	}
}

func repliesTwice(s *suite) {
	p, direct, open := s.proxied(s.patient)
	ctx := context.Background()
	all := keys(10)
	s.must(direct.SetMulti(ctx, valuesOf(all), 0), "SetMulti")
	p.renew(func(_ int, piece []byte) ([]byte, fate) { return append(append([]byte{}, piece...), piece...), goOn })
	c := open()
	for range 3 {
		for _, k := range all {
			v, err := c.Get(ctx, k)
			if err = checked(v, k, err); err != nil && !errors.Is(err, cache.ErrUnavailable) {
				s.errorf("Get of %q where each reply comes twice: error %q", k, err)
			}
		}
		found, _ := c.GetMulti(ctx, all)
		s.owned(found, "GetMulti where each reply comes twice")
	}
	p.renew(pass)
	s.eventually(func() bool { _, err := c.Get(ctx, all[0]); return err == nil }, "Get succeeds once replies come once")
	s.none(c.Close(), "Close")
}
