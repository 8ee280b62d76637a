package valkey

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/local"
	"github.com/larder-go/larder/memory"
)

// A localCache holds the values of a near view. A value is stored only if no change of its key was
// reported since before its request was sent: the report may have overtaken the reply.
type localCache struct {
	values *cache.Cache // each value follows the ID of its tracker
	lookup local.Cache  // of values

	mu      sync.Mutex // also held while values is changed
	reading map[string]*reading
}

// A reading is the state of a key for which requests are in progress. It is guarded by
// localCache.mu.
type reading struct {
	callers int
	changed bool // since the first request
}

// idLen is the length of the ID of a tracker, which precedes a value.
const idLen = 8

func newLocalCache(maxBytes int64) (*localCache, error) {
	c, err := memory.New(memory.Config{MaxBytes: maxBytes})
	if err != nil {
		return nil, err
	}
	return &localCache{values: c, lookup: local.BackendOf(c).Cache, reading: map[string]*reading{}}, nil
}

// get returns a value and the ID of the tracker over which it was read. The key may be invalid.
func (k *localCache) get(key string) (value []byte, id uint64, ok bool) {
	b, err := k.lookup.Lookup(key)
	if err != nil {
		return nil, 0, false
	}
	return b[idLen:len(b):len(b)], binary.LittleEndian.Uint64(b), true
}

// begin is called before a request for key is sent.
func (k *localCache) begin(key string) *reading {
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
func (k *localCache) end(key string, r *reading) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.leave(key, r)
}

func (k *localCache) leave(key string, r *reading) {
	if r.callers--; r.callers == 0 && k.reading[key] == r {
		delete(k.reading, key)
	}
}

// keep ends a reading, and stores its value unless the key changed meanwhile.
func (k *localCache) keep(key string, r *reading, id uint64, value []byte, ttl time.Duration) {
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
func (k *localCache) drop(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r := k.reading[key]; r != nil {
		r.changed = true
		delete(k.reading, key)
	}
	_ = k.values.Delete(context.Background(), key) // ErrMiss as a rule
}

// dropAll is called when anything may have changed.
func (k *localCache) dropAll() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range k.reading {
		r.changed = true
	}
	clear(k.reading)
	_ = k.values.Flush(context.Background()) // fails only after Close
}

func (k *localCache) stats() cache.Stats {
	st, _ := k.values.Stats(context.Background()) // fails only after Close
	return st
}
