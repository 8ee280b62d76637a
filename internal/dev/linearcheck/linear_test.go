package linearcheck

import (
	"errors"
	"flag"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

const (
	goroutines = 4
	calls      = 400 // of each goroutine, in a round
)

// long checks many histories: go test -race . -args -long
var long = flag.Bool("long", false, "check twenty times as many histories")

// many returns the number of rounds of which a short run makes n.
func many(n int) int {
	if *long {
		n *= 20
	}
	return n
}

// The calls that several goroutines make on a key are as if they had been made one after
// the other, each at some time between its beginning and its end.
func TestLinear(t *testing.T) {
	made := map[cache.Op]int{}
	for name, c := range map[string]memory.Config{
		"unbounded": {},
		"expiring":  {BucketInterval: time.Millisecond, Buckets: 4},
		"entries":   {MaxEntries: 12},
		"bytes":     {MaxBytes: memory.MinMaxBytes},
	} {
		t.Run(name, func(t *testing.T) {
			bounded := c.MaxBytes+c.MaxEntries > 0
			for round := range many(15) {
				m, err := memory.New(c)
				if err != nil {
					t.Fatal(err)
				}
				history := run(m, round, 300*time.Microsecond)
				if err := m.Close(); err != nil {
					t.Error(err)
				}
				for _, o := range history {
					if o.Output.(result).err == nil {
						made[o.Input.(call).op]++
					}
				}
				check(t, model(bounded, 0), round, history)
			}
		})
	}
	for _, op := range []cache.Op{
		cache.OpSet, cache.OpAdd, cache.OpReplace, cache.OpDelete, cache.OpGet, cache.OpGetItem, cache.OpTouch, cache.OpGetAndTouch,
		cache.OpIncrement, cache.OpDecrement, cache.OpCompareAndSwap, cache.OpCompareAndDelete,
	} {
		if made[op] < 100 {
			t.Errorf("%v succeeded %d times, want 100 or more", op, made[op])
		}
	}
}

// check looks for an order that explains a history.
func check(t *testing.T, m porcupine.Model, round int, history []porcupine.Operation) {
	t.Helper()
	if got := porcupine.CheckOperationsTimeout(m, history, 20*time.Second); got != porcupine.Ok {
		t.Fatalf("round %d, which is the seed: %d operations: %s\n%s", round, len(history), got, explain(m, history))
	}
}

// run lets several workers call m, with TTLs up to the longest, and returns the history of
// all. The workers are distributed over m and others that have the same entries.
func run(m *cache.Cache, round int, longest time.Duration, others ...*cache.Cache) (all []porcupine.Operation) {
	workers := make([]*worker, goroutines)
	caches := append(others, m)
	base := time.Now()
	var wg sync.WaitGroup
	for id := range workers {
		w := &worker{
			id: id, cache: caches[id%len(caches)], rand: rand.New(rand.NewPCG(uint64(round), uint64(id))), keys: 4 + round%3*10,
			base: base, longest: longest, items: map[string]cache.Item{},
		}
		workers[id] = w
		wg.Go(func() {
			for i := range calls {
				w.step(i)
			}
		})
	}
	wg.Wait()
	for _, w := range workers {
		all = append(all, w.history...)
	}
	return all
}

// A test of the test: the checker finds histories that no order explains, and accepts those
// that one does.
func TestChecker(t *testing.T) {
	op := func(began, end int64, c call, value string, err error) porcupine.Operation {
		c.key = "k"
		return porcupine.Operation{Input: c, Call: began, Return: end, Output: result{value: value, err: err, began: began, end: end}}
	}
	item := func(began, end int64, value string, left time.Duration) porcupine.Operation {
		o := op(began, end, call{op: cache.OpGetItem}, value, nil)
		r := o.Output.(result)
		r.left = left
		o.Output = r
		return o
	}
	set := func(began, end int64, value string, ttl time.Duration) porcupine.Operation {
		return op(began, end, call{op: cache.OpSet, value: value, ttl: ttl}, "", nil)
	}
	swap := func(began, end int64, old, value string, err error) porcupine.Operation {
		return op(began, end, call{op: cache.OpCompareAndSwap, old: old, value: value}, "", err)
	}
	up := func(began, end int64, value string) porcupine.Operation {
		return op(began, end, call{op: cache.OpIncrement, delta: 1}, value, nil)
	}
	touch := func(began, end int64, ttl time.Duration, err error) porcupine.Operation {
		return op(began, end, call{op: cache.OpTouch, ttl: ttl}, "", err)
	}
	gat := func(began, end int64, ttl time.Duration, value string) porcupine.Operation {
		return op(began, end, call{op: cache.OpGetAndTouch, ttl: ttl}, value, nil)
	}
	get := func(began, end int64, value string, err error) porcupine.Operation {
		return op(began, end, call{op: cache.OpGet}, value, err)
	}
	const hour = time.Hour
	for name, v := range map[string]struct {
		want    porcupine.CheckResult
		history []porcupine.Operation
	}{
		"stale":         {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", 0), set(2, 3, "b", 0), get(4, 5, "a", nil)}},
		"not stale":     {porcupine.Ok, []porcupine.Operation{set(0, 1, "a", 0), set(2, 6, "b", 0), get(4, 5, "a", nil)}},
		"expired":       {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", 5), get(7, 8, "a", nil)}},
		"lost":          {porcupine.Illegal, []porcupine.Operation{set(0, 1, "1", 0), up(2, 3, "2"), up(2, 3, "2")}},
		"counted":       {porcupine.Ok, []porcupine.Operation{set(0, 1, "1", 0), up(2, 3, "3"), up(2, 3, "2")}},
		"swapped twice": {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", 0), swap(2, 5, "a", "b", nil), swap(2, 5, "a", "c", nil)}},
		"back after its expiry": {porcupine.Illegal, []porcupine.Operation{
			set(0, 1, "a", 5), get(2, 6, "", cache.ErrMiss), op(7, 8, call{op: cache.OpReplace, value: "b"}, "", nil),
		}},
		"a conflict without a change": {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", 0), swap(2, 3, "a", "b", cache.ErrConflict)}},
		"a conflict after a touch":    {porcupine.Ok, []porcupine.Operation{set(0, 1, "a", 0), touch(2, 3, 0, nil), swap(4, 5, "a", "b", cache.ErrConflict)}},
		"a touch without effect":      {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", 5), touch(2, 3, 0, nil), get(8, 9, "", cache.ErrMiss)}},
		"a touch that expires":        {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", 0), touch(2, 3, 2, nil), get(8, 9, "a", nil)}},
		"a touch of nothing":          {porcupine.Illegal, []porcupine.Operation{touch(2, 3, 0, nil)}},
		"a touch that misses":         {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", 0), touch(2, 3, 0, cache.ErrMiss)}},
		"a touch that brings back":    {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", 0), touch(2, 6, 0, nil), set(3, 4, "b", 0), get(7, 8, "a", nil)}},
		"another item is touched": {porcupine.Illegal, []porcupine.Operation{
			set(0, 1, "a", 0), gat(2, 6, 0, "a"), set(3, 4, "b", 2), get(20, 21, "b", nil),
		}},
		"an item is touched":   {porcupine.Ok, []porcupine.Operation{set(0, 1, "a", 0), gat(2, 6, 0, "b"), set(3, 4, "b", 2), get(20, 21, "b", nil)}},
		"a TTL of no expiry":   {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", 0), item(2, 3, "a", hour)}},
		"no TTL of an expiry":  {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", hour), item(2, 3, "a", 0)}},
		"a TTL too long":       {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", hour), item(2, 3, "a", hour+2)}},
		"a TTL":                {porcupine.Ok, []porcupine.Operation{set(0, 1, "a", hour), item(2, 3, "a", hour-2)}},
		"a TTL after a touch":  {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", hour), touch(2, 3, 0, nil), item(4, 5, "a", hour)}},
		"added over an item":   {porcupine.Illegal, []porcupine.Operation{set(0, 1, "a", 0), op(2, 3, call{op: cache.OpAdd, value: "b"}, "", nil)}},
		"another error":        {porcupine.Illegal, []porcupine.Operation{op(0, 1, call{op: cache.OpSet}, "", errors.New("other"))}},
		"an unknown operation": {porcupine.Illegal, []porcupine.Operation{op(0, 1, call{op: cache.OpFlush}, "", nil)}},
	} {
		if got := porcupine.CheckOperationsTimeout(model(false, 0), v.history, time.Second); got != v.want {
			t.Errorf("%s: the checker returned %s, want %s", name, got, v.want)
		}
	}
}

// What is printed about a history that no order explains is the calls that show it.
func TestExplain(t *testing.T) {
	op := func(began, end int64, key string, op cache.Op, value string, r result) porcupine.Operation {
		r.began, r.end = began, end
		return porcupine.Operation{Input: call{op: op, key: key, value: value}, Call: began, Return: end, Output: r}
	}
	got := explain(model(false, 0), []porcupine.Operation{
		op(8, 9, "k", cache.OpGetItem, "", result{value: "c"}), // too late
		op(0, 1, "k", cache.OpSet, "a", result{}),
		op(1, 1, "other", cache.OpSet, "a", result{}),
		op(2, 3, "k", cache.OpSet, "b", result{}),
		op(4, 5, "k", cache.OpSet, "c", result{}),
		op(5, 7, "k", cache.OpGet, "", result{value: "c"}),
		op(6, 7, "k", cache.OpGet, "", result{value: "b"}),
	})
	const want = `no order explains the calls of k:
  2ns to 3ns, worker 0: set k, to "b", TTL 0s: "", TTL 0s, <nil>
  4ns to 5ns, worker 0: set k, to "c", TTL 0s: "", TTL 0s, <nil>
  5ns to 7ns, worker 0: get k: "c", TTL 0s, <nil>
  6ns to 7ns, worker 0: get k: "b", TTL 0s, <nil>
`
	if got != want {
		t.Errorf("explain returned\n%s\nwant\n%s", got, want)
	}
}
