package linearcheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/larder-go/larder/cache"
)

var ctx = context.Background()

// A worker is one of the goroutines that call a cache. It keeps the items that it has read,
// and the history of its calls.
type worker struct {
	id      int
	cache   *cache.Cache
	rand    *rand.Rand
	keys    int
	base    time.Time
	longest time.Duration // TTL
	items   map[string]cache.Item
	history []porcupine.Operation
}

// text returns the name of a key that holds texts. Each text is stored once.
func (w *worker) text() string { return fmt.Sprint("k", w.rand.IntN(w.keys)) }

// number returns the name of a key that holds numbers.
func (w *worker) number() string { return fmt.Sprint("n", w.rand.IntN(w.keys)) }

// value returns a text that no other call stores.
func (w *worker) value(i int) string {
	v := fmt.Sprint(w.id, "-", i, "-", w.rand.Uint32())
	if w.rand.IntN(4) == 0 {
		v += string(make([]byte, w.rand.IntN(2000)))
	}
	return v
}

// ttl returns 0, or as much as the longest.
func (w *worker) ttl() time.Duration {
	if w.longest == 0 || w.rand.IntN(3) > 0 {
		return 0
	}
	return time.Duration(1 + w.rand.Int64N(int64(w.longest)))
}

// An outcome is a call and what it returned, before its times are known.
type outcome struct {
	call
	value string
	err   error
	left  time.Duration
}

// step makes the i-th call and records it.
func (w *worker) step(i int) {
	began := int64(time.Since(w.base))
	var calls []outcome
	if w.rand.IntN(3) == 0 {
		calls = w.stepNumber()
	} else {
		calls = w.stepText(i)
	}
	end := int64(time.Since(w.base))
	for _, c := range calls {
		w.history = append(w.history, porcupine.Operation{
			ClientId: w.id, Input: c.call, Call: began, Return: end,
			Output: result{value: c.value, err: c.err, left: c.left, began: began, end: end},
		})
	}
}

func (w *worker) stepNumber() []outcome {
	c := call{key: w.number(), value: strconv.Itoa(w.rand.IntN(1000)), delta: uint64(w.rand.IntN(10)), ttl: w.ttl()}
	switch w.rand.IntN(10) {
	case 0, 1:
		return w.store(c)
	case 2:
		c.op = cache.OpDelete
		return []outcome{{call: c, err: w.cache.Delete(ctx, c.key)}}
	case 3:
		c.op = cache.OpGet
		v, err := w.cache.Get(ctx, c.key)
		return []outcome{{call: c, value: string(v), err: err}}
	case 4:
		return w.touch(c)
	case 5, 6:
		c.op = cache.OpDecrement
		n, err := w.cache.Decrement(ctx, c.key, c.delta)
		return []outcome{{call: c, value: strconv.FormatUint(n, 10), err: err}}
	}
	c.op = cache.OpIncrement
	n, err := w.cache.Increment(ctx, c.key, c.delta)
	return []outcome{{call: c, value: strconv.FormatUint(n, 10), err: err}}
}

func (w *worker) stepText(i int) []outcome {
	c := call{key: w.text(), value: w.value(i), ttl: w.ttl()}
	item, held := w.items[c.key]
	c.old = string(item.Value)
	switch n := w.rand.IntN(16); {
	case n < 4:
		return w.store(c)
	case n == 4:
		c.op = cache.OpDelete
		return []outcome{{call: c, err: w.cache.Delete(ctx, c.key)}}
	case n == 5:
		return w.touch(c)
	case n == 6:
		return w.getOrAdd(c)
	case n == 7:
		return w.getOrAddMulti(c)
	case n == 8 && held:
		c.op = cache.OpCompareAndDelete
		return []outcome{{call: c, err: w.cache.CompareAndDelete(ctx, item)}}
	case n == 9 && held:
		return w.swapMulti(c, i)
	case n < 12 && held:
		c.op = cache.OpCompareAndSwap
		return []outcome{{call: c, err: w.cache.CompareAndSwap(ctx, item, []byte(c.value), c.ttl)}}
	}
	c.op = cache.OpGetItem
	it, err := w.cache.GetItem(ctx, c.key)
	return []outcome{w.read(c, it, err)}
}

// read notes an item that was read.
func (w *worker) read(c call, it cache.Item, err error) outcome {
	if err == nil {
		w.items[c.key] = it
	}
	left, _ := it.TTL()
	return outcome{call: c, value: string(it.Value), err: err, left: left}
}

func (w *worker) store(c call) []outcome {
	v := []byte(c.value)
	switch w.rand.IntN(4) {
	case 0:
		c.op = cache.OpAdd
		return []outcome{{call: c, err: w.cache.Add(ctx, c.key, v, c.ttl)}}
	case 1:
		c.op = cache.OpReplace
		return []outcome{{call: c, err: w.cache.Replace(ctx, c.key, v, c.ttl)}}
	}
	c.op = cache.OpSet
	return []outcome{{call: c, err: w.cache.Set(ctx, c.key, v, c.ttl)}}
}

func (w *worker) touch(c call) []outcome {
	if w.rand.IntN(2) == 0 {
		c.op = cache.OpTouch
		return []outcome{{call: c, err: w.cache.Touch(ctx, c.key, c.ttl)}}
	}
	c.op = cache.OpGetAndTouch
	v, err := w.cache.GetAndTouch(ctx, c.key, c.ttl)
	return []outcome{{call: c, value: string(v), err: err}}
}

// getOrAdd is an add, and then a read of what is there: not more is promised.
func (w *worker) getOrAdd(c call) []outcome {
	it, added, err := w.cache.GetOrAdd(ctx, c.key, []byte(c.value), c.ttl)
	return w.addedAndRead(c, it, added, err)
}

func (w *worker) addedAndRead(c call, it cache.Item, added bool, err error) []outcome {
	add, read := outcome{call: c}, c
	add.op, read.op = cache.OpAdd, cache.OpGetItem
	if !added {
		add.err = cache.ErrNotStored
	}
	return []outcome{add, w.read(read, it, err)}
}

func (w *worker) getOrAddMulti(c call) []outcome {
	other := c
	other.key, other.value = w.text(), c.value+"'"
	values := map[string][]byte{c.key: []byte(c.value), other.key: []byte(other.value)}
	items, added, err := w.cache.GetOrAddMulti(ctx, values, c.ttl)
	calls := []call{other}
	if c.key != other.key {
		calls = append(calls, c)
	}
	var all []outcome
	for _, c := range calls {
		all = append(all, w.addedAndRead(c, items[c.key], added[c.key], reason(err, c.key))...)
	}
	return all
}

func (w *worker) swapMulti(c call, i int) []outcome {
	calls := []call{c}
	if item, held := w.items[w.text()]; held && item.Key != c.key {
		calls = append(calls, call{key: item.Key, old: string(item.Value), value: w.value(i) + "'", ttl: w.ttl()})
	}
	op := cache.OpCompareAndSwap
	var err error
	if w.rand.IntN(3) == 0 {
		op = cache.OpCompareAndDelete
		var old []cache.Item
		for _, c := range calls {
			old = append(old, w.items[c.key])
		}
		err = w.cache.CompareAndDeleteMulti(ctx, old)
	} else {
		var swaps []cache.Swap
		for _, c := range calls {
			swaps = append(swaps, cache.Swap{Old: w.items[c.key], Value: []byte(c.value), TTL: c.ttl})
		}
		err = w.cache.CompareAndSwapMulti(ctx, swaps)
	}
	var all []outcome
	for _, c := range calls {
		c.op = op
		all = append(all, outcome{call: c, err: reason(err, c.key)})
	}
	return all
}

// reason returns the error of one key of an operation on many.
func reason(err error, key string) error {
	var m *cache.MultiError
	if errors.As(err, &m) {
		return m.Errors[key]
	}
	return err
}
