package load

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// The errors that are remembered are bounded in number, and those that have ended are removed.
func TestFailuresBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f failures
		broken := errors.New("broken")
		for i := range maxFailures + 100 {
			f.add(fmt.Sprint("k", i), broken, time.Minute)
		}
		if len(f.byKey) != maxFailures || len(f.order) != maxFailures {
			t.Errorf("%d errors are remembered, %d in order; want %d", len(f.byKey), len(f.order), maxFailures)
		}
		if _, ok := f.byKey["k99"]; ok {
			t.Error("the oldest errors are remembered, want the newest")
		}
		time.Sleep(59 * time.Second)
		f.add("k200", broken, time.Minute) // again
		time.Sleep(time.Second)
		f.add("again", broken, time.Minute)
		if _, ok := f.byKey["k200"]; len(f.byKey) != 2 || len(f.order) != 2 || !ok {
			t.Errorf("%d errors are remembered, %d in order; want the two that have not ended", len(f.byKey), len(f.order))
		}
	})
}
