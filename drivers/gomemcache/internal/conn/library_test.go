package conn

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// recorder is a connection that notes how the library uses it, and has one reply to every
// request.
type recorder struct {
	net.Conn
	calls *[]string
	reply string
	left  string
}

func (r *recorder) note(call string) {
	if n := len(*r.calls); n == 0 || (*r.calls)[n-1] != call {
		*r.calls = append(*r.calls, call)
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.note("Write")
	r.left = r.reply
	return len(p), nil
}

func (r *recorder) Read(p []byte) (int, error) {
	r.note("Read")
	n := copy(p, r.left)
	r.left = r.left[n:]
	return n, nil
}

func (r *recorder) Close() error                { r.note("Close"); return nil }
func (r *recorder) SetDeadline(time.Time) error { return nil }

// TestCallsOfTheLibrary notes what a Conn relies on: the library dials once, keeps the
// connection after replies that it knows, closes it after others and dials again, and calls
// nothing but Read, Write, and Close. It fails if a version of the library does
// otherwise.
func TestCallsOfTheLibrary(t *testing.T) {
	const get = "VALUE k 0 1 9\r\nx\r\nEND\r\n"
	var calls []string
	r := &recorder{calls: &calls}
	client := memcache.NewFromSelector(only{&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}})
	client.MaxIdleConns = 1
	client.DialContext = func(context.Context, string, string) (net.Conn, error) {
		calls = append(calls, "Dial")
		return r, nil
	}
	for _, tt := range []struct {
		reply, want string
		call        func() error
	}{
		{get, "Dial Write Read", func() error { _, err := client.Get("k"); return err }},
		{get, "Write Read", func() error { _, err := client.Get("k"); return err }},
		{"END\r\n", "Write Read", func() error { _, err := client.Get("k"); return err }},
		{"STORED\r\n", "Write Read", func() error { return client.Set(&memcache.Item{Key: "k", Value: []byte("x")}) }},
		{"NOT_STORED\r\n", "Write Read", func() error { return client.Add(&memcache.Item{Key: "k"}) }},
		{"EXISTS\r\n", "Write Read", func() error { return client.CompareAndSwap(&memcache.Item{Key: "k", CasID: 9}) }},
		{"NOT_FOUND\r\n", "Write Read", func() error { return client.Delete("k") }},
		{"5\r\n", "Write Read", func() error { _, err := client.Increment("k", 1); return err }},
		{get, "Write Read", func() error { _, err := client.GetAndTouch("k", 60); return err }},
		{"garbage\r\n", "Write Read Close", func() error { _, err := client.Get("k"); return err }},
		{"OK\r\n", "Dial Write Read", func() error { return client.FlushAll() }},
	} {
		calls, r.reply = nil, tt.reply
		err := tt.call()
		if got := strings.Join(calls, " "); got != tt.want {
			t.Errorf("for the reply %q the library called %s (error %v), want %s", tt.reply, got, err, tt.want)
		}
	}
}
