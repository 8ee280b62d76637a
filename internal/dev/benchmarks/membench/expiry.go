package membench

import (
	"math"
	"runtime"
	"slices"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Expiry measures traffic while a million entries expire together.
type Expiry struct {
	FullMiB     float64 // of heap, with all entries
	ReleasedMs  float64 // after the last deadline, until less than a fifth of that is left; -1: not within the watch
	LeftPercent float64 // of the heap at the end of the watch
	BeforeMaxMs float64 // the slowest operation before anything expired
	AfterMaxMs  float64 // and from the deadline on
	AfterP999Us float64
}

const (
	expiryTTL    = 5 * time.Second
	expiryWatch  = 5 * time.Second // after the deadline
	quickExpiry  = 2 * time.Second // instead of both
	sampleEvery  = 100 * time.Millisecond
	burst        = 100 // operations between two pauses
	pause        = time.Millisecond
	releasedPart = 0.2
)

func runExpiry(j Job) (any, error) {
	p, err := peer(j.Peer)
	if err != nil {
		return nil, err
	}
	entries, lifetime, watch := largeEntries, expiryTTL, expiryWatch
	if j.Quick {
		entries, lifetime, watch = entries/5, quickExpiry, quickExpiry
	}
	requests := drawExpiry(entries)
	runtime.GC()
	empty := heapNow()
	c := p.New(peers.Sizing{
		Entries: entries + smallEntries, KeySize: workload.KeySize, ValueSize: valueSize,
		Overwrites: 1_000_000, TTL: lifetime,
	})
	began := time.Now()
	fill(c, entries, valueSize, func(w peers.Worker, key string, value []byte) {
		if e, ok := w.(peers.Expirer); ok {
			e.SetFor(key, value, max(time.Millisecond, time.Until(began.Add(lifetime))))
		} else {
			w.Set(key, value)
		}
	})
	deadline := time.Now().Add(lifetime)
	if _, ok := c.Worker().(peers.Expirer); ok {
		deadline = began.Add(lifetime)
	}
	runtime.GC()
	full := heapNow() - empty
	result := Expiry{FullMiB: full / (1 << 20), ReleasedMs: -1}

	stop := make(chan struct{})
	heaps := make(chan heapSample, 1000)
	go watchHeap(stop, heaps)
	// The first entries of a cache with one TTL for all expire as early as this.
	early := began.Add(lifetime - 100*time.Millisecond)
	result.traffic(c, requests, early, deadline.Add(watch))
	close(stop)
	for s := range heaps {
		part := (s.bytes - empty) / full
		if s.at.After(deadline) && part < releasedPart && result.ReleasedMs < 0 {
			result.ReleasedMs = s.at.Sub(deadline).Seconds() * 1e3
		}
		result.LeftPercent = part * 100
	}
	c.Close()
	return result, nil
}

type heapSample struct {
	at    time.Time
	bytes float64
}

// watchHeap collects garbage and reads the heap again and again.
func watchHeap(stop <-chan struct{}, samples chan<- heapSample) {
	defer close(samples)
	tick := time.NewTicker(sampleEvery)
	defer tick.Stop()
	for {
		runtime.GC()
		samples <- heapSample{time.Now(), heapNow()}
		select {
		case <-stop:
			return
		case <-tick.C:
		}
	}
}

func heapNow() float64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}

// expiryRequests are the keys and the value of the traffic, made before the heap is
// measured.
type expiryRequests struct {
	expiring workload.Sequence
	others   []string
	value    []byte
}

func drawExpiry(entries int) expiryRequests {
	r := workload.Rand(3)
	requests := expiryRequests{
		expiring: workload.Draw(1<<18, workload.Uniform(r, entries)),
		others:   make([]string, smallEntries),
		value:    workload.Value(r, valueSize),
	}
	for i := range requests.others {
		requests.others[i] = workload.Key(entries + i)
	}
	return requests
}

// traffic gets keys of those that expire and sets others, about 90,000 a second, and
// times each operation, until end. Operations before early are counted as the time before the expiry.
func (e *Expiry) traffic(c peers.Cache, keys expiryRequests, early, end time.Time) {
	w := c.Worker()
	var slow []time.Duration
	after := 0
	for i := 0; ; {
		for range burst {
			t := time.Now()
			if i%2 == 0 {
				w.Get(keys.expiring.At(i % keys.expiring.Len()))
			} else {
				w.Set(keys.others[i%len(keys.others)], keys.value)
			}
			now := time.Now()
			took := now.Sub(t)
			if now.Before(early) {
				e.BeforeMaxMs = max(e.BeforeMaxMs, took.Seconds()*1e3)
			} else {
				after++
				if took > time.Microsecond {
					slow = append(slow, took)
				}
			}
			i++
		}
		if time.Now().After(end) {
			break
		}
		time.Sleep(pause)
	}
	e.AfterMaxMs, e.AfterP999Us = top(slow, after)
}

// top returns the longest time in ms and the 99.9th percentile in µs of n operations,
// of which slow are those over 1 µs.
func top(slow []time.Duration, n int) (maxMs, p999Us float64) {
	if len(slow) == 0 {
		return 0, 0
	}
	slices.Sort(slow)
	maxMs = slow[len(slow)-1].Seconds() * 1e3
	behind := int(math.Ceil(float64(n) / 1000))
	if behind > len(slow) {
		return maxMs, 1
	}
	return maxMs, slow[len(slow)-behind].Seconds() * 1e6
}
