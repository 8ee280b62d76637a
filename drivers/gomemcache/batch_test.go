package gomemcache_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// Batches far larger than the pieces in which a server replies.
func TestLargeBatches(t *testing.T) {
	for _, tt := range []struct {
		network    string
		keys, size int
	}{
		{"tcp", 20_000, 32},
		{"unix", 2_000, 16 << 10},
	} {
		t.Run(fmt.Sprintf("%s, %d of %d bytes", tt.network, tt.keys, tt.size), func(t *testing.T) {
			s := memcachedtest.Start(t, tt.network, "-m", "1024")
			c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
			checkBatch(t, c, tt.keys, tt.size)
		})
	}
}

// checkBatch stores, reads and deletes values that tell which key they belong to.
func checkBatch(t *testing.T, c *cache.Cache, n, size int) {
	t.Helper()
	ctx := t.Context()
	values := make(map[string][]byte, n)
	keys := make([]string, 0, n+1)
	for i := range n {
		v := make([]byte, size)
		binary.LittleEndian.PutUint64(v, uint64(i))
		keys = append(keys, keyNumber(i))
		values[keys[i]] = v
	}
	if err := c.SetMulti(ctx, values, 0); err != nil {
		t.Fatal(err)
	}
	for i := 0; i < n; i += 10 { // holes
		if err := c.Delete(ctx, keys[i]); err != nil {
			t.Fatal(err)
		}
		delete(values, keys[i])
	}
	got, err := c.GetMulti(ctx, append(keys, "absent"))
	if err != nil || len(got) != len(values) {
		t.Errorf("GetMulti: %d values, %v; want %d", len(got), err, len(values))
	}
	for k, v := range values {
		if !bytes.Equal(got[k], v) {
			t.Fatalf("%s: not the value that was stored", k)
		}
	}
	err = c.AddMulti(ctx, map[string][]byte{keys[0]: nil, keys[1]: nil}, 0)
	var multi *cache.MultiError
	if !errors.As(err, &multi) || !slices.Equal(multi.Keys(), keys[1:2]) || multi.Errors[keys[1]] != cache.ErrNotStored {
		t.Errorf("AddMulti: %v", err)
	}
	if err := c.DeleteMulti(ctx, keys); err != nil {
		t.Errorf("DeleteMulti: %v", err)
	}
	if got, err := c.GetMulti(ctx, keys); err != nil || len(got) != 0 {
		t.Errorf("GetMulti after DeleteMulti: %d values, %v", len(got), err)
	}
}

func TestKeysThatRepeat(t *testing.T) {
	servers := memcachedtest.Addrs(memcachedtest.StartN(t, 2, "unix"))
	c := open(t, gomemcache.Config{Servers: servers})
	fill(t, c, 10)
	var keys []string
	for i := range 3000 {
		keys = append(keys, keyNumber(i%20))
	}
	if got, err := c.GetMulti(t.Context(), keys); err != nil || len(got) != 10 {
		t.Errorf("GetMulti: %d values, %v; want 10", len(got), err)
	}
	if items, err := c.GetItemMulti(t.Context(), keys); err != nil || len(items) != 10 {
		t.Errorf("GetItemMulti: %d items, %v; want 10", len(items), err)
	}
	if err := c.DeleteMulti(t.Context(), keys); err != nil {
		t.Errorf("DeleteMulti: %v", err)
	}
}

// A batch stops between two requests when the context ends, and says for which keys.
func TestBatchesAndTheContext(t *testing.T) {
	s := memcachedtest.Start(t, "unix")
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	values := map[string][]byte{}
	var keys []string
	for i := range 20_000 {
		keys = append(keys, keyNumber(i))
		values[keyNumber(i)] = []byte("x")
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- c.SetMulti(ctx, values, 0) }()
	memcachedtest.Eventually(t, "some are stored", func() bool {
		got, err := c.GetMulti(t.Context(), keys)
		if err != nil {
			t.Fatal(err)
		}
		return len(got) > 0
	})
	cancel()
	err := <-done
	got, errGet := c.GetMulti(t.Context(), keys)
	if errGet != nil {
		t.Fatal(errGet)
	}
	var multi *cache.MultiError
	if err == nil && len(got) == len(keys) {
		return // it was over before the context was
	}
	if !errors.As(err, &multi) || !errors.Is(err, context.Canceled) {
		t.Fatalf("SetMulti: %v", err)
	}
	for _, k := range keys {
		if got[k] == nil && multi.Errors[k] == nil {
			t.Errorf("%s: neither stored nor named", k)
		}
	}
	if _, err := c.GetMulti(ctx, keys); !errors.Is(err, context.Canceled) {
		t.Errorf("GetMulti: %v", err)
	}
}
