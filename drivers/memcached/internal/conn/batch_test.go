package conn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// dial returns a connection to a server.
func dial(t testing.TB, s *memcachedtest.Server) *Conn {
	t.Helper()
	nc, err := net.Dial(s.Network(), s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	c := New(nc, Config{Timeout: patient})
	t.Cleanup(c.Close)
	return c
}

// keyed is a batch of requests for the keys "k0" to "k<n-1>". It notes the last reply to
// each.
func keyed(verb protocol.Verb, n int, value func(i int) string) (*Batch, []protocol.Reply) {
	replies := make([]protocol.Reply, 0, n)
	return &Batch{
		Verb: verb, N: n,
		Request: func(i int, r *protocol.Request) {
			r.Key = fmt.Sprint("k", i)
			if value != nil {
				r.Value = []byte(value(i))
			}
		},
		Result: func(i int, each []protocol.Reply) {
			if i == len(replies) {
				replies = append(replies, each[len(each)-1])
			}
		},
	}, replies[:n]
}

func valueOf(i int) string { return fmt.Sprint("value of k", i) }

// A batch on a real server: every reply, in order, whatever its size and that of the
// values.
func TestBatches(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		c := dial(t, memcachedtest.Start(t, network))
		for _, n := range []int{1, 2, chunkRequests, chunkRequests + 1, 1000, 5000} {
			set, replies := keyed(protocol.Set, n, valueOf)
			if replied, _, err := c.DoMany(background, set); err != nil || replied != n {
				t.Fatalf("set of %d: %d, error %v", n, replied, err)
			}
			for i := range replies {
				if replies[i].Status != protocol.OK {
					t.Fatalf("set of %d: reply %d is %+v", n, i, replies[i])
				}
			}
			get, replies := keyed(protocol.Get, n+1, nil)
			if replied, _, err := c.DoMany(background, get); err != nil || replied != n+1 {
				t.Fatalf("get of %d: %d, error %v", n, replied, err)
			}
			for i := range n {
				if string(replies[i].Value) != valueOf(i) {
					t.Fatalf("get of %d: value %d is %q", n, i, replies[i].Value)
				}
			}
			both, replies := keyed(protocol.AddGet, n+1, valueOf)
			if replied, _, err := c.DoMany(background, both); err != nil || replied != n+1 {
				t.Fatalf("get or add of %d: %d, error %v", n, replied, err)
			}
			for i := range replies {
				if string(replies[i].Value) != valueOf(i) {
					t.Fatalf("get or add of %d: value %d is %q", n, i, replies[i].Value)
				}
			}
			remove, replies := keyed(protocol.Delete, n+1, nil)
			if replied, _, err := c.DoMany(background, remove); err != nil || replied != n+1 {
				t.Fatalf("delete of %d: %d, error %v", n, replied, err)
			}
			for i := range replies {
				if replies[i].Status != protocol.OK {
					t.Fatalf("delete of %d: reply %d is %+v", n, i, replies[i])
				}
			}
		}
	}
}

// Neither side waits for the other when requests and replies are more than what all the
// buffers hold, in either direction.
func TestHugeBatches(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		c := dial(t, memcachedtest.Start(t, network, "-m", "256"))
		big := strings.Repeat("x", 30_000)
		const n = 800
		set, _ := keyed(protocol.Set, n, func(i int) string { return fmt.Sprint(i, " ", big) })
		get, replies := keyed(protocol.Get, n, nil)
		var wg sync.WaitGroup
		for range 2 { // at once
			wg.Go(func() {
				set := *set
				set.Result = func(int, []protocol.Reply) {}
				if replied, _, err := c.DoMany(background, &set); err != nil || replied != n {
					t.Errorf("set: %d of %d, error %v", replied, n, err)
				}
			})
		}
		wg.Wait()
		if replied, _, err := c.DoMany(background, get); err != nil || replied != n {
			t.Fatalf("get: %d of %d, error %v", replied, n, err)
		}
		for i := range replies {
			if v := string(replies[i].Value); v != fmt.Sprint(i, " ", big) {
				t.Fatalf("value %d has %d bytes and begins with %.10q", i, len(v), v)
			}
		}
	}
}

// Beside other callers a batch goes out in small chunks, a window of them at a time; a call
// that comes meanwhile waits for no more than that. Alone its chunks are larger.
func TestChunks(t *testing.T) {
	c, p := connect(t, patient)
	single := startGet(background, c, "single")
	p.expect(getRequest("single", 0))
	done := make(chan error, 1)
	batch, _ := keyed(protocol.Delete, 10_000, nil)
	go func() { _, _, err := c.DoMany(background, batch); done <- err }()
	enqueued(t, c, 1+window)
	c.mu.Lock()
	if owed := c.owed(); owed != 1+window*chunkRequests {
		t.Errorf("%d replies are owed, want %d", owed, 1+window*chunkRequests)
	}
	c.mu.Unlock()
	p.nc.Close()
	if err := <-done; !isLost(err) {
		t.Errorf("the batch: error %v, want it lost", err)
	}
	await(t, single)

	c, p = connect(t, patient)
	go func() { _, _, err := c.DoMany(background, batch); done <- err }()
	enqueued(t, c, window)
	c.mu.Lock()
	if owed := c.owed(); owed != window*largeRequests {
		t.Errorf("alone, %d replies are owed, want %d", owed, window*largeRequests)
	}
	c.mu.Unlock()
	p.nc.Close()
	<-done
}

// A batch that ends early tells which requests have results, and which were never sent.
func TestBatchCutShort(t *testing.T) {
	for name, end := range map[string]func(cancel func(), p *peer){
		"canceled": func(cancel func(), _ *peer) { cancel() },
		"lost":     func(_ func(), p *peer) { p.nc.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			c, p := connect(t, patient)
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			single := startGet(background, c, "single") // which makes the chunks small
			p.expect(getRequest("single", 0))
			const n = 1000
			batch, replies := keyed(protocol.Delete, n, nil)
			type outcome struct {
				replied, unsent int
				err             error
			}
			done := make(chan outcome, 1)
			go func() {
				replied, unsent, err := c.DoMany(ctx, batch)
				done <- outcome{replied, unsent, err}
			}()
			enqueued(t, c, 1+window)
			p.send(value("v", 0))
			wantValue(t, single, "v")
			// One chunk and a half.
			first := 0
			c.mu.Lock()
			for call := c.sent.head; call != nil && first == 0; call = call.next {
				first = int(call.tag)
			}
			for call := c.reader.run.head; call != nil && first == 0; call = call.next {
				first = int(call.tag)
			}
			c.mu.Unlock()
			var sent strings.Builder
			for i := range chunkRequests {
				fmt.Fprintf(&sent, "HD %s\r\n", tag(first+i))
			}
			p.send(sent.String())
			enqueued(t, c, 2+window)
			end(cancel, p)
			o := <-done
			want := context.Canceled
			if name == "lost" && !isLost(o.err) || name == "canceled" && !errors.Is(o.err, want) {
				t.Errorf("error %v", o.err)
			}
			// The last chunk was made when the batch was alone.
			if most := window*chunkRequests + largeRequests; o.replied != chunkRequests || o.unsent < window*chunkRequests || o.unsent > most {
				t.Errorf("%d have their result and those from %d on are unsent; want %d, and %d to %d",
					o.replied, o.unsent, chunkRequests, window*chunkRequests, most)
			}
			for i := range o.replied {
				if replies[i].Status != protocol.OK {
					t.Errorf("reply %d is %+v", i, replies[i])
				}
			}
		})
	}
}

// Batches that are canceled at any moment leave nothing behind: all replies are read, and
// the connection serves the next call.
func TestCanceledBatches(t *testing.T) {
	s := memcachedtest.Start(t, "tcp")
	for range 20 {
		c := dial(t, s)
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for i := range 20 {
					ctx, cancel := context.WithTimeout(background, time.Duration(i)*20*time.Microsecond)
					batch, _ := keyed(protocol.Get, 20+100*g, nil)
					_, _, _ = c.DoMany(ctx, batch)
					cancel()
				}
			})
		}
		wg.Wait()
		if c.Busy() {
			t.Error("the connection is busy without a caller")
		}
		memcachedtest.Eventually(t, "all replies are read", func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.owed() == 0 && !c.reading && !c.writing
		})
		if r := do(background, c, protocol.Request{Verb: protocol.Get, Key: "k"}); r.status != protocol.Miss {
			t.Errorf("a get after the batch: %+v, want a miss", r)
		}
	}
}
