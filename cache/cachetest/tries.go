package cachetest

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
)

// tries is how often a case is tried that depends on a clock which may leap.
const tries = 3

// try stands for a [testing.T] in a try that may fail, and keeps the first failure.
type try struct {
	mu    sync.Mutex
	first string // empty: none
}

func (*try) Helper()    {}
func (*try) Log(...any) {}
func (*try) FailNow()   { runtime.Goexit() }

func (r *try) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == "" {
		r.first = fmt.Sprint(args...)
	}
}

// passes tries do as often as it may fail, and reports whether it passed. If not, the
// last try remains for the caller, whose failures count. Every try has keys of its own,
// so that it does not find what the one before has left.
func (s *suite) passes(do func(*suite)) bool {
	t, c, prefix := s.t, s.c, s.o.KeyPrefix
	for n := 1; n < tries; n++ {
		r := &try{}
		s.t = r
		done := make(chan struct{})
		go func() { // FailNow ends the goroutine
			defer close(done)
			do(s)
		}()
		<-done
		s.t = t
		if r.first == "" {
			return true
		}
		t.Log(fmt.Sprintf("try %d of %d: %s", n, tries, strings.TrimSpace(r.first)))
		again := fmt.Sprintf("again%d:", n)
		s.c, s.o.KeyPrefix = c.withPrefix(again), prefix+again
		s.reports.Store(0)
	}
	return false
}
