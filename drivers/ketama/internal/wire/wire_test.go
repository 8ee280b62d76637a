package wire

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// patient is the timeout where it is not what the test is about.
const patient = 30 * time.Second

// dial connects to a server.
func dial(t testing.TB, network, addr string) *Conn {
	t.Helper()
	nc, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	c := New(nc, 1)
	t.Cleanup(c.Close)
	return c
}

// began returns a call that has begun and may take the time.
func began(ctx context.Context, timeout time.Duration) endpoint.Call {
	call, err := endpoint.New("test", "tcp", "127.0.0.1:1", timeout).Begin(ctx, 0)
	if err != nil {
		panic(err)
	}
	call.Start()
	return call
}

// exchange does one exchange in a call that may take the time.
func exchange(ctx context.Context, c *Conn, timeout time.Duration, from, to int, request func(i int) Request, reply func(i int, r Reply)) (int, error) {
	c.Begin(began(ctx, timeout))
	n, err := c.Exchange(from, to, request, reply)
	if _, failure := c.End(); (failure == nil) != (err == nil) {
		panic("the error of the exchange is not that of the call")
	}
	return n, err
}

// all exchanges all requests, in as many windows as it takes.
func all(t testing.TB, c *Conn, requests []Request) []Reply {
	t.Helper()
	var replies []Reply
	for next := 0; next < len(requests); {
		var err error
		next, err = exchange(t.Context(), c, patient, next, len(requests),
			func(i int) Request { return requests[i] },
			func(i int, r Reply) {
				if i != len(replies) {
					t.Fatalf("reply %d comes when %d were there", i, len(replies))
				}
				replies = append(replies, r)
			})
		if err != nil {
			t.Fatal(err)
		}
	}
	return replies
}

func TestCommands(t *testing.T) {
	s := memcachedtest.Start(t, "unix")
	c := dial(t, s.Network(), s.Addr())
	var cas uint64
	for i, step := range []struct {
		request Request
		status  Status
		value   string
		flags   uint32
	}{
		{request: Request{Op: Noop}},
		{request: Request{Op: Get, Key: "k"}, status: NotFound},
		{request: Request{Op: Replace, Key: "k", Value: []byte("x")}, status: NotFound},
		{request: Request{Op: Touch, Key: "k"}, status: NotFound},
		{request: Request{Op: Delete, Key: "k"}, status: NotFound},
		{request: Request{Op: Set, Key: "k", CAS: 1}, status: NotFound},
		{request: Request{Op: Add, Key: "k", Value: []byte("one"), Flags: 0xfedcba98}},
		{request: Request{Op: Add, Key: "k", Value: []byte("two")}, status: Exists},
		{request: Request{Op: Get, Key: "k"}, value: "one", flags: 0xfedcba98},
		{request: Request{Op: Replace, Key: "k", Value: nil, Flags: 4}},
		{request: Request{Op: Get, Key: "k"}, value: "", flags: 4},
		{request: Request{Op: Delete, Key: "k", CAS: 1 << 60}, status: Exists},
		{request: Request{Op: Set, Key: "k", CAS: 1 << 60}, status: Exists},
		{request: Request{Op: Touch, Key: "k", Expiry: 100}},
		{request: Request{Op: Set, Key: "k", Value: make([]byte, 2<<20)}, status: TooLarge},
		{request: Request{Op: Get, Key: "k"}, status: NotFound},
		{request: Request{Op: Set, Key: "k", Value: []byte("three")}},
		{request: Request{Op: Get, Key: "k"}, value: "three"},
		{request: Request{Op: Flush}},
		{request: Request{Op: Get, Key: "k"}, status: NotFound},
	} {
		r := all(t, c, []Request{step.request})[0]
		if r.Status != step.status || string(r.Value) != step.value || r.Flags != step.flags {
			t.Errorf("step %d, command 0x%02x: %v, value %.20q, flags %d; want %v, %q, %d",
				i, step.request.Op, r.Status, r.Value, r.Flags, step.status, step.value, step.flags)
		}
		cas = max(cas, r.CAS)
	}
	if cas == 0 {
		t.Error("no reply had a CAS id")
	}
}

// TestWindows: more than the buffers of a socket hold, in both directions.
func TestWindows(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		for _, size := range []int{0, 100, 16 << 10, 300 << 10} {
			t.Run(fmt.Sprintf("%s/%d", network, size), func(t *testing.T) {
				s := memcachedtest.Start(t, network, "-m", "256")
				c := dial(t, s.Network(), s.Addr())
				n := min(5000, 32<<20/(size+1))
				pad := strings.Repeat("k", 230)
				var sets, gets []Request
				for i := range n {
					key := fmt.Sprintf("%d-%s", i, pad)
					sets = append(sets, Request{Op: Set, Key: key, Value: bytes.Repeat([]byte{byte(i)}, size)})
					gets = append(gets, Request{Op: Get, Key: key}, Request{Op: Get, Key: "not" + key})
				}
				for i, r := range all(t, c, sets) {
					if r.Status != OK {
						t.Fatalf("set %d: %v", i, r.Status)
					}
				}
				for i, r := range all(t, c, gets) {
					want := sets[i/2].Value
					if i%2 == 1 && (r.Status != NotFound || len(r.Value) > 0) || i%2 == 0 && (r.Status != OK || !bytes.Equal(r.Value, want)) {
						t.Fatalf("get %d: %v, %d bytes", i, r.Status, len(r.Value))
					}
				}
			})
		}
	}
}

// canned is a connection that has received a reply and takes whatever is sent.
type canned struct {
	net.Conn
	io.Reader
}

func (c canned) Read(p []byte) (int, error)  { return c.Reader.Read(p) }
func (c canned) Write(p []byte) (int, error) { return len(p), nil }
func (c canned) SetDeadline(time.Time) error { return nil }

// answer gives request the reply.
func answer(request Request, reply []byte) (got Reply, err error) {
	c := New(canned{Reader: bytes.NewReader(reply)}, 1)
	c.opaque = 7
	n, err := exchange(context.Background(), c, patient, 0, 1, func(int) Request { return request }, func(_ int, r Reply) { got = r })
	if (n == 1) != (err == nil) {
		panic("a reply and an error")
	}
	return got, err
}

// message makes a reply.
func message(op Op, status Status, opaque uint32, extras, key, value string) []byte {
	b := []byte{replyMagic, byte(op)}
	b = binary.BigEndian.AppendUint16(b, uint16(len(key)))
	b = append(b, byte(len(extras)), 0)
	b = binary.BigEndian.AppendUint16(b, uint16(status))
	b = binary.BigEndian.AppendUint32(b, uint32(len(extras)+len(key)+len(value)))
	b = binary.BigEndian.AppendUint32(b, opaque)
	b = binary.BigEndian.AppendUint64(b, 99)
	return append(b, extras+key+value...)
}

const noFlags = "\x00\x00\x00\x00"

func TestReplies(t *testing.T) {
	get := Request{Op: Get, Key: "key"}
	good := message(Get, OK, 7, "\x00\x00\x00\x10", "key", "value")
	edit := func(at int, b byte) []byte {
		m := bytes.Clone(good)
		m[at] = b
		return m
	}
	r, err := answer(get, good)
	if err != nil || string(r.Value) != "value" || r.Flags != 16 || r.CAS != 99 {
		t.Errorf("good reply: %+v, %v", r, err)
	}
	r, err = answer(get, message(Get, NotFound, 7, "", "key", "Not found"))
	if err != nil || r.Status != NotFound || r.Value != nil {
		t.Errorf("miss: %+v, %v", r, err)
	}
	for name, reply := range map[string][]byte{
		"text":           []byte("VALUE key 0 5\r\nvalue\r\nEND\r\n"),
		"request":        edit(0, requestMagic),
		"other command":  message(Set, OK, 7, noFlags, "key", "value"),
		"other opaque":   message(Get, OK, 8, noFlags, "key", "value"),
		"other key":      message(Get, OK, 7, noFlags, "yek", "value"),
		"longer key":     message(Get, OK, 7, noFlags, "key2", "value"),
		"no key":         message(Get, OK, 7, noFlags, "", "value"),
		"no flags":       message(Get, OK, 7, "", "key", "value"),
		"half flags":     message(Get, OK, 7, "\x00\x00", "key", "value"),
		"body too short": edit(11, 6),
		"body of 4 GiB":  edit(8, 0xff),
	} {
		if r, err := answer(get, reply); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v; want a malformed reply", name, r, err)
		}
	}
	for cut := range good {
		if r, err := answer(get, good[:cut]); err == nil {
			t.Errorf("cut at %d: %+v", cut, r)
		}
	}
}

// TestUnkeptLength: a length that is announced and not kept must not make room for it.
func TestUnkeptLength(t *testing.T) {
	reply := message(Get, OK, 7, noFlags, "key", "value")
	reply[8] = 0x30 // 768 MiB
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := answer(Request{Op: Get, Key: "key"}, reply)
	runtime.ReadMemStats(&after)
	if err == nil {
		t.Error("768 MiB were announced, 5 bytes came: no error")
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 16<<20 {
		t.Errorf("%d bytes were made room for", n)
	}
}

// TestOtherProtocol: a reply in plain text is quoted.
func TestOtherProtocol(t *testing.T) {
	for reply, want := range map[string]string{
		"ERROR Too many open connections\r\n":           `: "ERROR Too many open connections"`,
		"HTTP/1.1 400\x01" + strings.Repeat("\x00", 24): `: "HTTP/1.1 400"`,
		strings.Repeat("x", 100):                        `: "` + strings.Repeat("x", maxQuote) + `"`,
		strings.Repeat("\xff", 100):                     `: ""`,
	} {
		_, err := answer(Request{Op: Get, Key: "key"}, []byte(reply))
		if !errors.Is(err, ErrMalformed) || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: %v; want an error that ends with %s", reply, err, want)
		}
	}
}

func FuzzReply(f *testing.F) {
	f.Add(message(Get, OK, 7, noFlags, "key", "value"))
	f.Add(message(Get, NotFound, 7, "", "", "Not found"))
	f.Add(message(Get, OK, 7, noFlags, "yek", ""))
	f.Add([]byte("VALUE key 0 5\r\nvalue\r\nEND\r\n"))
	f.Fuzz(func(t *testing.T, reply []byte) {
		r, err := answer(Request{Op: Get, Key: "key"}, reply)
		if err != nil || r.Status != OK {
			return
		}
		// The value must be the one in the server's reply.
		want := message(Get, OK, 7, string(binary.BigEndian.AppendUint32(nil, r.Flags)), "key", string(r.Value))
		want[5] = reply[5]              // data type
		copy(want[16:24], reply[16:24]) // CAS
		if !bytes.HasPrefix(reply, want) {
			t.Errorf("%q was read as flags %d, value %q", reply, r.Flags, r.Value)
		}
	})
}

func TestTimeout(t *testing.T) {
	silent := memcachedtest.StartFake(t, func(int) []memcachedtest.Step { return nil })
	c := dial(t, "tcp", silent.Addr())
	_, err := exchange(t.Context(), c, 50*time.Millisecond, 0, 1, func(int) Request { return Request{Op: Noop} }, func(int, Reply) { t.Error("a reply") })
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("a silent server: error %v, want a timeout", err)
	}
}

// An exchange ends when its context does.
func TestCanceled(t *testing.T) {
	silent := memcachedtest.StartFake(t, func(int) []memcachedtest.Step { return nil })
	for _, early := range []bool{true, false} {
		c := dial(t, "tcp", silent.Addr())
		ctx, cancel := context.WithCancel(t.Context())
		call := began(ctx, patient)
		if early {
			cancel()
		}
		c.Begin(call)
		_, err := c.Exchange(0, 1, func(int) Request {
			if !early {
				go cancel()
			}
			return Request{Op: Noop}
		}, func(int, Reply) { t.Error("a reply") })
		if err == nil {
			t.Errorf("canceled before the exchange: %v; it returned no error", early)
		}
		cancel()
	}
}

func TestStatusText(t *testing.T) {
	for want, s := range map[string]Status{"status 0x82: out of memory": 0x82, "status 0x99": 0x99} {
		if s.Error() != want {
			t.Errorf("Error: %q, want %q", s.Error(), want)
		}
	}
}
