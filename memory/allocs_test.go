package memory

import (
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/race"
)

// Gets and counts allocate nothing. A store allocates a slab now and then, less than once in a
// hundred entries.
func TestAllocs(t *testing.T) {
	if race.Enabled {
		t.Log("the race detector allocates: nothing to count")
		return
	}
	m := newCache(t, Config{})
	value := make([]byte, 128)
	for i := range 1000 {
		_ = m.Set(ctx, fmt.Sprint("key", i), value, time.Hour)
	}
	_ = m.Set(ctx, "n", []byte("1"), time.Hour)
	for name, f := range map[string]func(){
		"get hit":       func() { _, _ = m.Get(ctx, "key1") },
		"get miss":      func() { _, _ = m.Get(ctx, "absent") },
		"get item":      func() { _, _ = m.GetItem(ctx, "key2") },
		"set":           func() { _ = m.Set(ctx, "key3", value, time.Hour) },
		"set after get": func() { _ = m.Set(ctx, "key1", value, time.Hour); _, _ = m.Get(ctx, "key1") },
		"add":           func() { _ = m.Add(ctx, "key1", value, time.Hour) },
		"increment":     func() { _, _ = m.Increment(ctx, "n", 1) },
		"delete":        func() { _ = m.Delete(ctx, "absent") },
		"add, delete":   func() { _ = m.Add(ctx, "new", value, 0); _ = m.Delete(ctx, "new") },
	} {
		if n := testing.AllocsPerRun(2000, f); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
