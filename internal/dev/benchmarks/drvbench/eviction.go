package drvbench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Eviction counts the stale pages of dependencies on a memcached with too little memory.
type Eviction struct {
	MiB     int     // its -m
	Hits    float64 // of reads
	Evicted uint64  // by the server
	Cached  int     // pages that were there before the Deletes
	Stale   int     // of these, that were there afterwards
}

const (
	evictionPages   = 60_000 // of 1 KiB: with their wires some 80 MiB
	evictionGroup   = 4      // pages to a master
	evictionReads   = 400_000
	evictionTTL     = time.Hour
	evictionZipf    = 0.9
	evictionMasters = evictionPages / evictionGroup
)

var evictionSizes = []int{128, 64, 32, 16, 8}

func (r *Results) runEviction(o Options) error {
	for _, mib := range evictionSizes {
		e, err := evict(mib, o.Quick)
		if err != nil {
			return err
		}
		r.Eviction = append(r.Eviction, e)
		fmt.Fprintf(o.Log, "eviction: %+v\n", e)
	}
	return nil
}

// evict reads pages from a server of that size, stores and wires those that it misses,
// deletes every master, and counts what survived.
func evict(mib int, quick bool) (e Eviction, err error) {
	s, err := startServer("-m", strconv.Itoa(mib))
	if err != nil {
		return e, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	c, err := gomemcache.New(gomemcache.Config{Servers: []string{s.addr}})
	if err != nil {
		return e, err
	}
	defer c.Close()
	wires, err := dependency.New(c, evictionTTL)
	if err != nil {
		return e, err
	}
	ctx := context.Background()
	random := workload.Rand(1)
	draw := workload.NewZipf(evictionPages, evictionZipf).Draw(random)
	value := workload.Value(random, 1<<10)
	reads, hits := evictionReads, 0
	if quick {
		reads /= 20
	}
	for range reads {
		page := draw()
		switch _, err := c.Get(ctx, pageKey(page)); {
		case err == nil:
			hits++
			continue
		case !errors.Is(err, cache.ErrMiss):
			return e, err
		}
		if err := c.Set(ctx, pageKey(page), value, evictionTTL); err != nil {
			return e, err
		}
		if err := wires.Add(ctx, masterKey(page/evictionGroup), pageKey(page)); err != nil {
			return e, err
		}
	}
	e = Eviction{MiB: mib, Hits: float64(hits) / float64(reads)}
	if e.Evicted, err = s.evictions(); err != nil {
		return e, err
	}
	if e.Cached, err = cachedPages(ctx, c); err != nil {
		return e, err
	}
	masters := make([]string, evictionMasters)
	for i := range masters {
		masters[i] = masterKey(i)
	}
	if err := wires.DeleteMulti(ctx, masters); err != nil {
		return e, err
	}
	e.Stale, err = cachedPages(ctx, c)
	return e, err
}

func pageKey(i int) string   { return fmt.Sprint("page:", i) }
func masterKey(i int) string { return fmt.Sprint("master:", i, ":") }

func cachedPages(ctx context.Context, c *cache.Cache) (n int, err error) {
	const batch = 1000
	for first := 0; first < evictionPages; first += batch {
		keys := make([]string, batch)
		for i := range keys {
			keys[i] = pageKey(first + i)
		}
		found, err := c.GetMulti(ctx, keys)
		if err != nil {
			return n, err
		}
		n += len(found)
	}
	return n, nil
}

func evictionTable(list []Eviction) string {
	t := report.Table{Head: []string{"memory, MiB (`-m`)", "hits, %", "evictions", "pages cached", "stale after the Deletes", "of these, %"}}
	for _, e := range list {
		t.Add(fmt.Sprint(e.MiB), fmt.Sprintf("%.1f", 100*e.Hits), fmt.Sprint(e.Evicted), fmt.Sprint(e.Cached), fmt.Sprint(e.Stale),
			fmt.Sprintf("%.1f", 100*float64(e.Stale)/float64(max(1, e.Cached))))
	}
	return t.String()
}
