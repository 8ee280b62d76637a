package memory

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/race"
)

func TestMaxEntries(t *testing.T) {
	if race.Enabled {
		t.Skip(race.Left)
	}
	for _, bound := range []int64{1, 2, 3, 10, 100, 5000, 9_000} {
		s := newDriver(Config{MaxEntries: bound})
		for i := range 2 * bound {
			k := fmt.Sprint("k", i)
			s.mustSet(t, k, "v", 0)
			s.wantGet(t, k, "v")
			if bound > 100 && i%100 > 0 {
				continue
			}
			if st := s.stats(); st.Entries > uint64(bound) {
				t.Fatalf("bound %d: %+v", bound, st)
			}
		}
		st := s.stats()
		if st.Entries < uint64(bound)*95/100 || st.EvictionsByCount != uint64(2*bound)-st.Entries || st.EvictionsBySize != 0 {
			t.Errorf("bound %d: %+v", bound, st)
		}
		s.consistent(t)
	}
}

func TestMaxBytes(t *testing.T) {
	if race.Enabled {
		t.Skip(race.Left)
	}
	for name, length := range map[string]func() int{
		"1":        func() int { return 1 },
		"100":      func() int { return 100 },
		"3000":     func() int { return 3000 },
		"40 KiB":   func() int { return 40 << 10 },
		"all":      func() int { return 1 << rand.IntN(19) },
		"1 and 1M": func() int { return 1 + rand.IntN(500)/499<<19 },
	} {
		for _, bound := range []int64{3 << 20, 33 << 20} {
			if bound > 3<<20 && name != "40 KiB" && name != "all" {
				continue // too many stores
			}
			s := newDriver(Config{MaxBytes: bound})
			written := int64(0)
			useful := int64(0)
			held := map[string]int{}
			for i := 0; written < 2*bound && i < 25_000; i++ {
				k := fmt.Sprint("k", rand.IntN(1_000_000))
				v := make([]byte, length())
				if err := s.Store(ctx, driver.Set, driver.Entry{Key: k, Value: v}); err != nil {
					t.Fatalf("%s: %d bytes: %v", name, len(v), err)
				}
				held[k] = len(v)
				written += int64(len(v) + len(k))
				if i%250 == 0 {
					if st := s.stats(); st.Bytes > uint64(bound) {
						t.Fatalf("%s: bound %d: %+v", name, bound, st)
					}
				}
			}
			s.consistent(t)
			for k, n := range held {
				if v, err := s.Get(ctx, k); err == nil {
					useful += int64(len(k) + n + headerSize)
					if len(v) != n {
						t.Fatalf("%s: %d bytes, want %d", k, len(v), n)
					}
				}
			}
			st := s.stats()
			t.Logf("%s: bound %d: %.2f useful, %.2f counted, %d evicted", name, bound, float64(useful)/float64(bound), float64(st.Bytes)/float64(bound), st.EvictionsBySize)
			if st.EvictionsBySize > 0 && useful < bound*6/10 && name != "1" {
				t.Errorf("%s: of %d bytes only %d hold entries", name, bound, useful)
			}
		}
	}
}

// Hit ratios, per mille, on traces that break simple policies. The bounds are a little
// under what is reached; without the ghost list all but the loop are below them, and the
// loop is with plain S3-FIFO. A bound on bytes with room for as many entries must reach the same.
func TestHitRatio(t *testing.T) {
	if race.Enabled {
		t.Skip(race.Left)
	}
	const size, length = 2000, 60_000
	r := rand.New(rand.NewPCG(1, 2))
	zipf := rand.NewZipf(r, 1.01, 1, 10*size)
	entries := Config{MaxEntries: size}
	loop := func(i int) int { return i % (size * 3 / 2) }
	for name, c := range map[string]struct {
		config Config
		least  int
		key    func(i int) int
	}{
		"zipf": {entries, 720, func(int) int { return int(zipf.Uint64()) }},
		"scan": {entries, 460, func(i int) int {
			if i%2 == 0 {
				return 1<<20 + i
			}
			return r.IntN(size / 2)
		}},
		"loop":             {entries, 600, loop},
		"loop, with bytes": {Config{MaxBytes: size * 266}, 600, loop}, // room for as many
		"shift": {entries, 480, func(i int) int {
			if r.IntN(5) == 0 {
				return 1<<20 + r.IntN(20*size)
			}
			return i/(4*size)*size + r.IntN(size/2)
		}},
	} {
		s := newDriver(c.config)
		value := strings.Repeat("v", 200)
		hits := 0
		for i := range length {
			k := fmt.Sprint(c.key(i))
			if _, err := s.Get(ctx, k); err == nil {
				hits++
			} else {
				s.mustSet(t, k, value, 0)
			}
		}
		ratio := hits * 1000 / length
		t.Logf("%s: %d per mille, %d entries", name, ratio, s.stats().Entries)
		if ratio < c.least {
			t.Errorf("%s: %d of %d hit, want %d per mille", name, hits, length, c.least)
		}
		s.consistent(t)
	}
}
