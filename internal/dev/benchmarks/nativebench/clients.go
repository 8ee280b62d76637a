package nativebench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	gomemcache "github.com/bradfitz/gomemcache/memcache"
	grafana "github.com/grafana/gomemcache/memcache"
	"github.com/valkey-io/valkey-go"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
)

const (
	timeout = 10 * time.Second // nothing here should fail for slowness
	idle    = 512              // connections: more than goroutines
	ttl     = 10 * time.Minute
	seconds = 600
)

// worker is a client as one goroutine uses it.
type worker interface {
	get(ctx context.Context, key string) error
	set(ctx context.Context, key string, value []byte) error
	count(ctx context.Context, key string) error
}

// client makes workers.
type client struct {
	name   string
	worker func() (worker, error)
	close  func() error
	ours   bool
}

// The names of the clients.
const (
	nameLarder     = "larder/memcached"
	nameGomemcache = "gomemcache"
	nameGrafana    = "grafana"
	nameValkey     = "valkey-go"
	nameBare       = "bare"
)

// clients returns all of them, on the given servers.
func (s *servers) clients() ([]*client, error) {
	ours, err := newLarder(s.memcached, timeout)
	if err != nil {
		return nil, err
	}
	list := []*client{
		ours, newGomemcache(s.memcached), newGrafana(s.memcached), newBare(s.network, s.memcached),
	}
	if s.redis != "" {
		v, err := newValkey(s.network, s.redis)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

type larderWorker struct{ c *cache.Cache }

func newLarder(addr string, timeout time.Duration) (*client, error) {
	c, err := memcached.New(memcached.Config{Servers: []string{addr}, Timeout: timeout})
	if err != nil {
		return nil, err
	}
	return &client{
		name: nameLarder, ours: true, close: c.Close,
		worker: func() (worker, error) { return larderWorker{c}, nil },
	}, nil
}

func (w larderWorker) get(ctx context.Context, key string) error {
	_, err := w.c.Get(ctx, key)
	return err
}

func (w larderWorker) set(ctx context.Context, key string, value []byte) error {
	return w.c.Set(ctx, key, value, ttl)
}

func (w larderWorker) count(ctx context.Context, key string) error {
	_, err := w.c.Increment(ctx, key, 1)
	return err
}

type gomemcacheWorker struct{ c *gomemcache.Client }

func newGomemcache(addr string) *client {
	c := gomemcache.New(addr)
	c.Timeout, c.MaxIdleConns = timeout, idle
	return &client{
		name: nameGomemcache, close: c.Close,
		worker: func() (worker, error) { return gomemcacheWorker{c}, nil },
	}
}

func (w gomemcacheWorker) get(_ context.Context, key string) error {
	_, err := w.c.Get(key)
	return err
}

func (w gomemcacheWorker) set(_ context.Context, key string, value []byte) error {
	return w.c.Set(&gomemcache.Item{Key: key, Value: value, Expiration: seconds})
}

func (w gomemcacheWorker) count(_ context.Context, key string) error {
	_, err := w.c.Increment(key, 1)
	return err
}

type grafanaWorker struct{ c *grafana.Client }

func newGrafana(addr string) *client {
	c := grafana.New(addr)
	c.Timeout, c.MaxIdleConns = timeout, idle
	return &client{
		name: nameGrafana, close: func() error { c.Close(); return nil },
		worker: func() (worker, error) { return grafanaWorker{c}, nil },
	}
}

func (w grafanaWorker) get(_ context.Context, key string) error {
	_, err := w.c.Get(key)
	return err
}

func (w grafanaWorker) set(_ context.Context, key string, value []byte) error {
	return w.c.Set(&grafana.Item{Key: key, Value: value, Expiration: seconds})
}

func (w grafanaWorker) count(_ context.Context, key string) error {
	_, err := w.c.Increment(key, 1)
	return err
}

type valkeyWorker struct{ c valkey.Client }

func newValkey(network, addr string) (*client, error) {
	o := valkey.ClientOption{InitAddress: []string{addr}, DisableCache: true, ConnWriteTimeout: timeout}
	if network == "unix" {
		o.DialCtxFn = func(ctx context.Context, addr string, d *net.Dialer, _ *tls.Config) (net.Conn, error) {
			return d.DialContext(ctx, "unix", addr)
		}
	}
	c, err := valkey.NewClient(o)
	if err != nil {
		return nil, err
	}
	return &client{
		name: nameValkey, close: func() error { c.Close(); return nil },
		worker: func() (worker, error) { return valkeyWorker{c}, nil },
	}, nil
}

func (w valkeyWorker) get(ctx context.Context, key string) error {
	_, err := w.c.Do(ctx, w.c.B().Get().Key(key).Build()).AsBytes()
	return err
}

func (w valkeyWorker) set(ctx context.Context, key string, value []byte) error {
	return w.c.Do(ctx, w.c.B().Set().Key(key).Value(valkey.BinaryString(value)).ExSeconds(seconds).Build()).Error()
}

func (w valkeyWorker) count(ctx context.Context, key string) error {
	return w.c.Do(ctx, w.c.B().Incr().Key(key).Build()).Error()
}

// bareWorker is a connection for one goroutine and nothing else: a write, a read, and the
// least parsing.
type bareWorker struct {
	c   net.Conn
	in  *bufio.Reader
	out []byte
}

func newBare(network, addr string) *client {
	var open []net.Conn
	return &client{
		name: nameBare,
		worker: func() (worker, error) {
			c, err := net.Dial(network, addr)
			if err != nil {
				return nil, err
			}
			open = append(open, c)
			return &bareWorker{c: c, in: bufio.NewReaderSize(c, 64<<10)}, nil
		},
		close: func() error {
			for _, c := range open {
				_ = c.Close()
			}
			return nil
		},
	}
}

func (w *bareWorker) line(want string) ([]byte, error) {
	if _, err := w.c.Write(w.out); err != nil {
		return nil, err
	}
	line, err := w.in.ReadSlice('\n')
	if err == nil && want != "" && string(line) != want {
		err = fmt.Errorf("reply %q", line)
	}
	return line, err
}

func (w *bareWorker) get(_ context.Context, key string) error {
	w.out = append(append(append(w.out[:0], "mg "...), key...), " v\r\n"...)
	line, err := w.line("")
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(string(bytes.TrimSpace(bytes.TrimPrefix(line, []byte("VA ")))))
	if err != nil {
		return err
	}
	value := make([]byte, size+2)
	_, err = io.ReadFull(w.in, value)
	return err
}

func (w *bareWorker) set(_ context.Context, key string, value []byte) error {
	w.out = appendSet(w.out[:0], key, value)
	_, err := w.line("HD\r\n")
	return err
}

func appendSet(b []byte, key string, value []byte) []byte {
	b = append(append(append(b, "ms "...), key...), ' ')
	b = append(strconv.AppendInt(b, int64(len(value)), 10), " T600\r\n"...)
	return append(append(b, value...), "\r\n"...)
}

func (w *bareWorker) count(_ context.Context, key string) error {
	w.out = append(append(append(w.out[:0], "ma "...), key...), "\r\n"...)
	_, err := w.line("HD\r\n")
	return err
}
