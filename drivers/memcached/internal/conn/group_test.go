package conn

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// Wait waits for every goroutine that started before it returns, and one may start the next.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g group
		g.init()
		g.Wait() // nothing runs
		var ended atomic.Int32
		release := make(chan struct{})
		g.Go(func() {
			<-release
			g.Go(func() { ended.Add(1) })
			ended.Add(1)
		})
		var waited atomic.Bool
		go func() {
			g.Wait()
			waited.Store(true)
		}()
		synctest.Wait()
		if waited.Load() {
			t.Error("Wait returned while a goroutine runs")
		}
		close(release)
		synctest.Wait()
		if n := ended.Load(); n != 2 || !waited.Load() {
			t.Errorf("%d of 2 goroutines ended, and Wait returned: %t", n, waited.Load())
		}
	})
}
