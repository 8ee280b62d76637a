package ketama_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// The commands of the binary protocol, as the fakes of these tests see and reply to
// them.
const (
	get, set, add, replace, remove       = 0x0c, 0x01, 0x02, 0x03, 0x04
	increment, decrement                 = 0x05, 0x06
	flush, noop, touch, getAndTouch      = 0x08, 0x0a, 0x1c, 0x23
	ok, miss, exists                     = 0, 1, 2
	requestMagic, replyMagic        byte = 0x80, 0x81
)

// message makes a request or a reply; status is that of a reply.
func message(magic, command byte, status uint16, opaque uint32, cas uint64, extras, key, value string) string {
	b := []byte{magic, command}
	b = binary.BigEndian.AppendUint16(b, uint16(len(key)))
	b = append(b, byte(len(extras)), 0)
	b = binary.BigEndian.AppendUint16(b, status)
	b = binary.BigEndian.AppendUint32(b, uint32(len(extras)+len(key)+len(value)))
	b = binary.BigEndian.AppendUint32(b, opaque)
	b = binary.BigEndian.AppendUint64(b, cas)
	return string(b) + extras + key + value
}

func request(command byte, cas uint64, extras, key, value string) string {
	return message(requestMagic, command, 0, 0, cas, extras, key, value)
}

func reply(command byte, status uint16, extras, key, value string) string {
	return message(replyMagic, command, status, 0, 77, extras, key, value)
}

const (
	bytesFlags = "\x00\x00\x00\x00"
	textFlags  = "\x00\x00\x00\x10"
	minute     = "\x00\x00\x00\x3c"
	never      = "\xff\xff\xff\xff" // do not create the counter
	one        = "\x00\x00\x00\x00\x00\x00\x00\x01"
	five       = "\x00\x00\x00\x00\x00\x00\x00\x05"
	zero       = "\x00\x00\x00\x00\x00\x00\x00\x00"
)

// action is an operation as the fake sees it: what it expects, and a good reply.
type action struct {
	op      cache.Op
	request string
	reply   string
	again   bool // it is tried once more on a lost connection
	reads   bool
	run     func(ctx context.Context, c *cache.Cache) error
}

var actions = []action{
	{cache.OpGet, request(get, 0, "", "k", ""), reply(get, ok, bytesFlags, "k", "hello"), true, true,
		func(ctx context.Context, c *cache.Cache) error {
			v, err := c.Get(ctx, "k")
			if err == nil && string(v) != "hello" {
				return fmt.Errorf("Get: %q", v)
			}
			return err
		}},
	{cache.OpGetMulti,
		request(get, 0, "", "k", "") + message(requestMagic, get, 0, 1, 0, "", "l", ""),
		reply(get, ok, bytesFlags, "k", "hello") + message(replyMagic, get, miss, 1, 0, "", "l", "Not found"), true, true,
		func(ctx context.Context, c *cache.Cache) error {
			m, err := c.GetMulti(ctx, []string{"k", "l"})
			if err == nil && (len(m) != 1 || string(m["k"]) != "hello") {
				return fmt.Errorf("GetMulti: %q", m)
			}
			return err
		}},
	{cache.OpGetItem, request(get, 0, "", "k", ""), reply(get, ok, textFlags, "k", "hello"), true, true,
		func(ctx context.Context, c *cache.Cache) error {
			it, err := c.GetItem(ctx, "k")
			if err == nil && (string(it.Value) != "hello" || it.Kind != cache.Text) {
				return fmt.Errorf("GetItem: %q, %v", it.Value, it.Kind)
			}
			return err
		}},
	{cache.OpSet, request(set, 0, bytesFlags+minute, "k", "ab"), reply(set, ok, "", "", ""), true, false,
		func(ctx context.Context, c *cache.Cache) error { return c.Set(ctx, "k", []byte("ab"), time.Minute) }},
	{cache.OpSetMulti, request(set, 0, bytesFlags+minute, "k", "ab"), reply(set, ok, "", "", ""), true, false,
		func(ctx context.Context, c *cache.Cache) error {
			return c.SetMulti(ctx, map[string][]byte{"k": []byte("ab")}, time.Minute)
		}},
	{cache.OpAdd, request(add, 0, bytesFlags+minute, "k", "ab"), reply(add, ok, "", "", ""), false, false,
		func(ctx context.Context, c *cache.Cache) error { return c.Add(ctx, "k", []byte("ab"), time.Minute) }},
	{cache.OpAddMulti, request(add, 0, bytesFlags+minute, "k", "ab"), reply(add, ok, "", "", ""), false, false,
		func(ctx context.Context, c *cache.Cache) error {
			return c.AddMulti(ctx, map[string][]byte{"k": []byte("ab")}, time.Minute)
		}},
	{cache.OpReplace, request(replace, 0, bytesFlags+minute, "k", "ab"), reply(replace, ok, "", "", ""), true, false,
		func(ctx context.Context, c *cache.Cache) error { return c.Replace(ctx, "k", []byte("ab"), time.Minute) }},
	{cache.OpDelete, request(remove, 0, "", "k", ""), reply(remove, ok, "", "", ""), true, false,
		func(ctx context.Context, c *cache.Cache) error { return c.Delete(ctx, "k") }},
	{cache.OpDeleteMulti, request(remove, 0, "", "k", ""), reply(remove, ok, "", "", ""), true, false,
		func(ctx context.Context, c *cache.Cache) error { return c.DeleteMulti(ctx, []string{"k"}) }},
	{cache.OpIncrement, request(increment, 0, five+zero+never, "k", ""), reply(increment, ok, "", "", one), false, false,
		func(ctx context.Context, c *cache.Cache) error {
			n, err := c.Increment(ctx, "k", 5)
			if err == nil && n != 1 {
				return fmt.Errorf("Increment: %d", n)
			}
			return err
		}},
	{cache.OpDecrement, request(decrement, 0, five+zero+never, "k", ""), reply(decrement, ok, "", "", one), false, false,
		func(ctx context.Context, c *cache.Cache) error {
			n, err := c.Decrement(ctx, "k", 5)
			if err == nil && n != 1 {
				return fmt.Errorf("Decrement: %d", n)
			}
			return err
		}},
	{cache.OpTouch, request(touch, 0, minute, "k", ""), reply(touch, ok, bytesFlags, "", ""), true, false,
		func(ctx context.Context, c *cache.Cache) error { return c.Touch(ctx, "k", time.Minute) }},
	{cache.OpFlush, request(flush, 0, "", "", ""), reply(flush, ok, "", "", ""), true, false,
		func(ctx context.Context, c *cache.Cache) error { return c.Flush(ctx) }},
	{cache.OpPing, request(noop, 0, "", "", ""), reply(noop, ok, "", "", ""), true, false,
		func(ctx context.Context, c *cache.Cache) error { return c.Ping(ctx) }},
}

// each runs f for each action.
func each(t *testing.T, f func(t *testing.T, a action)) {
	for _, a := range actions {
		t.Run(a.op.String(), func(t *testing.T) { f(t, a) })
	}
}

// fake starts a server whose connections have the steps given for each, the last of
// them for all that follow.
func fake(t *testing.T, conns ...[]memcachedtest.Step) *memcachedtest.Fake {
	t.Helper()
	return memcachedtest.StartFake(t, func(conn int) []memcachedtest.Step { return conns[min(conn, len(conns)-1)] })
}

func answering(a action, reply string) []memcachedtest.Step {
	return []memcachedtest.Step{{Expect: a.request, Reply: reply}}
}

func closing(a action, reply string) []memcachedtest.Step {
	return []memcachedtest.Step{{Expect: a.request, Reply: reply, Close: true}}
}

func isOutage(t *testing.T, err error, op cache.Op, server string) {
	t.Helper()
	memcachedtest.IsOutage(t, err, "ketama", op, server)
}

func isNamed(t *testing.T, err error, op cache.Op, server string) {
	t.Helper()
	memcachedtest.IsNamed(t, err, "ketama", op, server)
}

// bounded checks that a call did not hang.
func bounded(t *testing.T, start time.Time) {
	t.Helper()
	memcachedtest.Bounded(t, start, patient/2)
}

func noneOpen(t *testing.T, f *memcachedtest.Fake) {
	t.Helper()
	memcachedtest.Eventually(t, "the connections are closed", func() bool { return f.Open() == 0 })
}

func TestGarbage(t *testing.T) {
	each(t, func(t *testing.T, a action) {
		command := a.request[1]
		for _, garbage := range []string{
			"ERROR\r\n" + strings.Repeat("x", 24),
			"VALUE k 0 5\r\nhello\r\nEND\r\n" + strings.Repeat("x", 24),
			"\x80" + a.reply[1:], // a request
			strings.Repeat("\x00", 300),
			strings.Repeat("\xff", 300),
			message(replyMagic, command, ok, 0, 0, "\x00", "", ""),        // one byte of flags
			message(replyMagic, command, ok, 0, 0, "", "", "\x00")[:24],   // its body does not come
			message(replyMagic, command, 0x82, 0, 0, "", "", "no memory"), // a refusal
			message(replyMagic, command, 0x1234, 0, 0, "", "", ""),        // an unknown one
			// A body of 16 MiB that does not come.
			message(replyMagic, command, ok, 0, 0, "", "", "")[:8] + "\x01\x00\x00\x00" + strings.Repeat("\x00", 12),
		} {
			f := fake(t, closing(a, garbage))
			c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: patient})
			err := a.run(t.Context(), c)
			if err == nil && !a.reads && garbage[:2] == a.reply[:2] {
				continue // to a store, a reply with a strange body is still its reply
			}
			if err == nil {
				t.Errorf("%.60q was taken for a reply", garbage)
				continue
			}
			isOutage(t, err, a.op, f.Addr())
			noneOpen(t, f)
		}
	})
}

// TestReplyForAnother: no value is taken for that of another key or request, and the
// connection that it came over is not used again.
func TestReplyForAnother(t *testing.T) {
	each(t, func(t *testing.T, a action) {
		if !a.reads {
			return // the replies name no key
		}
		for _, foreign := range []string{
			reply(get, ok, textFlags, "l", "foreign"),
			reply(get, ok, textFlags, "", "foreign"),
			message(replyMagic, get, ok, 9, 0, textFlags, "k", "foreign"),
			message(replyMagic, 0, ok, 0, 0, textFlags, "k", "foreign"),
		} {
			f := fake(t, answering(a, foreign), answering(a, a.reply))
			c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: patient})
			isOutage(t, a.run(t.Context(), c), a.op, f.Addr())
			noneOpen(t, f)
			if err := a.run(t.Context(), c); err != nil {
				t.Errorf("the next call: %v", err)
			}
		}
	})
}

// TestExcess: a value that nobody asked for is not that of the next get.
func TestExcess(t *testing.T) {
	a := actions[0]
	f := fake(t,
		[]memcachedtest.Step{{Expect: a.request, Reply: a.reply + reply(get, ok, textFlags, "k", "foreign")}, {}},
		answering(a, a.reply))
	c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: patient})
	if err := a.run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	isOutage(t, a.run(t.Context(), c), a.op, f.Addr())
	if err := a.run(t.Context(), c); err != nil {
		t.Errorf("the next call: %v", err)
	}
}
