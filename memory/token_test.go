package memory

import (
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

func TestTokens(t *testing.T) {
	s := newDriver(Config{})
	const n = 3000
	old := map[string]driver.Item{}
	for i := range n {
		k := fmt.Sprint("k", i)
		s.mustSet(t, k, "a value", time.Hour)
		old[k], _ = s.GetItem(ctx, k)
	}
	// Make compaction move the others: each round leaves some records among dead ones.
	for round := range 8 {
		for i := range n {
			if i%8 > round {
				k := fmt.Sprint("k", i)
				s.mustSet(t, k, "a value", time.Hour)
				s.wantGet(t, k, "a value")
			}
		}
	}
	moved := 0
	for i := 0; i < n; i += 8 {
		k := fmt.Sprint("k", i)
		if old[k].Token != s.search(s.hash(k), k) {
			moved++
		}
	}
	if moved == 0 {
		t.Fatal("compaction moved none of the records")
	}
	for i := range n {
		k := fmt.Sprint("k", i)
		err := s.CompareAndSwap(ctx, old[k].Token, driver.Entry{Key: k, Value: []byte("b")})
		if want := map[bool]error{true: nil, false: driver.ErrConflict}[i%8 == 0]; err != want {
			t.Fatalf("%s: %v, want %v", k, err, want)
		}
		if err := s.CompareAndDelete(ctx, k, old[k].Token); err != driver.ErrConflict {
			t.Fatalf("%s: an old token matches: %v", k, err)
		}
	}
	if err := s.CompareAndSwap(ctx, nil, driver.Entry{Key: "k0"}); err != driver.ErrConflict {
		t.Errorf("token of nothing: %v", err)
	}
	item, _ := s.GetItem(ctx, "k1")
	s.mustSet(t, "k1", string(item.Value), 0)
	if err := s.CompareAndDelete(ctx, "k1", item.Token); err != driver.ErrConflict {
		t.Errorf("equal bytes stored again: %v", err)
	}
	s.mustSet(t, "n", "5", 0)
	item, _ = s.GetItem(ctx, "n")
	_, _ = s.Increment(ctx, "n", 0)
	if err := s.CompareAndDelete(ctx, "n", item.Token); err != driver.ErrConflict {
		t.Errorf("increment by 0: %v", err)
	}
	item, _ = s.GetItem(ctx, "n")
	if err := s.CompareAndDelete(ctx, "n", item.Token); err != nil {
		t.Errorf("delete: %v", err)
	}
	if err := s.CompareAndDelete(ctx, "n", item.Token); err != driver.ErrMiss {
		t.Errorf("delete again: %v", err)
	}
}

// Two stores that far apart have equal versions in meta.
func TestVersionOfForeverIsWhole(t *testing.T) {
	a := newHeader(forever, 5, driver.Bytes, 1, 1)
	b := newHeader(forever, 5+1<<24, driver.Bytes, 1, 1)
	if a.meta != b.meta || a == b {
		t.Errorf("the headers are %+v and %+v, want the same meta and another state", a, b)
	}
}
