package drvbench

import (
	"fmt"
	"testing"
)

// TestContenders has every client do everything once on a real memcached: do fails if
// something is not stored, not found or not deleted.
func TestContenders(t *testing.T) {
	s, err := startServer()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	f, err := newField(s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.python.stop(); err != nil {
			t.Error(err)
		}
	})
	for i, name := range contenders {
		for _, ops := range [][]string{{opSet, opGet, opDelete}, {opSet, opWire, opDrop}} {
			for _, op := range ops {
				if took, err := f.do(name, op, fmt.Sprintf("t%d%s-", i, ops[1]), 20); err != nil || took <= 0 {
					t.Errorf("%s, %s: %v after %v", name, op, err, took)
				}
			}
		}
		if f.golang[name] == nil {
			continue // a failed check would end the Python process
		}
		if _, err := f.do(name, opGet, "absent-", 20); err == nil {
			t.Errorf("%s: the benchmark does not notice that keys are absent", name)
		}
	}
}

func TestSingles(t *testing.T) {
	s, err := startServer()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}()
	results, err := singles(s.addr, singleJob{Goroutines: 2, Quick: true})
	if err != nil {
		t.Fatal(err)
	}
	if len(results) != 6 {
		t.Errorf("%d results, want 6", len(results))
	}
}
