package valkey

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"
)

// routes cache which server has a key.
type routes struct {
	shards atomic.Pointer[[]shard] // of a cluster, as they were last asked for
	old    atomic.Bool             // shards must be asked for again

	mu    sync.Mutex // held while shards is asked for
	asked time.Time
}

// refresh is the least time between two requests for the routes.
const refresh = time.Second

// of returns the address of the server that has a key, if it is known.
func (r *routes) of(ctx context.Context, s *store, key string) (addr string, ok bool) {
	if s.single != "" {
		return s.single, true
	}
	if !s.lib.cluster {
		addr, err := s.lib.primary(ctx)
		return addr, err == nil
	}
	shards := r.shards.Load()
	if shards == nil || r.old.Load() {
		if shards = r.ask(ctx, s); shards == nil {
			return "", false
		}
	}
	addr = shardOf(*shards, s.lib.slot(s.key(key))).addr
	return addr, addr != ""
}

// outdated notes that a key has moved to another server.
func (r *routes) outdated() { r.old.Store(true) }

// ask asks a cluster for its shards, unless another caller does or did within refresh. It returns
// the latest shards, or nil.
func (r *routes) ask(ctx context.Context, s *store) *[]shard {
	if !r.mu.TryLock() {
		return r.shards.Load()
	}
	defer r.mu.Unlock()
	if time.Since(r.asked) < refresh {
		return r.shards.Load()
	}
	r.old.Store(false)
	nodes, err := s.lib.nodes(ctx)
	if err == nil {
		var shards []shard
		if shards, err = ask(ctx, nodes, shardsOf, "CLUSTER", "SLOTS"); err == nil {
			r.shards.Store(&shards)
		}
	}
	if err != nil {
		r.old.Store(true)
	}
	if err == nil || ctx.Err() == nil {
		r.asked = time.Now()
	}
	return r.shards.Load()
}

// all returns the addresses of the servers that have keys.
func (r *routes) all(ctx context.Context, s *store) ([]string, error) {
	if !s.lib.cluster {
		addr, ok := r.of(ctx, s, "")
		if !ok {
			return nil, errors.New("the primary is not known")
		}
		return []string{addr}, nil
	}
	nodes, err := s.lib.primaries(ctx)
	addrs := make([]string, len(nodes))
	for i, n := range nodes {
		addrs[i] = n.addr
	}
	return addrs, err
}
