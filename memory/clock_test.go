package memory

import (
	"testing"
	"testing/synctest"
	"time"
)

// The monotonic clock stops while the machine is suspended, and the wall clock does not:
// entries that expired meanwhile are gone afterwards.
func TestSuspend(t *testing.T) {
	for name, c := range map[string]struct {
		gained time.Duration // by the wall clock
		there  bool
	}{
		"no suspend":              {0, true},
		"a correction":            {900 * time.Millisecond, true},
		"half an hour":            {30 * time.Minute, true},
		"two hours":               {2 * time.Hour, false},
		"the clock is set back":   {-2 * time.Hour, true},
		"the clock says nonsense": {1<<63 - 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newDriver(Config{})
				defer s.Close()
				s.mustSet(t, "k", "v", time.Hour)
				s.mustSet(t, "forever", "v", 0)
				time.Sleep(2 * resolution) // the reading is void
				s.clock.ahead -= int64(c.gained)
				if c.there {
					s.wantGet(t, "k", "v")
				} else {
					s.wantMiss(t, "k")
				}
				s.wantGet(t, "forever", "v")
				time.Sleep(time.Hour)
				s.wantMiss(t, "k")
				s.wantGet(t, "forever", "v")
			})
		})
	}
}
