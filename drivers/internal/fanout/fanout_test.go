package fanout

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

func TestSplitAndEach(t *testing.T) {
	for _, servers := range []int{1, 2, 5} {
		const n = 100
		left := func(i int) bool { return i%7 == 3 }
		parts := Split(n, servers, func(i int) int {
			if left(i) {
				return -1
			}
			return i % servers
		})
		var mu sync.Mutex
		seen := map[int]bool{}
		Each(parts, func(server int, keys []int) {
			mu.Lock()
			defer mu.Unlock()
			for at, i := range keys {
				if i%servers != server || seen[i] || at > 0 && keys[at-1] >= i {
					t.Errorf("%d servers: server %d is given %v", servers, server, keys)
				}
				seen[i] = true
			}
		})
		for i := range n {
			if seen[i] == left(i) {
				t.Errorf("%d servers: key %d was given to a server: %v", servers, i, seen[i])
			}
		}
	}
	Each(Split(0, 3, nil), func(int, []int) { t.Error("a server without keys is called") })
}

// Servers are called at the same time: each waits for the others here.
func TestAtTheSameTime(t *testing.T) {
	const servers = 4
	var all sync.WaitGroup
	all.Add(servers)
	Each(Split(servers, servers, func(i int) int { return i }), func(int, []int) { all.Done(); all.Wait() })
	all.Add(servers)
	if err := All(servers, func(int) error { all.Done(); all.Wait(); return nil }); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	one, two := errors.New("one"), errors.New("two")
	for _, tt := range []struct {
		errs []error
		want string
	}{
		{[]error{nil, nil}, "<nil>"},
		{[]error{nil, one}, "one"},
		{[]error{one, nil, two}, "one\ntwo"},
	} {
		err := All(len(tt.errs), func(i int) error { return tt.errs[i] })
		if fmt.Sprint(err) != tt.want {
			t.Errorf("the errors %v are joined to %q, want %q", tt.errs, fmt.Sprint(err), tt.want)
		}
		if got := Failures(tt.errs); (got == nil) != (err == nil) {
			t.Errorf("the failures of %v are %v", tt.errs, got)
		}
	}
	if err := All(2, func(i int) error { return []error{nil, one}[i] }); err != one {
		t.Errorf("a single error is wrapped: %#v", err)
	}
}
