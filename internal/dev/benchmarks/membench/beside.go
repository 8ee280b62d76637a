package membench

import (
	"runtime"
	"runtime/metrics"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Beside is a cache in a process that keeps 1 GB of other objects: what garbage
// collections cost there, and what they do to the cache.
type Beside struct {
	GC         float64 // part of the processors, with stores of 20 MB/s
	LongestMs  float64 // of these stores
	FullGC     float64 // part of the processors, with nine gets to one store at full rate
	FullNs     float64 // per operation then
	FullLongMs float64 // the longest store then
}

const (
	besideObjects = 1 << 30 / besideSize
	besideSize    = 64
	besideEntries = 60_000
	besideValue   = 1 << 10
	besideKeys    = 4 * besideEntries
	besideRate    = 20_000 // stores a second
	besideTime    = 10 * time.Second
)

// object is what applications have many of: small, and full of pointers.
type object struct {
	left, right *object
	_           [besideSize - 16]byte
}

func runBeside(j Job) (any, error) {
	p, err := peer(j.Peer)
	if err != nil {
		return nil, err
	}
	objects, length := besideObjects, besideTime
	if j.Quick {
		objects, length = objects/8, length/5
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
	gc := gcTime()
	began := time.Now()
	for i := 0; time.Since(began) < length; i++ {
		if ahead := time.Duration(i)*time.Second/besideRate - time.Since(began); ahead > time.Millisecond {
			time.Sleep(ahead)
		}
		value := append([]byte(nil), values[i%len(values)]...) // made by the application
		b.LongestMs = max(b.LongestMs, timedSet(w, keys.At(i%keys.Len()), value))
	}
	b.GC = (gcTime() - gc) / (time.Since(began).Seconds() * float64(runtime.GOMAXPROCS(0)))

	gc = gcTime()
	began = time.Now()
	ops := 0
	for ; ops%chunk != 0 || time.Since(began) < length/2; ops++ {
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
