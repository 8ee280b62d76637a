package valkey

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

// kept are the values of a near view. A value is kept only if nobody reported a change of its
// key from before it was asked for until it is kept: the reply may have been overtaken.
type kept struct {
	values *cache.Cache // each value after the number of its link

	mu      sync.Mutex // also held while values is changed
	reading map[string]*reading
}

// A reading is what is known of a key that is being asked for. It is guarded by kept.mu.
type reading struct {
	callers int
	changed bool
}

// idLen is the length of the number of a link, which comes before a value.
const idLen = 8

func newKept(maxBytes int64) (*kept, error) {
	c, err := memory.New(memory.Config{MaxBytes: maxBytes})
	return &kept{values: c, reading: map[string]*reading{}}, err
}

// get returns a value and the number of the link over which it was read.
func (k *kept) get(key string) (value []byte, id uint64, ok bool) {
	b, err := k.values.Get(context.Background(), key)
	if err != nil {
		return nil, 0, false
	}
	return b[idLen:len(b):len(b)], binary.LittleEndian.Uint64(b), true
}

// begin is called before a key is asked for.
func (k *kept) begin(key string) *reading {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := k.reading[key]
	if r == nil {
		r = &reading{}
		k.reading[key] = r
	}
	r.callers++
	return r
}

// end ends a reading without a value.
func (k *kept) end(key string, r *reading) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.leave(key, r)
}

func (k *kept) leave(key string, r *reading) {
	if r.callers--; r.callers == 0 && k.reading[key] == r {
		delete(k.reading, key)
	}
}

// keep ends a reading, and keeps the value that was read unless it changed meanwhile.
func (k *kept) keep(key string, r *reading, id uint64, value []byte, ttl time.Duration) {
	b := make([]byte, 0, idLen+len(value))
	b = append(binary.LittleEndian.AppendUint64(b, id), value...)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.leave(key, r)
	if !r.changed {
		// A value that is too large, or comes after Close, is not kept.
		_ = k.values.Set(context.Background(), key, b, ttl)
	}
}

// drop is called when a key was changed.
func (k *kept) drop(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.reading[key]; r != nil {
		r.changed = true
		delete(k.reading, key)
	}
	_ = k.values.Delete(context.Background(), key) // ErrMiss as a rule
}

// dropAll is called when anything may have changed.
func (k *kept) dropAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.reading {
		r.changed = true
	}
	clear(k.reading)
	_ = k.values.Flush(context.Background()) // fails only after Close
}

func (k *kept) stats() cache.Stats {
	st, _ := k.values.Stats(context.Background()) // fails only after Close
	return st
}
