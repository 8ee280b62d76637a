package valkey_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// When packets are lost and the connection stays open, no value is returned that was changed more
// than MaxAge before the call, although the timeout is long.
func TestNearCut(t *testing.T) {
	t.Parallel()
	s := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	const maxAge = 300 * time.Millisecond
	for round := range 3 {
		m := startMute(t, s.Addr())
		n := near(t, open(t, valkey.Config{Servers: []string{m.listener.Addr().String()}, Timeout: patient}), valkey.NearConfig{MaxAge: maxAge})
		ctx := t.Context()
		key := fmt.Sprint("k", round)
		s.Do("SET", key, "old")
		kept(t, n, key)
		// Longer than MaxAge, in which the server is asked again.
		for end := time.Now().Add(2 * maxAge); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if v, err := n.Get(ctx, key); err != nil || string(v) != "old" {
				t.Fatalf("Get: %q, error %v; want the old value", v, err)
			}
		}
		hits := nearHits(t, n)
		m.silent.Store(true)
		s.Do("SET", key, "new")
		changed := time.Now()
		stale := 0
		for {
			began := time.Now()
			short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			v, err := n.Get(short, key)
			cancel()
			if err != nil {
				break
			}
			if stale++; string(v) != "old" || began.After(changed.Add(maxAge)) {
				t.Fatalf("%q, %v after the change; want nothing after %v", v, began.Sub(changed), maxAge)
			}
		}
		if hits == 0 || stale == 0 {
			t.Logf("round %d: nothing was stale, so nothing was tested", round)
		}
	}
}

// versions are the versions of keys that writers have stored. Each reader compares the version
// that it reads with those that were confirmed before.
type versions struct {
	mu   sync.Mutex
	acks map[string][]ack
}

type ack struct {
	version int
	at      time.Time
}

func (v *versions) confirm(key string, version int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.acks[key] = append(v.acks[key], ack{version, time.Now()})
}

// floor returns the last version that was confirmed before a time.
func (v *versions) floor(key string, before time.Time) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	list := v.acks[key]
	for i := len(list) - 1; i >= 0; i-- {
		if !list[i].at.After(before) {
			return list[i].version
		}
	}
	return 0
}

// hammer writes and reads until stop is called. Own writes go through one cache and foreign writes
// through another; each key has one writer. The views must not return a version that is older than
// an own write, or than a foreign one that was confirmed more than maxAge ago. The test polls reads,
// the number of reads.
func hammer(t *testing.T, view, own, foreign *cache.Cache, maxAge time.Duration, loses *atomic.Bool) (reads *atomic.Int64, stop func()) {
	v := &versions{acks: map[string][]ack{}}
	reads = new(atomic.Int64)
	done := make(chan struct{})
	var wg sync.WaitGroup
	running := func() bool {
		select {
		case <-done:
			return false
		default:
			return true
		}
	}
	ok := func(what string, err error) bool {
		if err != nil && !errors.Is(err, cache.ErrMiss) && !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("%s: %v", what, err)
		}
		return err == nil
	}
	ctx := t.Context()
	const keys = 3
	for w := range 2 * keys {
		c, kind := own, "own"
		if w >= keys {
			c, kind = foreign, "foreign"
		}
		key := kind + strconv.Itoa(w%keys)
		wg.Go(func() {
			for version := 1; running(); version++ {
				if ok("Set", c.Set(ctx, key, []byte("v"+strconv.Itoa(version)), time.Minute)) {
					v.confirm(key, version)
				}
				time.Sleep(time.Duration(version%5) * time.Millisecond)
			}
		})
	}
	for r := range 4 {
		wg.Go(func() {
			for i := r; running(); i++ {
				key, back := "own"+strconv.Itoa(i%keys), time.Duration(0)
				if i%2 == 0 {
					key, back = "foreign"+strconv.Itoa(i%keys), maxAge
				}
				floor := v.floor(key, time.Now().Add(-back))
				var b []byte
				var err error
				if i%7 == 0 {
					var found map[string][]byte
					if found, err = view.GetMulti(ctx, []string{key}); err == nil && found[key] == nil {
						err = cache.ErrMiss
					}
					b = found[key]
				} else {
					b, err = view.Get(ctx, key)
				}
				if !ok("Get", err) {
					continue
				}
				reads.Add(1)
				if got, _ := strconv.Atoi(string(b[1:])); got < floor && !loses.Load() {
					t.Errorf("%s: version %d was read, %d had been confirmed", key, got, floor)
				}
			}
		})
	}
	return reads, sync.OnceFunc(func() { close(done); wg.Wait() })
}

// Reads through near views are as fresh as hammer demands while a server is frozen, restarted and
// loses connections.
func TestNearHammer(t *testing.T) {
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		t.Parallel()
		const maxAge = 100 * time.Millisecond
		s := valkeytest.Start(t, b, "tcp")
		cfg := valkey.Config{Servers: []string{s.Addr()}, Timeout: 300 * time.Millisecond}
		c := open(t, cfg)
		n := near(t, c, valkey.NearConfig{MaxAge: maxAge})
		reads, stop := hammer(t, n, c, open(t, cfg), maxAge, new(atomic.Bool))
		defer stop()
		more := func(what string) {
			t.Helper()
			before, hits := reads.Load(), nearHits(t, n)
			memcachedtest.Eventually(t, "values are kept and read "+what, func() bool {
				return t.Failed() || reads.Load() > before+200 && nearHits(t, n) > hits+10
			})
		}
		more("at first")
		for range 2 {
			s.Pause()
			time.Sleep(2 * maxAge)
			s.Resume()
			more("after a freeze")
			s.Do("CLIENT", "KILL", "TYPE", "normal")
			more("after connections were lost")
			s.Kill()
			s.Restart()
			more("after a restart")
		}
	})
}

// Keys that move to another node are dropped, and then kept from that node.
func TestNearSlotMoves(t *testing.T) {
	t.Parallel()
	cl := valkeytest.StartCluster(t, valkeytest.Any(t), 3)
	c := open(t, valkey.Config{Servers: cl.Addrs(), Cluster: true, Timeout: patient})
	n := near(t, c, valkey.NearConfig{MaxAge: time.Hour})
	ctx := t.Context()
	const key = "k"
	slot := fmt.Sprint(cl.Servers[0].Do("CLUSTER", "KEYSLOT", key))
	owner := cl.Owner(key)
	from, to, other := cl.Servers[owner], cl.Servers[(owner+1)%3], cl.Servers[(owner+2)%3]
	id := func(s *valkeytest.Server) string { return fmt.Sprint(s.Do("CLUSTER", "MYID")) }
	if err := c.Set(ctx, key, []byte("old"), time.Hour); err != nil {
		t.Fatal(err)
	}
	kept(t, n, key)
	to.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", id(from))
	from.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", id(to))
	host, port, _ := cutAddr(to.Addr())
	from.Do("MIGRATE", host, port, key, "0", "5000")
	for range 10 {
		if v, err := n.Get(ctx, key); err != nil || string(v) != "old" {
			t.Errorf("Get while the slot moves: %q, %v", v, err)
		}
	}
	for _, s := range []*valkeytest.Server{to, from, other} {
		s.Do("CLUSTER", "SETSLOT", slot, "NODE", id(to))
	}
	for _, want := range []string{"new", "newer"} {
		to.Do("SET", key, want)
		memcachedtest.Eventually(t, "the change on the new node is seen", func() bool {
			v, err := n.Get(ctx, key)
			if err != nil {
				t.Fatal(err)
			}
			return string(v) == want
		})
		kept(t, n, key)
	}
}

// Each node of a cluster reports its keys, and when one fails, only its own keys are errors.
func TestNearCluster(t *testing.T) {
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		t.Parallel()
		const maxAge = 200 * time.Millisecond
		cl := valkeytest.StartCluster(t, b, 3)
		cfg := valkey.Config{Servers: cl.Addrs(), Cluster: true, Timeout: patient, FlushDatabase: true}
		c := open(t, cfg)
		n := near(t, c, valkey.NearConfig{MaxAge: maxAge})
		ctx := t.Context()
		if err := n.Ping(ctx); err != nil {
			t.Fatal(err)
		}
		all := keys(60)
		if err := c.SetMulti(ctx, valuesOf(all), 0); err != nil {
			t.Fatal(err)
		}
		memcachedtest.Eventually(t, "the keys of all nodes are kept", func() bool {
			before := nearHits(t, n)
			found, err := n.GetMulti(ctx, all)
			if err != nil || len(found) != len(all) {
				t.Fatalf("%d values, %v", len(found), err)
			}
			return nearHits(t, n) == before+uint64(len(all))
		})
		for _, k := range all {
			cl.Servers[cl.Owner(k)].Do("SET", k, "changed")
		}
		memcachedtest.Eventually(t, "the changes are seen", func() bool {
			found, err := n.GetMulti(ctx, all)
			for _, k := range all {
				if err != nil || string(found[k]) != "changed" {
					return false
				}
			}
			return true
		})
		reads, stop := hammer(t, n, c, open(t, cfg), maxAge, new(atomic.Bool))
		defer stop()
		before := reads.Load()
		memcachedtest.Eventually(t, "reads", func() bool { return t.Failed() || reads.Load() > before+500 })
		stop()
		owned := ownedBy(cl, 0, all)
		cl.Servers[0].Kill()
		memcachedtest.Eventually(t, "the keys of the node fail, and the others are kept", func() bool {
			hits := nearHits(t, n)
			found, err := n.GetMulti(ctx, all)
			var m *cache.MultiError
			if !errors.As(err, &m) || len(m.Errors) != len(owned) || len(found) != len(all)-len(owned) {
				return false
			}
			for k := range m.Errors {
				if !owned[k] {
					t.Fatalf("%s, of another node: %v", k, m.Errors[k])
				}
			}
			return nearHits(t, n) >= hits+uint64(len(found))
		})
	})
}

// When a replica takes over, the view reads from it.
func TestNearFailover(t *testing.T) {
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		t.Parallel()
		const maxAge = 200 * time.Millisecond
		w := valkeytest.StartWatched(t, b)
		cfg := valkey.Config{
			Servers: []string{w.Sentinel.Addr()}, Sentinel: valkeytest.PrimaryName, FlushDatabase: true, Timeout: 500 * time.Millisecond,
		}
		c := open(t, cfg)
		n := near(t, c, valkey.NearConfig{MaxAge: maxAge})
		var loses atomic.Bool // writes, as replication does when the primary is killed
		reads, stop := hammer(t, n, c, open(t, cfg), maxAge, &loses)
		defer stop()
		more := func(what string) {
			t.Helper()
			before, hits := reads.Load(), nearHits(t, n)
			memcachedtest.Eventually(t, "values are kept and read "+what, func() bool {
				return t.Failed() || reads.Load() > before+200 && nearHits(t, n) > hits+10
			})
		}
		more("at first")
		loses.Store(true)
		w.Servers[0].Kill()
		w.WaitPrimary(1)
		more("after the failover")
		stop()
		// The timeout is short for calls that a dead primary does not reply to.
		memcachedtest.Eventually(t, "the value is kept", func() bool {
			before := nearHits(t, n)
			_, err := n.Get(t.Context(), "k")
			if errors.Is(err, cache.ErrMiss) {
				_ = c.Set(t.Context(), "k", []byte("v"), 0)
			}
			return err == nil && nearHits(t, n) > before
		})
		w.Servers[1].Do("SET", "k", "new")
		memcachedtest.Eventually(t, "the new primary reports changes", func() bool {
			v, err := n.Get(t.Context(), "k")
			return err == nil && string(v) == "new"
		})
	})
}
