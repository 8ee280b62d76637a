package memory

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// A Flush that has removed one entry and not all is waited for by a GetItem that finds nothing.
func TestGetItemDuringFlush(t *testing.T) {
	s := newDriver(Config{})
	s.mustSet(t, "master", "1", 0)
	for i := range s.shards {
		s.shards[i].mu.Lock()
	}
	s.shard(s.hash("master")).clear(false)
	var over atomic.Bool
	started, done := make(chan bool), make(chan bool)
	go func() {
		close(started)
		_, err := s.GetItem(ctx, "master")
		if err == nil || !over.Load() {
			t.Errorf("GetItem returned %v; Flush was over: %v", err, over.Load())
		}
		close(done)
	}()
	<-started
	for range 1000 {
		runtime.Gosched()
	}
	over.Store(true)
	for i := range s.shards {
		s.shards[i].mu.Unlock()
	}
	<-done
}
