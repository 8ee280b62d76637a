package memcached_test

import (
	"bytes"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// An exchange is some calls at once on one connection. Their keys and values differ in more
// than a byte, so that what one byte can do makes none of them another.
type exchange struct {
	t      *testing.T
	f      fault
	prefix string
	c      *cache.Cache

	mu   sync.Mutex
	errs []error
}

func (x *exchange) key(letter string) string { return x.prefix + strings.Repeat(letter, 4) }

// itself is the value of a key.
func itself(key string) []byte { return []byte("value of " + key + ", " + key + ", " + key) }

func (x *exchange) errorf(format string, args ...any) {
	x.t.Errorf("byte %d of the %s is %v (%#x): "+format, append([]any{
		x.f.at, map[bool]string{false: "requests", true: "replies"}[x.f.reply], x.f.kind, x.f.mask}, args...)...)
}

// near reports whether v is the value of a key, apart from the byte that was garbled. If the
// length before the value was changed, the next bytes may be taken for more of it, up to the end
// of another line: nothing in a reply tells.
func (x *exchange) near(v []byte, key string) bool {
	want := itself(key)
	if x.f.kind.changes() && x.f.reply && bytes.HasPrefix(v, append(want, "\r\n"...)) {
		return true
	}
	if len(v) != len(want) {
		return false
	}
	different := 0
	for i := range v {
		if v[i] != want[i] {
			different++
		}
	}
	return different == 0 || different == 1 && x.f.kind == garbled
}

// is checks the outcome of a call for the value of a key.
func (x *exchange) is(what, key string, v []byte, err error) {
	switch {
	case err == nil && !x.near(v, key):
		x.errorf("%s of %s: %q", what, key, v)
	case err != nil:
		x.failed(what, err)
	}
}

// failed checks the error of a call. Requests that were changed may mean something else to the
// server. A call whose bytes were not changed returns a reply or an outage; a late reply is not an error.
func (x *exchange) failed(what string, err error) {
	switch {
	case err == nil:
		return
	case x.f.at < 0 || x.f.kind == delayed:
	case errors.Is(err, cache.ErrUnavailable):
		x.mu.Lock()
		defer x.mu.Unlock()
		x.errs = append(x.errs, err)
		return
	case x.f.kind.changes() && !x.f.reply:
		return
	case x.f.kind.changes() && errors.Is(err, cache.ErrUnreadable): // the flags
		return
	}
	x.errorf("%s: error %v", what, err)
}

// calls makes the calls, all at once, and checks what comes of them.
func (x *exchange) calls() {
	ctx := x.t.Context()
	var wg sync.WaitGroup
	for _, k := range []string{"a", "b"} {
		wg.Go(func() {
			v, err := x.c.Get(ctx, x.key(k))
			x.is("Get", x.key(k), v, err)
		})
	}
	wg.Go(func() { x.failed("Set", x.c.Set(ctx, x.key("c"), itself(x.key("c")), time.Hour)) })
	wg.Go(func() {
		n, err := x.c.Increment(ctx, x.key("n"), 1)
		if err == nil && n != 1001 && !x.f.kind.changes() {
			x.errorf("Increment: %d", n)
		}
		x.failed("Increment", err)
	})
	wg.Go(func() {
		it, err := x.c.GetItem(ctx, x.key("d"))
		x.is("GetItem", x.key("d"), it.Value, err)
	})
	wg.Go(func() {
		found, err := x.c.GetMulti(ctx, []string{x.key("e"), x.key("f")})
		for key, v := range found {
			if !x.near(v, key) {
				x.errorf("GetMulti: %q is %q", key, v)
			}
		}
		var multi *cache.MultiError
		if errors.As(err, &multi) {
			for _, err := range multi.Errors {
				x.failed("GetMulti", err)
			}
		} else if err != nil || len(found) != 2 && (x.f.reply || !x.f.kind.changes()) {
			x.errorf("GetMulti: %q, error %v", found, err)
		}
	})
	wg.Go(func() {
		if err := x.c.Delete(ctx, x.key("g")); !errors.Is(err, cache.ErrMiss) {
			x.failed("Delete", err)
		}
	})
	wg.Wait()
}

// run does the calls through a relay with the fault, and looks whether later calls work.
func (x *exchange) run(server *memcachedtest.Server, direct *cache.Cache, timeout time.Duration) (lengths [2]int) {
	ctx := x.t.Context()
	values := map[string][]byte{x.key("n"): []byte("1000")}
	for _, k := range []string{"a", "b", "c", "d", "e", "f", "g"} {
		values[x.key(k)] = itself(x.key(k))
	}
	if err := direct.SetMulti(ctx, values, 0); err != nil {
		x.errorf("SetMulti: %v", err)
		return
	}
	r := startRelay(x.t, server, func(conn int) fault {
		if conn > 0 {
			return fault{at: -1}
		}
		return x.f
	})
	defer r.stop()
	var err error
	if x.c, err = memcached.New(memcached.Config{Servers: []string{r.addr()}, Timeout: timeout}); err != nil {
		x.errorf("New: %v", err)
		return
	}
	defer x.c.Close()
	x.calls()
	lengths = r.lengths()
	began := time.Now()
	for { // the connection may be found to be unusable only now
		v, err := x.c.Get(ctx, x.key("a"))
		x.is("a later Get", x.key("a"), v, err)
		if err == nil {
			return lengths
		}
		if time.Since(began) > patient {
			x.errorf("Get still fails: %v", err)
			return lengths
		}
		time.Sleep(time.Millisecond)
	}
}

// Every byte of an exchange, the greeting of the connection too, is tampered with in every way.
// Each call returns its reply or an outage, and later calls work. Without -all, only some of the
// bytes are.
func TestTamperedBytes(t *testing.T) {
	t.Parallel()
	server := memcachedtest.Start(t, "tcp")
	direct := open(t, memcached.Config{Servers: []string{server.Addr()}, Timeout: patient})
	whole := exchange{t: t, f: fault{at: -1}, prefix: "whole."}
	lengths := whole.run(server, direct, patient)
	if len(whole.errs) > 0 || lengths[0] == 0 || lengths[1] == 0 {
		t.Fatalf("without a fault: errors %v, %d bytes", whole.errs, lengths)
	}
	faults := make(chan fault)
	var wg sync.WaitGroup
	for worker := range 16 { // many of them wait for a timeout
		wg.Go(func() {
			for f := range faults {
				timeout := 200 * time.Millisecond
				if f.kind == delayed {
					timeout = patient
				}
				x := exchange{t: t, f: f, prefix: strings.Repeat(string(rune('A'+worker)), 3) + "."}
				x.run(server, direct, timeout)
			}
		})
	}
	step, n := 13, 0
	if *all {
		step = 1
	}
	for kind := range tamperings {
		for direction, length := range lengths {
			for at := int(kind) % step; at < length; at += step {
				faults <- fault{kind: kind, reply: direction == 1, at: at, mask: []byte{0x01, 0x40, 0x80}[n%3]}
				n++
			}
		}
	}
	close(faults)
	wg.Wait()
	t.Logf("%d of %d bytes of requests and %d of replies, in %d ways each: %d faults", lengths[0]/step, lengths[0], lengths[1], tamperings, n)
}
