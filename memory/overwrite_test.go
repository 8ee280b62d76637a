package memory

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/internal/race"
)

func TestGrowAndShrink(t *testing.T) {
	if race.Enabled {
		t.Skip(race.Left)
	}
	synctest.Test(t, growAndShrink)
}

func growAndShrink(t *testing.T) {
	s := newDriver(Config{})
	const n = 20_000
	for i := range n {
		s.mustSet(t, fmt.Sprint("k", i), fmt.Sprint("v", i), 0)
	}
	for i := range n {
		s.wantGet(t, fmt.Sprint("k", i), fmt.Sprint("v", i))
	}
	full := s.stats()
	if full.Entries != n || full.Bytes > n*(30+16+16) {
		t.Errorf("full: %+v", full)
	}
	for i := range n {
		if i%100 == 0 {
			continue
		}
		if err := s.Delete(ctx, fmt.Sprint("k", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		if i%100 == 0 {
			s.wantGet(t, fmt.Sprint("k", i), fmt.Sprint("v", i))
		} else {
			s.wantMiss(t, fmt.Sprint("k", i))
		}
	}
	// The sweep that goes with stores, to whatever key, moves records together as well.
	for range 200 {
		time.Sleep(DefaultBucketInterval / DefaultBuckets)
		s.mustSet(t, "one", "key", 0)
	}
	if st := s.stats(); st.Entries != n/100+1 || st.Bytes > full.Bytes/5 {
		t.Errorf("after deleting 99%% of %+v: %+v", full, st)
	}
}

func TestOverwritingTakesNoMemory(t *testing.T) {
	for _, read := range []bool{false, true} {
		s := newDriver(Config{})
		n := 10_000
		for i := range n {
			s.mustSet(t, "key", fmt.Sprint("value", i), time.Hour)
			if read {
				s.wantGet(t, "key", fmt.Sprint("value", i))
			}
		}
		if st := s.stats(); st.Entries != 1 || st.Bytes > 32<<10 {
			t.Errorf("read between: %v: %+v after %d stores", read, st, n)
		}
	}
}

// Records that were read cannot be overwritten in place, so the old ones stay until their
// slab is compacted: an unbounded cache takes at most three times the bytes of its live
// entries, and a large one twice and some MiB; a cache that has filled three quarters of
// MaxBytes takes 1.5 times, and evicts nothing.
func TestOverwritingManyKeys(t *testing.T) {
	if race.Enabled {
		t.Skip(race.Left)
	}
	for name, c := range map[string]struct {
		config Config
		most   float64 // bytes after overwriting to bytes before
	}{
		"unbounded": {Config{}, 3.25},
		"MaxBytes":  {Config{MaxBytes: 15 << 20}, 3.25},
		"tight":     {Config{MaxBytes: 1100 << 10}, 1.5},
	} {
		t.Run(name, func(t *testing.T) {
			s := newDriver(c.config)
			s.nextLook.Store(math.MaxInt64) // the sweep would compact as well
			const n = 6_000
			value := strings.Repeat("v", 100)
			r := rand.New(rand.NewPCG(1, 1))
			store := func(i int) {
				k := fmt.Sprint("k", i)
				s.mustSet(t, k, value, 0)
				s.wantGet(t, k, value)
			}
			for i := range n {
				store(i)
			}
			full := s.stats()
			for range 4 * n {
				store(r.IntN(n))
			}
			st := s.stats()
			if got := float64(st.Bytes) / float64(full.Bytes); got > c.most || st.EvictionsBySize > 0 {
				t.Errorf("%.2f times the bytes after overwriting, want at most %v: before %+v, after %+v", got, c.most, full, st)
			}
			s.consistent(t)
		})
	}
}

// The path of shard.overwrite: as long as nobody reads, a key stays where it is.
func TestOverwriteInPlace(t *testing.T) {
	s := newDriver(Config{})
	s.mustSet(t, "k", "0000", 0)
	sh := s.shard(s.hash("k"))
	used := sh.log.main.head.used
	for i := range 1000 {
		s.mustSet(t, "k", fmt.Sprint(1000+i), 0)
		if _, err := s.Increment(ctx, "k", 1); err != nil {
			t.Fatal(err)
		}
	}
	if sh.log.main.head.used != used {
		t.Errorf("%d bytes used before, %d after", used, sh.log.main.head.used)
	}
	v, _ := s.Get(ctx, "k")
	s.mustSet(t, "k", "3000", 0)
	if sh.log.main.head.used == used || string(v) != "2000" {
		t.Errorf("overwritten in place after a get: %q", v)
	}
}
