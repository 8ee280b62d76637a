package linearcheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

var ctx = context.Background()

const (
	goroutines = 4
	calls      = 400 // of each goroutine, in a round
	rounds     = 40
)

// TestLinear: whatever goroutines do to a key at once, it is as if they had done it
// one after the other, each at some time between the beginning and the end of its
// call.
func TestLinear(t *testing.T) {
	for name, c := range map[string]memory.Config{
		"unbounded": {},
		"expiring":  {BucketInterval: time.Millisecond, Buckets: 4},
		"entries":   {MaxEntries: 12},
		"bytes":     {MaxBytes: memory.MinMaxBytes},
	} {
		t.Run(name, func(t *testing.T) {
			bounded := c.MaxBytes+c.MaxEntries > 0
			for round := range rounds {
				m, err := memory.New(c)
				if err != nil {
					t.Fatal(err)
				}
				history := run(m, round)
				if err := m.Close(); err != nil {
					t.Error(err)
				}
				if got := porcupine.CheckOperationsTimeout(model(bounded), history, 20*time.Second); got != porcupine.Ok {
					t.Fatalf("round %d: %d operations: %s", round, len(history), got)
				}
			}
		})
	}
}

func run(m *cache.Cache, round int) []porcupine.Operation {
	keys := 4 + round%3*10
	histories := make([][]porcupine.Operation, goroutines)
	base := time.Now()
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(round), uint64(g)))
			items := map[string]cache.Item{}
			for i := range calls {
				c := choose(r, keys, fmt.Sprint(g, "-", i))
				item, held := items[c.key]
				if c.op == "swap" || c.op == "compare and delete" {
					if !held {
						c.op, c.ttl = "get", 0
					}
					c.old = string(item.Value)
				}
				a := answer{began: int64(time.Since(base))}
				a.value, a.err = do(m, c, items)
				a.end = int64(time.Since(base))
				histories[g] = append(histories[g], porcupine.Operation{
					ClientId: g, Input: c, Call: a.began, Output: a, Return: a.end,
				})
			}
		})
	}
	wg.Wait()
	var all []porcupine.Operation
	for _, h := range histories {
		all = append(all, h...)
	}
	return all
}

// choose makes up a call. Keys that start with n hold numbers, the others texts of
// which each is stored once.
func choose(r *rand.Rand, keys int, unique string) call {
	var c call
	if r.IntN(3) == 0 {
		c.ttl = time.Duration(1 + r.IntN(300_000))
	}
	if r.IntN(3) == 0 {
		c.key = fmt.Sprint("n", r.IntN(keys))
		c.value = strconv.Itoa(r.IntN(1000))
		c.delta = uint64(r.IntN(10))
		c.op = []string{"set", "add", "replace", "delete", "get", "increment", "increment", "increment"}[r.IntN(8)]
	} else {
		c.key = fmt.Sprint("k", r.IntN(keys))
		c.value = unique
		if r.IntN(4) == 0 {
			c.value += string(make([]byte, r.IntN(2000)))
		}
		c.op = []string{"set", "set", "add", "replace", "delete", "get", "get", "swap", "swap", "compare and delete"}[r.IntN(10)]
	}
	return c
}

func do(m *cache.Cache, c call, items map[string]cache.Item) (string, error) {
	value := []byte(c.value)
	switch c.op {
	case "set":
		return "", m.Set(ctx, c.key, value, c.ttl)
	case "add":
		return "", m.Add(ctx, c.key, value, c.ttl)
	case "replace":
		return "", m.Replace(ctx, c.key, value, c.ttl)
	case "delete":
		return "", m.Delete(ctx, c.key)
	case "increment":
		n, err := m.Increment(ctx, c.key, c.delta)
		return strconv.FormatUint(n, 10), err
	case "swap":
		return "", m.CompareAndSwap(ctx, items[c.key], value, c.ttl)
	case "compare and delete":
		return "", m.CompareAndDelete(ctx, items[c.key])
	}
	if c.key[0] == 'n' {
		v, err := m.Get(ctx, c.key)
		return string(v), err
	}
	item, err := m.GetItem(ctx, c.key)
	if err == nil {
		items[c.key] = item
	}
	return string(item.Value), err
}

// A test of the test: a history that no order explains is found out.
func TestChecker(t *testing.T) {
	op := func(began, end int64, c call, value string, err error) porcupine.Operation {
		c.key = "k"
		return porcupine.Operation{Input: c, Call: began, Return: end, Output: answer{value, err, began, end}}
	}
	for name, h := range map[string][]porcupine.Operation{
		"stale": {
			op(0, 1, call{op: "set", value: "a"}, "", nil),
			op(2, 3, call{op: "set", value: "b"}, "", nil),
			op(4, 5, call{op: "get"}, "a", nil),
		},
		"expired": {
			op(0, 1, call{op: "set", value: "a", ttl: 5}, "", nil),
			op(7, 8, call{op: "get"}, "a", nil),
		},
		"back from the dead": {
			op(0, 1, call{op: "set", value: "a", ttl: 5}, "", nil),
			op(2, 6, call{op: "get"}, "", cache.ErrMiss),
			op(7, 8, call{op: "replace", value: "b"}, "", nil),
		},
		"lost": {
			op(0, 1, call{op: "set", value: "1"}, "", nil),
			op(2, 3, call{op: "increment", delta: 1}, "2", nil),
			op(2, 3, call{op: "increment", delta: 1}, "2", nil),
		},
		"swapped twice": {
			op(0, 1, call{op: "set", value: "a"}, "", nil),
			op(2, 5, call{op: "swap", old: "a", value: "b"}, "", nil),
			op(2, 5, call{op: "swap", old: "a", value: "c"}, "", nil),
		},
		"wrong error": {op(0, 1, call{op: "set"}, "", errors.New("other"))},
	} {
		if got := porcupine.CheckOperationsTimeout(model(false), h, time.Second); got != porcupine.Illegal {
			t.Errorf("%s: %s", name, got)
		}
	}
}
