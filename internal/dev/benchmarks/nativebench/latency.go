package nativebench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Latency is the time of calls of one kind, in µs, in each round.
type Latency struct {
	What, Client string
	P50, P99     report.Sample
	P999         report.Sample
}

// quantile returns the value below which that part of the durations is, in µs. It sorts them.
func quantile(all []time.Duration, q float64) float64 {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return float64(all[min(len(all)-1, int(q*float64(len(all))))].Nanoseconds()) / 1e3
}

func (l *Latency) add(all []time.Duration) {
	l.P50 = append(l.P50, quantile(all, 0.5))
	l.P99 = append(l.P99, quantile(all, 0.99))
	l.P999 = append(l.P999, quantile(all, 0.999))
}

const largeSize = 256 << 10

// runLatency measures single gets: beside batches, beside large values, and in an open loop.
func (r *Results) runLatency(o Options) (err error) {
	rounds, d := 5, 1500*time.Millisecond
	if o.Quick {
		rounds, d = 1, 200*time.Millisecond
	}
	s, err := startServers("unix")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	ours, err := newLarder(s.memcached, timeout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.close()) }()
	theirs := newGomemcache(s.memcached)
	defer func() { err = errors.Join(err, theirs.close()) }()

	for _, kind := range []struct {
		what  string
		mixed func(c *client) error // beside the small gets, at once in a hundred calls
		open  bool
		alone bool // one goroutine gets, another does batches
	}{
		{what: "get at 16 goroutines"},
		{what: "the same, 1 % of the calls a get or set of 256 KiB", mixed: func(*client) error { return nil }},
		{what: "get of one goroutine beside batches of 1,000", alone: true},
		{what: "get, open loop at 60 % of gomemcache's maximum", open: true},
	} {
		lat := map[string]*Latency{}
		for _, c := range []*client{ours, theirs} {
			lat[c.name] = &Latency{What: kind.what, Client: c.name}
		}
		rate := 0.0
		if kind.open {
			if rate, err = maximum(theirs, d/2); err != nil {
				return err
			}
			rate *= 0.6
		}
		for round := range rounds {
			for i := range 2 {
				c := []*client{ours, theirs}[(i+round)%2]
				var all []time.Duration
				switch {
				case kind.open:
					all, err = openLoop(c, rate, d)
				case kind.alone:
					all, err = besideBatches(c, d)
				default:
					all, err = smallGets(c, d, kind.mixed != nil)
				}
				if err != nil {
					return fmt.Errorf("%s, %s: %w", kind.what, c.name, err)
				}
				lat[c.name].add(all)
			}
		}
		r.Latency = append(r.Latency, *lat[ours.name], *lat[theirs.name])
	}
	return nil
}

// maximum returns how many gets a second a client does at 64 goroutines.
func maximum(c *client, d time.Duration) (float64, error) {
	var crew []worker
	for range 64 {
		w, err := c.worker()
		if err != nil {
			return 0, err
		}
		crew = append(crew, w)
	}
	t, err := loop(crew, "get", background, d)
	return t.rate, err
}

// together lets n goroutines call f until the time is over, and returns what f returned.
// A negative duration is left out.
func together(c *client, n int, d time.Duration, f func(w worker, g, i int) (time.Duration, error)) ([]time.Duration, error) {
	lists, errs := make([][]time.Duration, n), make([]error, n)
	var stop stopFlag
	var wg sync.WaitGroup
	for g := range n {
		w, err := c.worker()
		if err != nil {
			return nil, err
		}
		wg.Go(func() {
			for i := 0; !stop.isSet() && errs[g] == nil; i++ {
				var took time.Duration
				if took, errs[g] = f(w, g, i); took >= 0 {
					lists[g] = append(lists[g], took)
				}
			}
		})
	}
	time.Sleep(d)
	stop.set()
	wg.Wait()
	return slices.Concat(lists...), errors.Join(errs...)
}

// smallGets measures small gets. If mixed is set, one call of a hundred is of a large value.
func smallGets(c *client, d time.Duration, mixed bool) ([]time.Duration, error) {
	w, err := c.worker()
	if err != nil {
		return nil, err
	}
	keys, err := keysFor(w, "get", workload.Value(workload.Rand(1), valueSize))
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	large := workload.Value(workload.Rand(2), largeSize)
	if err := w.set(ctx, "large", large); err != nil {
		return nil, err
	}
	return together(c, 16, d, func(w worker, g, i int) (time.Duration, error) {
		switch at := i + g*7; {
		case mixed && at%200 == 0:
			return -1, w.get(ctx, "large")
		case mixed && at%200 == 100:
			return -1, w.set(ctx, "large", large)
		}
		began := time.Now()
		err := w.get(ctx, keys[(i+g*7)%len(keys)])
		return time.Since(began), err
	})
}

// besideBatches measures the gets of one goroutine while another does batches.
func besideBatches(c *client, d time.Duration) ([]time.Duration, error) {
	w, err := c.worker()
	if err != nil {
		return nil, err
	}
	keys, err := keysFor(w, "get", workload.Value(workload.Rand(1), valueSize))
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	return together(c, 2, d, func(w worker, g, i int) (time.Duration, error) {
		if g == 0 {
			return -1, w.(interface {
				getMany(ctx context.Context, keys []string) error
			}).getMany(ctx, keys)
		}
		began := time.Now()
		err := w.get(ctx, keys[i%len(keys)])
		return time.Since(began), err
	})
}

func (w larderWorker) getMany(ctx context.Context, keys []string) error {
	_, err := w.c.GetMulti(ctx, keys)
	return err
}

func (w gomemcacheWorker) getMany(_ context.Context, keys []string) error {
	_, err := w.c.GetMulti(keys)
	return err
}

// openLoop makes calls at a fixed rate, by 64 goroutines that take turns, and measures from
// when each was due.
func openLoop(c *client, rate float64, d time.Duration) ([]time.Duration, error) {
	w, err := c.worker()
	if err != nil {
		return nil, err
	}
	keys, err := keysFor(w, "get", workload.Value(workload.Rand(1), valueSize))
	if err != nil {
		return nil, err
	}
	const goroutines = 64
	period := time.Duration(goroutines * float64(time.Second) / rate)
	ctx := context.Background()
	start := time.Now()
	return together(c, goroutines, d, func(w worker, g, i int) (time.Duration, error) {
		due := start.Add(time.Duration(i)*period + period*time.Duration(g)/goroutines)
		time.Sleep(time.Until(due))
		err := w.get(ctx, keys[(i+g*7)%len(keys)])
		return time.Since(due), err
	})
}
