package membench

import (
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

const (
	smallEntries = 10_000
	largeEntries = 1_000_000
	valueSize    = 128
	longTTL      = 10 * time.Minute
	chunk        = 256 // operations between two looks at the clock
	zipfS        = 1.01
)

// Timing is one row of the speed part.
type Timing struct {
	Row     string
	Ns      float64 // per operation, of all workers together; the median of the windows
	Least   float64 // of the windows
	Allocs  float64 // per operation
	Garbage float64 // bytes allocated per operation
	Hits    float64 // part of the gets that found something; -1 without gets
	Others  float64 // part of the processors that the rest of the machine used
}

// stream is the work of one goroutine. It is written to with every operation, so no
// two may share a cache line: each would wait for the other's, however good the cache.
type stream struct {
	_      [128]byte
	w      peers.Worker
	keys   workload.Sequence
	values [][]byte
	count  peers.Counters
	pos    int
	sum    int // of bytes read, so that reading cannot be left out
	gets   int
	hits   int
	_      [128]byte
}

// next returns the position of the next chunk of keys.
func (s *stream) next() int {
	if s.pos+chunk > s.keys.Len() {
		s.pos = 0
	}
	i := s.pos
	s.pos += chunk
	return i
}

func (s *stream) get(key string) {
	s.gets++
	if v := s.w.Get(key); v != nil {
		s.hits++
		s.sum += int(v[0])
	}
}

func gets(s *stream) {
	from := s.next()
	for i := from; i < from+chunk; i++ {
		s.get(s.keys.At(i))
	}
}

func sets(s *stream) {
	from := s.next()
	for i := from; i < from+chunk; i++ {
		s.w.Set(s.keys.At(i), s.values[i%len(s.values)])
	}
}

// mixed sets each key whose position is a multiple of every, and gets the others.
func mixed(every int) func(*stream) {
	return func(s *stream) {
		from := s.next()
		for i := from; i < from+chunk; i++ {
			if i%every == 0 {
				s.w.Set(s.keys.At(i), s.values[i%len(s.values)])
			} else {
				s.get(s.keys.At(i))
			}
		}
	}
}

// getsAndSets gets each key and then sets it, as one that counts or updates by itself.
func getsAndSets(s *stream) {
	from := s.next()
	for i := from; i < from+chunk; i++ {
		key := s.keys.At(i)
		s.get(key)
		s.w.Set(key, s.values[i%len(s.values)])
	}
}

func adds(s *stream) {
	w := s.w.(peers.Adder)
	from := s.next()
	for i := from; i < from+chunk; i++ {
		if w.Add(s.keys.At(i), s.values[i%len(s.values)]) {
			panic("an entry that was there is gone")
		}
	}
}

func addsAndDeletes(s *stream) {
	w := s.w.(peers.Adder)
	from := s.next()
	for i := from; i < from+chunk; i++ {
		key := s.keys.At(i)
		w.Add(key, s.values[i%len(s.values)])
		s.w.Delete(key)
	}
}

func counts(s *stream) {
	from := s.next()
	for i := from; i < from+chunk; i++ {
		s.sum += int(s.count.Incr(s.keys.At(i)))
	}
}

// keySource says which keys a row asks for.
type keySource int

const (
	uniformSmall keySource = iota
	uniformLarge
	zipfLarge
	absentKeys
	oneKey
	absentSmall
)

// speedRow is one row of the speed part.
type speedRow struct {
	Name  string
	Keys  keySource
	Large bool // on the cache of 1M entries
	Adds  bool // needs an Adder
	Count bool // needs Counters
	Write bool // is measured longer: garbage collections come in
	Both  bool // of the parts speed and mixes
	step  func(*stream)
}

var speedRows = []speedRow{
	{Name: "get, 10k", Keys: uniformSmall, step: gets},
	{Name: "get, zipf", Keys: zipfLarge, Large: true, step: gets},
	{Name: "get, uniform", Keys: uniformLarge, Large: true, step: gets},
	{Name: "get, absent", Keys: absentKeys, Large: true, step: gets},
	{Name: "get, absent, 10k", Keys: absentSmall, step: gets},
	{Name: "90/10, 10k", Keys: uniformSmall, Write: true, step: mixed(10)},
	{Name: "50/50, 10k", Keys: uniformSmall, Write: true, step: mixed(2)},
	{Name: "get+set, 10k", Keys: uniformSmall, Write: true, step: getsAndSets},
	{Name: "get+set, 1 key", Keys: oneKey, Write: true, step: getsAndSets},
	{Name: "90/10, zipf", Keys: zipfLarge, Large: true, Write: true, step: mixed(10)},
	{Name: "50/50, zipf", Keys: zipfLarge, Large: true, Write: true, step: mixed(2)},
	{Name: "overwrite, 10k", Keys: uniformSmall, Write: true, Both: true, step: sets},
	{Name: "overwrite, zipf", Keys: zipfLarge, Large: true, Write: true, step: sets},
	{Name: "add, present", Keys: uniformSmall, Adds: true, step: adds},
	{Name: "add+delete", Keys: absentKeys, Large: true, Adds: true, Write: true, step: addsAndDeletes},
	{Name: "increment", Keys: uniformSmall, Count: true, step: counts},
}

// isMix reports whether the row mixes gets and stores on few keys.
func (r speedRow) isMix() bool { return r.Write && !r.Large && r.Keys != absentKeys && !r.Count }

// durations returns how long a row warms up and how long it is measured then. Rows that
// write warm up until what they cost later is paid as well: garbage collections, memory
// that is given back, moving together what lives; and on pages that were touched before,
// as the first touch of a page costs as much as many operations.
func (r speedRow) durations(quick bool) (warmup, d time.Duration) {
	warmup, d = 15*time.Millisecond, 150*time.Millisecond
	if r.Write {
		warmup, d = 600*time.Millisecond, 300*time.Millisecond
	}
	if quick {
		warmup, d = warmup/4, d/3
	}
	return warmup, d
}

func runSpeed(j Job) (any, error) {
	p, err := peer(j.Peer)
	if err != nil {
		return nil, err
	}
	var timings []Timing
	for _, large := range []bool{false, true} {
		if j.Mixes && large {
			continue
		}
		entries, overwrites := smallEntries, 8_000_000
		if large {
			entries = largeEntries
			if j.Quick {
				entries /= 5
			}
		}
		c := p.New(peers.Sizing{
			Entries: entries, KeySize: workload.KeySize, ValueSize: valueSize, Overwrites: overwrites, TTL: longTTL,
		})
		fill(c, entries, valueSize, set)
		keys := drawKeys(j.Seed, entries, large)
		runtime.GC()
		for _, row := range speedRows {
			if row.Large != large {
				continue
			}
			if j.Mixes && !row.isMix() || !j.Mixes && row.isMix() && !row.Both {
				continue
			}
			warmup, d := row.durations(j.Quick)
			if t, ok := timeRow(p, c, row, keys[row.Keys], warmup, d); ok {
				timings = append(timings, t)
			}
		}
		c.Close()
	}
	return timings, nil
}

// drawKeys makes one sequence for each worker.
func drawKeys(seed uint64, entries int, large bool) map[keySource][]workload.Sequence {
	keys := map[keySource][]workload.Sequence{}
	var zipf *workload.Zipf
	if large {
		zipf = workload.NewZipf(entries, zipfS)
	}
	for i := range runtime.GOMAXPROCS(0) {
		r := workload.Rand(seed<<8 + uint64(i))
		draw := func(source keySource, n int, next func() int) {
			keys[source] = append(keys[source], workload.Draw(n, next))
		}
		if !large {
			draw(uniformSmall, 1<<16, workload.Uniform(r, entries))
			draw(absentSmall, 1<<16, workload.Absent(r, entries))
			draw(oneKey, chunk, func() int { return 0 })
			continue
		}
		draw(uniformLarge, 1<<20, workload.Uniform(r, entries))
		draw(zipfLarge, 1<<19, zipf.Draw(r))
		draw(absentKeys, 1<<18, workload.Absent(r, entries))
	}
	return keys
}

// timeRow measures one row for d after a warm-up; false if the implementation cannot do
// it.
func timeRow(p peers.Peer, c peers.Cache, row speedRow, keys []workload.Sequence, warmup, d time.Duration) (Timing, bool) {
	if row.Count && p.NewCounters == nil {
		return Timing{}, false
	}
	var counters peers.Counters
	if row.Count {
		counters = p.NewCounters(smallEntries, longTTL)
		defer counters.Close()
		for id := range smallEntries {
			counters.Incr(workload.Key(id))
		}
	}
	streams := make([]*stream, len(keys))
	for i := range streams {
		w := c.Worker()
		if _, can := w.(peers.Adder); row.Adds && !can {
			return Timing{}, false
		}
		values := workload.Values(workload.Rand(uint64(i)), 1024, valueSize)
		streams[i] = &stream{w: w, keys: keys[i], values: values, count: counters}
	}
	together(streams, row.step, warmup)
	t := measure(streams, row, d)
	for try := 1; t.Others > maxOthers && try < tries; try++ {
		if again := measure(streams, row, d); again.Others < t.Others {
			t = again
		}
	}
	return t, true
}

// A row in which the rest of the machine used more than maxOthers of the processors is
// measured again; the quietest try counts.
const (
	maxOthers = 0.1
	tries     = 2
)

// windows is the number of parts in which a row is measured. The median counts: a disturbance of
// a moment does not reach the figure.
const windows = 5

func measure(streams []*stream, row speedRow, d time.Duration) Timing {
	for _, s := range streams {
		s.gets, s.hits = 0, 0
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	use := usageNow()
	var ns []float64
	ops := 0
	for range windows {
		rate, n := together(streams, row.step, d/windows)
		ns = append(ns, 1e9/rate)
		ops += n
	}
	t := Timing{Row: row.Name, Others: others(use), Hits: -1}
	slices.Sort(ns)
	t.Ns, t.Least = ns[windows/2], ns[0]
	runtime.ReadMemStats(&after)
	t.Allocs = float64(after.Mallocs-before.Mallocs) / float64(ops)
	t.Garbage = float64(after.TotalAlloc-before.TotalAlloc) / float64(ops)
	gets, hits := 0, 0
	for _, s := range streams {
		gets, hits = gets+s.gets, hits+s.hits
		runtime.KeepAlive(s.sum)
	}
	if gets > 0 {
		t.Hits = float64(hits) / float64(gets)
	}
	return t
}

// together runs step on all streams at once for d and returns their operations per
// second, added up, and the number of operations.
func together(streams []*stream, step func(*stream), d time.Duration) (rate float64, ops int) {
	type part struct {
		rate float64
		ops  int
	}
	results := make([]part, len(streams))
	start := make(chan struct{})
	var ready, done sync.WaitGroup
	ready.Add(len(streams))
	for i, s := range streams {
		done.Go(func() {
			ready.Done()
			<-start
			n, began := 0, time.Now()
			for {
				step(s)
				n += chunk
				if passed := time.Since(began); passed >= d {
					results[i] = part{float64(n) / passed.Seconds(), n}
					return
				}
			}
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
	for _, r := range results {
		rate, ops = rate+r.rate, ops+r.ops
	}
	return rate, ops
}
