package membench

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Beside is a cache in a process that keeps 1 GB of other objects: what garbage
// collections cost there, and what they do to the cache.
type Beside struct {
	Steady     []Steady // one for each of the collectors
	FullGC     float64  // part of the processors, with nine gets to one store at full rate
	FullNs     float64  // per operation then
	FullLongMs float64  // the longest store then
}

// Steady is a process that makes 20 MB/s of stores, nine gets to each, and 100 MB/s of other
// garbage.
type Steady struct {
	GC          float64 // part of the processors
	Collections int
	LongestMs   float64 // of the stores
}

// collectors are settings of the garbage collector, and how long each is measured: with the
// first, a collection comes after a GB of garbage.
var collectors = []struct {
	Name    string
	percent int
	limit   int64 // of a process with besideObjects
	length  time.Duration
}{
	{"GOGC=100", 100, math.MaxInt64, 16 * time.Second},
	{"GOGC=50", 50, math.MaxInt64, 8 * time.Second},
	{"GOGC=off GOMEMLIMIT=1700MiB", -1, 1700 << 20, 8 * time.Second},
}

const (
	besideObjects = 1 << 30 / besideSize
	besideSize    = 64
	besideEntries = 60_000
	besideValue   = 1 << 10
	besideKeys    = 4 * besideEntries
	besideRate    = 20_000  // stores a second
	besideGarbage = 5 << 10 // bytes for each of them
	besideFull    = 4 * time.Second
)

// object is like those of which applications have many: small, and full of pointers.
type object struct {
	left, right *object
	_           [besideSize - 16]byte
}

func runBeside(j Job) (any, error) {
	p, err := peer(j.Peer)
	if err != nil {
		return nil, err
	}
	objects, part := besideObjects, 1
	if j.Quick {
		objects, part = objects/8, 8
	}
	others := make([]*object, objects)
	for i := range others {
		others[i] = &object{left: others[i/2], right: others[i/3]}
	}
	c := p.New(peers.Sizing{Entries: besideEntries, Bounded: true, KeySize: workload.KeySize, ValueSize: besideValue, TTL: longTTL})
	defer c.Close()
	r := workload.Rand(j.Seed)
	keys := workload.Draw(1<<20, workload.Uniform(r, besideKeys))
	values := workload.Values(r, 1024, besideValue)
	w := c.Worker()
	for i := range besideKeys {
		w.Set(keys.At(i), values[i%len(values)])
	}
	runtime.GC()

	var b Beside
	for _, of := range collectors {
		debug.SetGCPercent(of.percent)
		debug.SetMemoryLimit(of.limit / int64(part))
		runtime.GC()
		b.Steady = append(b.Steady, steady(w, keys, values, of.length/time.Duration(part)))
	}
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(math.MaxInt64)
	runtime.GC()

	gc, began := gcTime(), time.Now()
	ops := 0
	for ; ops%chunk != 0 || time.Since(began) < besideFull/time.Duration(part); ops++ {
		key := keys.At(ops % keys.Len())
		if ops%10 == 0 {
			b.FullLongMs = max(b.FullLongMs, timedSet(w, key, values[ops%len(values)]))
		} else {
			w.Get(key)
		}
	}
	took := time.Since(began).Seconds()
	b.FullNs = took * 1e9 / float64(ops)
	b.FullGC = (gcTime() - gc) / (took * float64(runtime.GOMAXPROCS(0)))
	runtime.KeepAlive(others)
	return b, nil
}

// steady runs the process at its rate for so long.
func steady(w peers.Worker, keys workload.Sequence, values [][]byte, length time.Duration) (s Steady) {
	var before, after debug.GCStats
	debug.ReadGCStats(&before)
	gc, began := gcTime(), time.Now()
	sum, garbage := 0, []*object(nil)
	for i := 0; time.Since(began) < length; i++ {
		if ahead := time.Duration(i)*time.Second/besideRate - time.Since(began); ahead > time.Millisecond {
			time.Sleep(ahead)
		}
		for n := range 9 {
			if v := w.Get(keys.At((i*10 + n) % keys.Len())); v != nil {
				sum += int(v[0])
			}
		}
		garbage = garbage[:0]
		for range besideGarbage / besideSize {
			garbage = append(garbage, new(object))
		}
		value := append([]byte(nil), values[i%len(values)]...) // made by the application
		s.LongestMs = max(s.LongestMs, timedSet(w, keys.At((i*10+9)%keys.Len()), value))
	}
	runtime.KeepAlive(sum)
	s.GC = (gcTime() - gc) / (time.Since(began).Seconds() * float64(runtime.GOMAXPROCS(0)))
	debug.ReadGCStats(&after)
	s.Collections = int(after.NumGC - before.NumGC)
	return s
}

func timedSet(w peers.Worker, key string, value []byte) (ms float64) {
	began := time.Now()
	w.Set(key, value)
	return time.Since(began).Seconds() * 1e3
}

// gcTime is the processor time in seconds that garbage collections took so far.
func gcTime() float64 {
	s := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(s)
	return s[0].Value.Float64()
}
