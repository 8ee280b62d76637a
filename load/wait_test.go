package load

import (
	"errors"
	"testing"
)

// A notice that a load is overdue and the outcome of a load may come together, when the process
// was paused. A key that the outcome settles is not read again: that would load it once more, or
// wait for a load whose result nobody takes.
func TestOverdueAndFinished(t *testing.T) {
	failure := errors.New("failure")
	for _, own := range []bool{true, false} {
		r := &request{
			take:    func(_ string, o outcome) error { return o.err },
			waiters: map[string][]*waiter{},
			loading: map[string]bool{"settled": true, "other": true},
			left:    map[string]reading{"settled": {}, "other": {}},
		}
		j := &job{request: r}
		ended := j
		if !own {
			ended = &job{request: &request{}}
		}
		todo := r.handle(&core{}, []notice{
			{key: "settled", job: j, event: overdue},
			{key: "other", job: j, event: overdue},
			{key: "settled", job: ended, event: finished, outcome: outcome{err: failure}},
		})
		if len(todo) != 1 || todo[0] != "other" {
			t.Errorf("own %v: read again: %q, want other alone", own, todo)
		}
		if _, ok := r.left["settled"]; ok || len(r.left) != 1 {
			t.Errorf("own %v: left: %v, want other alone", own, r.left)
		}
	}
}
