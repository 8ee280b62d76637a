package soak

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/drivers/gomemcache"
	_ "github.com/larder-go/larder/drivers/ketama"
	_ "github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/memory"
)

// orders are the parameters of a worker.
type orders struct {
	Table      string // the file
	Worker     int    // its number
	Seed       uint64
	Goroutines int // of each workload
	Good       string
	Lossy      string // DSNs
	LossyLong  string // of the longer list
}

// work does all workloads until the test is over, and writes a map of reports.
func work(o orders, out io.Writer) error {
	t, err := openTable(o.Table)
	if err != nil {
		return err
	}
	open := func(source, prefix string) *cache.Cache {
		var c *cache.Cache
		if err == nil {
			c, err = cache.Open(source)
		}
		if err != nil {
			return nil
		}
		return c.WithPrefix(prefix)
	}
	good := lists{table: t, worker: o.Worker, short: open(o.Good, "w/")}
	goodTags := lists{table: t, worker: o.Worker, short: open(o.Good, "t/")}
	lossy := lists{table: t, worker: o.Worker, short: open(o.Lossy, "w/"), long: open(o.LossyLong, "w/")}
	lossyTags := lists{table: t, worker: o.Worker, short: open(o.Lossy, "t/"), long: open(o.LossyLong, "t/")}
	lossySwaps := lists{table: t, worker: o.Worker, short: open(o.Lossy, "s/")}
	if err != nil {
		return err
	}

	all := map[string]*workload{}
	add := func(name string, row, pages int, lossy bool) *workload {
		w := &workload{table: t, rows: &t.rows[row], pages: pages, lossy: lossy, faultUntil: &t.slowUntil}
		if lossy {
			w.faultUntil = &t.faultUntil
		}
		all[name] = w
		return w
	}
	// One bound is for entries and one for bytes, and the smallest of all is for both.
	configs := []memory.Config{{MaxEntries: 200}, {MaxBytes: 256 << 10}, {MaxEntries: 1}, {MaxBytes: memory.MinMaxBytes}}
	m, err := memory.New(configs[o.Worker%len(configs)])
	if err != nil {
		return err
	}
	local := lists{table: t, worker: o.Worker, short: m}
	_, err1 := newWires(add("memory", workloads+o.Worker, 1000, false), &local)
	_, err2 := newWires(add("wires", 0, 2000, false), &good)
	_, err3 := newTags(add("tags", 1, 2000, false), &goodTags)
	_, err4 := newWires(add("lossy-wires", 2, rows, true), &lossy)
	_, err5 := newTags(add("lossy-tags", 3, rows, true), &lossyTags)
	newSwaps(add("swaps", 4, 1, true), &lossySwaps, o.Goroutines)
	for _, err := range []error{err1, err2, err3, err4, err5} {
		if err != nil {
			return err
		}
	}

	var wg sync.WaitGroup
	for name, w := range all {
		for g := range o.Goroutines {
			r := rand.New(rand.NewPCG(o.Seed, uint64(o.Worker*1000+g*10+len(name))))
			wg.Go(func() { w.run(r, g) })
		}
	}
	wg.Wait()
	reports := map[string]report{}
	for name, w := range all {
		w.mu.Lock()
		for i := range w.Wrong {
			w.Wrong[i] = fmt.Sprint("worker ", o.Worker, ": ", w.Wrong[i])
		}
		reports[name] = w.report
		w.mu.Unlock()
	}
	return json.NewEncoder(out).Encode(reports)
}
