package peers

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	testKeySize = 21
	entries     = 1000
	// patience is for caches that find out about expired entries by the second.
	patience = 20 * time.Second
)

func sizing(ttl time.Duration) Sizing {
	return Sizing{Entries: entries, KeySize: testKeySize, ValueSize: 32, Overwrites: entries, TTL: ttl}
}

func key(i int) string { return fmt.Sprintf("key:%017d", i) }

func value(i int) []byte {
	return []byte(strings.Repeat(fmt.Sprintf("%08d", i), 4))
}

// each runs f for every implementation, with a new cache.
func each(t *testing.T, s Sizing, f func(t *testing.T, p Peer, c Cache, w Worker)) {
	for _, p := range All() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			c := p.New(s)
			t.Cleanup(c.Close)
			f(t, p, c, c.Worker())
		})
	}
}

func TestStoresAndReads(t *testing.T) {
	each(t, sizing(time.Hour), func(t *testing.T, p Peer, c Cache, w Worker) {
		for i := range entries {
			w.Set(key(i), value(i))
		}
		c.Settle()
		for i := range entries {
			if got := w.Get(key(i)); !bytes.Equal(got, value(i)) {
				t.Fatalf("Get of entry %d: %q, want %q", i, got, value(i))
			}
		}
		if n := c.Len(); n != entries {
			t.Errorf("Len: %d, want %d", n, entries)
		}
		w.Set(key(7), value(8))
		c.Settle()
		if got := w.Get(key(7)); !bytes.Equal(got, value(8)) {
			t.Errorf("Get after an overwrite: %q, want %q", got, value(8))
		}
		w.Delete(key(7))
		c.Settle()
		if got := w.Get(key(7)); got != nil {
			t.Errorf("Get after Delete: %q, want nil", got)
		}
		if got := w.Get(key(entries)); got != nil {
			t.Errorf("Get of an absent key: %q, want nil", got)
		}
	})
}

func TestAddsOnce(t *testing.T) {
	adders := 0
	each := func(p Peer) {
		c := p.New(sizing(time.Hour))
		defer c.Close()
		w, ok := c.Worker().(Adder)
		if !ok {
			return
		}
		adders++
		if !w.Add(key(1), value(1)) {
			t.Errorf("%s: Add of an absent key stored nothing", p.Name)
		}
		if w.Add(key(1), value(2)) {
			t.Errorf("%s: Add of a present key stored", p.Name)
		}
		if got := c.Worker().Get(key(1)); !bytes.Equal(got, value(1)) {
			t.Errorf("%s: Get: %q, want %q", p.Name, got, value(1))
		}
	}
	for _, p := range All() {
		each(p)
	}
	if adders < 8 {
		t.Errorf("%d implementations can add, want 8 or more", adders)
	}
}

func TestCounts(t *testing.T) {
	counters := 0
	for _, p := range All() {
		if p.NewCounters == nil {
			continue
		}
		counters++
		c := p.NewCounters(entries, time.Hour)
		for want := uint64(1); want <= 12; want++ {
			if got := c.Incr(key(1)); got != want {
				t.Errorf("%s: Incr: %d, want %d", p.Name, got, want)
			}
		}
		c.Close()
	}
	if counters < 8 {
		t.Errorf("%d implementations can count, want 8 or more", counters)
	}
}

// gone polls until no worker has key(1) any more.
func gone(t *testing.T, workers map[string]Worker) {
	t.Helper()
	for began := time.Now(); len(workers) > 0; time.Sleep(20 * time.Millisecond) {
		for name, w := range workers {
			if w.Get(key(1)) == nil {
				delete(workers, name)
			} else if time.Since(began) > patience {
				t.Fatalf("%s: an entry with a TTL of 1 s is there after %v", name, patience)
			}
		}
	}
}

func TestExpires(t *testing.T) {
	workers := map[string]Worker{}
	for _, p := range All() {
		c := p.New(sizing(time.Second))
		t.Cleanup(c.Close)
		w := c.Worker()
		w.Set(key(1), value(1))
		c.Settle()
		if w.Get(key(1)) == nil {
			t.Errorf("%s: an entry is gone at once", p.Name)
		}
		if p.Expires {
			workers[p.Name] = w
		}
	}
	gone(t, workers)
}

func TestEntriesExpireByTheirTTL(t *testing.T) {
	workers := map[string]Worker{}
	all := map[string]Worker{}
	for _, p := range All() {
		c := p.New(sizing(time.Hour))
		t.Cleanup(c.Close)
		w := c.Worker()
		e, ok := w.(Expirer)
		if ok != p.PerEntry {
			t.Errorf("%s: the worker is an Expirer: %t; PerEntry: %t", p.Name, ok, p.PerEntry)
		}
		if !ok {
			continue
		}
		e.SetFor(key(1), value(1), time.Second)
		w.Set(key(2), value(2))
		c.Settle()
		workers[p.Name], all[p.Name] = w, w
	}
	gone(t, workers)
	for name, w := range all {
		if w.Get(key(2)) == nil {
			t.Errorf("%s: an entry with a TTL of 1 h is gone", name)
		}
	}
}

func TestKeepsToItsBound(t *testing.T) {
	s := sizing(time.Hour)
	s.Bounded, s.Inline = true, true
	each(t, s, func(t *testing.T, p Peer, c Cache, w Worker) {
		if !p.Evicts {
			return
		}
		for i := range 10 * entries {
			w.Set(key(i), value(i))
		}
		c.Settle()
		if n := c.Len(); n < entries/2 || n > entries+entries/10 {
			t.Errorf("Len: %d, want about %d", n, entries)
		}
	})
}

func TestNames(t *testing.T) {
	for _, p := range All() {
		if got, ok := ByName(p.Name); !ok || got.Name != p.Name {
			t.Errorf("ByName(%q): %q, %t", p.Name, got.Name, ok)
		}
		if !p.Yardstick && (p.Module == "" || p.Config == "" || !p.Larder && p.Beyond == "") {
			t.Errorf("%s: Module, Config and Beyond must say something", p.Name)
		}
	}
}
