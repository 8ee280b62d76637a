package valkey

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	vk "github.com/valkey-io/valkey-go"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/valkey/internal/guard"
)

// Only this file and request.go use the client library, valkey-go. The settings that are not
// obvious:
//
//   - DisableRetry: the library would repeat a read until its context ends, so a Get with
//     context.Background() on a dead server would never return.
//   - AlwaysPipelining: otherwise the deadline of one caller closes a connection that
//     others share, and a connection that was lost while idle fails the next call.
//   - ConnWriteTimeout: package guard watches the connections; the library's own timeout
//     would also end a large reply that is arriving.
const (
	idlePing        = time.Second // how often an idle connection is tried
	libraryTimeout  = time.Minute
	buffer          = 128 << 10 // for reading and for writing, of each connection
	redirects       = 5         // followed for a command while slots move
	sentinelRefresh = 5 * time.Second
)

// library is the client, made when it is needed first: the library connects when it is
// made, and a program must start while its servers are down.
type library struct {
	option  vk.ClientOption
	cluster bool
	dialer  *guard.Dialer
	aside   chan struct{}     // has an element for each call that is made aside
	dialed  func(addr string) // called when a connection for calls was made, before it is used

	client atomic.Pointer[vk.Client]

	mu     sync.Mutex
	making *making
	closed bool
}

// making is a client that is being made.
type making struct {
	done chan struct{}
	err  error
}

// sentinelMark marks the connections to a Sentinel for the dialer.
var sentinelMark = new(net.Resolver)

func newLibrary(c *Config, servers []string, secure *tls.Config, d *guard.Dialer) *library {
	l := &library{dialer: d, cluster: c.Cluster, aside: make(chan struct{}, guard.MaxAside)}
	dialer := net.Dialer{Timeout: c.Timeout, KeepAlive: max(idlePing, c.Timeout)}
	l.option = vk.ClientOption{
		InitAddress: servers, Username: c.User, Password: c.Password, SelectDB: c.DB,
		TLSConfig: secure, // the library only asks whether there is any
		Dialer:    dialer,
		DialCtxFn: func(ctx context.Context, addr string, n *net.Dialer, _ *tls.Config) (net.Conn, error) {
			sentinel := n.Resolver == sentinelMark
			c, err := d.Dial(ctx, addr, sentinel)
			if err == nil && !sentinel {
				l.dialed(addr)
			}
			return c, err
		},
		ConnWriteTimeout:    libraryTimeout,
		RingScaleEachConn:   guard.RingScale,
		ReadBufferEachConn:  buffer,
		WriteBufferEachConn: buffer,
		BlockingPipeline:    -1, // batches are cut into small pieces
		PipelineMultiplex:   -1, // one connection to a server
		DisableRetry:        true,
		DisableCache:        true,
		AlwaysPipelining:    true,
		ForceSingleClient:   !c.Cluster && c.Sentinel == "",
		ClusterOption:       vk.ClusterOption{MaxMovedRedirections: redirects},
	}
	if c.Sentinel != "" {
		dialer.Resolver = sentinelMark
		l.option.Sentinel = vk.SentinelOption{
			MasterSet: c.Sentinel, Username: c.SentinelUser, Password: c.SentinelPassword,
			TLSConfig: secure, Dialer: dialer, TopologyRefreshInterval: sentinelRefresh,
		}
	}
	return l
}

// track connects to addr, and returns a client of that connection. The server reports on it
// which of the keys that were read over it have changed. The client calls changed with them, or
// without keys if everything may have changed, before it returns a reply that the server sent
// later. A connection that is lost is not made again. lost is called then, and when the
// connection cannot be made.
func (l *library) track(addr string, changed func(keys []string), lost func()) (*library, error) {
	o := l.option
	o.InitAddress, o.ForceSingleClient, o.Sentinel = []string{addr}, true, vk.SentinelOption{}
	o.DisableCache, o.ClientTrackingOptions = false, []string{} // CLIENT TRACKING ON, without options
	o.OnInvalidations = func(list []value) {
		keys := make([]string, len(list))
		for i, v := range list {
			keys[i], _ = v.ToString() // a key is a string
		}
		changed(keys)
	}
	var dialed atomic.Bool
	o.DialCtxFn = func(ctx context.Context, addr string, _ *net.Dialer, _ *tls.Config) (net.Conn, error) {
		if dialed.Swap(true) {
			return nil, net.ErrClosed
		}
		c, err := l.dialer.Dial(ctx, addr, false)
		if err != nil {
			return nil, err
		}
		return &trackedConn{c, lost}, nil
	}
	c, err := vk.NewClient(o)
	if err == nil {
		t := &library{option: o, dialer: l.dialer, aside: l.aside}
		t.client.Store(&c)
		return t, nil
	}
	if c != nil {
		c.Close()
	}
	if errors.Is(err, vk.ErrNoCache) {
		text, _, found := strings.Cut(err.Error(), "\n")
		if !found {
			text = "it speaks RESP2 only"
		}
		return nil, &trackingError{addr, errors.New(text)}
	}
	return nil, plainError(err)
}

// stop closes a client that track returned.
func (l *library) stop() { (*l.client.Load()).Close() }

// A trackedConn calls lost when it is closed.
type trackedConn struct {
	net.Conn
	lost func()
}

func (c *trackedConn) Close() error {
	c.lost()
	return c.Conn.Close()
}

// acquire returns the client. If it has to be made, every call that comes meanwhile waits
// for that, each as long as its context lets it.
func (l *library) acquire(ctx context.Context) (vk.Client, error) {
	if c := l.client.Load(); c != nil {
		return *c, nil
	}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil, driver.ErrClosed
	}
	if c := l.client.Load(); c != nil {
		l.mu.Unlock()
		return *c, nil
	}
	m := l.making
	if m == nil {
		m = &making{done: make(chan struct{})}
		l.making = m
		go l.make(m)
	}
	l.mu.Unlock()
	select {
	case <-m.done:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if c := l.client.Load(); c != nil && m.err == nil {
		return *c, nil
	}
	return nil, m.err
}

func (l *library) make(m *making) {
	c, err := vk.NewClient(l.option)
	if err == nil && l.cluster && c.Mode() != vk.ClientModeCluster {
		c.Close()
		c, err = nil, serverError("the server is not a node of a cluster; want no cluster=true")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case c == nil:
	case l.closed:
		go c.Close()
		err = driver.ErrClosed
	default:
		// A client of a single server can be used even if the server is down.
		l.client.Store(&c)
	}
	m.err = err
	l.making = nil
	close(m.done)
}

func (l *library) close() {
	l.mu.Lock()
	l.closed = true
	m := l.making
	l.mu.Unlock()
	l.dialer.Close()
	if m != nil {
		<-m.done
	}
	if c := l.client.Load(); c != nil {
		(*c).Close()
	}
}

// do sends a request.
func (l *library) do(ctx context.Context, r *request) reply {
	calls, direct := l.dialer.Begin(), false
	defer func() { l.dialer.End(direct && ctx.Err() != nil) }()
	c, err := l.acquire(ctx)
	if err != nil {
		return vk.NewErrorResult(err)
	}
	cmd := r.build(c.B())
	if direct = !l.dialer.Aside(ctx, calls); direct {
		return c.Do(ctx, cmd)
	}
	r2, err := aside(ctx, l, func(ctx context.Context) reply { return c.Do(ctx, cmd) })
	if err != nil {
		return vk.NewErrorResult(err)
	}
	return r2
}

// doMulti sends n requests at once, and returns a reply for each.
func (l *library) doMulti(ctx context.Context, n int, request func(i int) request) []reply {
	calls, direct := l.dialer.Begin(), false
	defer func() { l.dialer.End(direct && ctx.Err() != nil) }()
	c, err := l.acquire(ctx)
	if err != nil {
		return failedMulti(n, err)
	}
	b := c.B()
	cmds := make([]vk.Completed, n)
	for i := range cmds {
		r := request(i)
		cmds[i] = r.build(b)
	}
	if direct = !l.dialer.Aside(ctx, calls); direct {
		return c.DoMulti(ctx, cmds...)
	}
	replies, err := aside(ctx, l, func(ctx context.Context) []reply { return c.DoMulti(ctx, cmds...) })
	if err != nil {
		return failedMulti(n, err)
	}
	return replies
}

// aside calls f in a goroutine and waits for it as long as ctx lets it. It is for when the
// library may wait regardless of ctx: while it connects, or for a place in a queue that is
// full. The goroutine ends when the library has the reply or gives up, which it does after
// the timeout, and takes one of a few places until then.
func aside[T any](ctx context.Context, l *library, f func(ctx context.Context) T) (T, error) {
	var none T
	select {
	case l.aside <- struct{}{}:
	case <-ctx.Done():
		return none, ctx.Err()
	}
	done := make(chan T, 1)
	go func() {
		defer func() { <-l.aside }()
		done <- f(context.Background())
	}()
	select {
	case r := <-done:
		return r, nil
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// A node is one server.
type node struct {
	addr string // empty: the only one
	c    vk.Client
	l    *library
}

// do sends a command without a key.
func (n node) do(ctx context.Context, name string, args ...string) (value, error) {
	calls, direct := n.l.dialer.Begin(), false
	defer func() { n.l.dialer.End(direct && ctx.Err() != nil) }()
	do := func(ctx context.Context) reply { return n.c.Do(ctx, n.c.B().Arbitrary(name).Args(args...).Build()) }
	if direct = !n.l.dialer.Aside(ctx, calls); direct {
		r := do(ctx)
		return valueOf(r), failureOf(r)
	}
	r, err := aside(ctx, n.l, do)
	if err != nil {
		return value{}, err
	}
	return valueOf(r), failureOf(r)
}

// nodes returns the servers that the library knows; in a cluster also replicas and those
// that are down.
func (l *library) nodes(ctx context.Context) ([]node, error) {
	c, err := l.acquire(ctx)
	if err != nil {
		return nil, err
	}
	if !l.cluster {
		return []node{{"", c, l}}, nil
	}
	var nodes []node
	for addr, n := range c.Nodes() {
		nodes = append(nodes, node{addr, n, l})
	}
	return nodes, nil
}

// primary returns the address of the only server, or of the primary that Sentinels watch.
func (l *library) primary(ctx context.Context) (string, error) {
	c, err := l.acquire(ctx)
	if err != nil {
		return "", err
	}
	for addr := range c.Nodes() {
		return addr, nil
	}
	return "", errNoServer
}

// slot returns the slot of a key.
func (l *library) slot(key string) int64 {
	c, err := l.acquire(context.Background())
	if err != nil {
		return 0 // there was one a moment ago
	}
	cmd := c.B().Get().Key(key).Build()
	return int64(cmd.Slot())
}

// noServer reports whether err is that of a slot without a server. The library returns it
// for all commands of a batch if it is true of one.
func noServer(err error) bool { return err == vk.ErrNoSlot }

// stopped reports whether err is that of a connection that the library has closed itself.
func stopped(err error) bool { return err == vk.ErrClosing || errors.Is(err, net.ErrClosed) }
