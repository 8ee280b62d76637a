package memcached_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/load"
)

// A Get of package load that misses is three round trips beside the load: it looks, takes
// the lease or what somebody else has stored meanwhile, with the records of the tags, and
// stores the value. A hit is one, and so is an invalidation.
func TestLoadTrips(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	w := startWire(t, memcachedtest.Start(t, "unix").Addr())
	c := open(t, memcached.Config{Servers: []string{w.addr}, Timeout: patient})
	if err := c.Ping(ctx); err != nil {
		t.Fatal(err)
	}
	l, err := load.New(c, load.Config[[]byte]{TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	get := func(tags ...string) func() error {
		return func() error {
			_, err := l.Get(ctx, "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) { return []byte("v"), nil }, tags...)
			return err
		}
	}
	for _, step := range []struct {
		what string
		do   func() error
		want []string
	}{
		{"a miss", get(), []string{"mg", "ms-ME mg", "ms-C"}},
		{"a hit", get(), []string{"mg"}},
		{"a delete", func() error { return l.Delete(ctx, "k") }, []string{"md"}},
		{"a miss with tags", get("a", "b"), []string{"mg mg mg", "ms-ME mg ms-ME mg ms-ME mg", "ms-C"}},
		{"a hit with tags", get("a", "b"), []string{"mg mg mg"}},
		{"an invalidation", func() error { return l.Invalidate(ctx, "a") }, []string{"md"}},
	} {
		w.take()
		if err := step.do(); err != nil {
			t.Errorf("%s: %v", step.what, err)
		}
		if got := w.take(); !slices.Equal(got, step.want) {
			t.Errorf("%s: round trips %q, want %q", step.what, got, step.want)
		}
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// wire is a proxy before a server that keeps the commands that one connection sends. A
// round trip is those that come before the next reply.
type wire struct {
	addr string

	mu      sync.Mutex
	trips   []string
	replied bool // since the last command
}

// take returns the round trips since it was called last.
func (w *wire) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	trips := w.trips
	w.trips, w.replied = nil, true
	return trips
}

func startWire(t *testing.T, server string) *wire {
	t.Helper()
	w := &wire{addr: filepath.Join(t.TempDir(), "wire")}
	l, err := net.Listen("unix", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- w.serve(l, server) }()
	t.Cleanup(func() {
		_ = l.Close() // ends serve, if nothing has connected
		if err := <-ended; err != nil && !errors.Is(err, net.ErrClosed) {
			t.Error(err)
		}
	})
	return w
}

// serve passes on one connection until the client closes it.
func (w *wire) serve(l net.Listener, server string) error {
	client, err := l.Accept()
	if err != nil {
		return err
	}
	defer client.Close()
	to, err := net.Dial("unix", server)
	if err != nil {
		return err
	}
	back := make(chan error, 1)
	go func() {
		_, err := io.Copy(replies{w, client}, to)
		back <- err
	}()
	err = w.requests(bufio.NewReaderSize(client, 1<<16), to)
	_ = to.Close() // ends the other direction
	if other := <-back; err == nil && !errors.Is(other, net.ErrClosed) {
		err = other
	}
	return err
}

// requests passes on what the client sends. All that has arrived goes to the server in one
// write, so that no reply comes between commands that were written together.
func (w *wire) requests(in *bufio.Reader, to net.Conn) error {
	for {
		if _, err := in.Peek(1); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		sent, err := in.Peek(in.Buffered())
		if err != nil {
			return err
		}
		w.note(string(sent))
		if _, err := to.Write(sent); err != nil {
			return err
		}
		if _, err := in.Discard(len(sent)); err != nil {
			return err
		}
	}
}

// note keeps the commands, with the mode of a store.
func (w *wire) note(sent string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for sent != "" {
		var line string
		line, sent, _ = strings.Cut(sent, "\r\n")
		words := strings.Fields(line)
		command := words[0]
		if command == "ms" {
			size, err := strconv.Atoi(words[2])
			if err != nil {
				panic(err)
			}
			sent = sent[size+len("\r\n"):]
			command += "-" + strings.TrimRight(words[3], "0123456789")
		}
		if w.replied || len(w.trips) == 0 {
			w.trips, w.replied = append(w.trips, command), false
			continue
		}
		w.trips[len(w.trips)-1] += " " + command
	}
}

// replies passes on what the server sends.
type replies struct {
	wire *wire
	to   io.Writer
}

func (r replies) Write(b []byte) (int, error) {
	r.wire.mu.Lock()
	r.wire.replied = true
	r.wire.mu.Unlock()
	return r.to.Write(b)
}
