package stripe

import (
	"sync"
	"testing"
)

// No event is lost, however many goroutines count.
func TestCounter(t *testing.T) {
	var c Counter
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 1000 {
				c.Add()
			}
		})
	}
	wg.Wait()
	if got := c.Load(); got != 16_000 {
		t.Errorf("Load: %d, want 16000", got)
	}
}

// Goroutines count in different stripes.
func TestStripes(t *testing.T) {
	var c Counter
	var wg sync.WaitGroup
	hold := make(chan struct{}) // so that they live at the same time, on different stacks
	for range 100 {
		wg.Go(func() { c.Add(); <-hold })
	}
	close(hold)
	wg.Wait()
	used := 0
	for i := range c {
		if c[i].n.Load() > 0 {
			used++
		}
	}
	if used < 2 {
		t.Errorf("100 goroutines count in %d stripe, want several", used)
	}
}
