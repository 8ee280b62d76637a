package cachetest

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
)

const (
	// tries is the number of tries of a case that depends on a clock which may skip
	// ticks.
	tries = 3
	// mayRetry is the number of cases of a round that may need more than one. A server
	// that keeps its TTLs needs none on a machine that is not overloaded.
	mayRetry = 2
	// rounds is the number of times that cases which wait run if too many need a retry. A
	// tick that is skipped strikes every case that stored something in the second before.
	// memcached skips one whenever the time of its ticks, each of which is a little more
	// than a second after the last, has come to the next second.
	rounds = 2
)

// retries are the cases of a round that needed more than one try.
type retries struct {
	mu    sync.Mutex
	cases []string
}

// add notes a case whose first try failed. A nil receiver keeps nothing.
func (r *retries) add(name string, failed int, first string) {
	if r == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cases = append(r.cases, fmt.Sprintf("%s failed %d of %d tries: %s", name, failed, tries, first))
}

// report prints the retries of a round of the Run with that name, unless there are too many:
// it returns them then.
func (r *retries) report(name string) (problem string) {
	if len(r.cases) == 0 {
		return ""
	}
	slices.Sort(r.cases)
	text := fmt.Sprintf("cachetest: %s: cases that needed a retry: %d, at most %d allowed\n\t%s",
		name, len(r.cases), mayRetry, strings.Join(r.cases, "\n\t"))
	if len(r.cases) > mayRetry {
		return text
	}
	fmt.Println(text)
	return ""
}

// A try takes the place of a [testing.T] in a try that may fail, and keeps the first
// failure.
type try struct {
	mu      sync.Mutex
	first   string // empty: none
	skipped []any
}

func (r *try) Helper()    {}
func (r *try) FailNow()   { runtime.Goexit() }
func (r *try) Log(...any) {}

func (r *try) Skip(reason ...any) {
	r.skipped = reason
	runtime.Goexit()
}

func (r *try) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == "" {
		r.first = fmt.Sprint(args...)
	}
}

// under puts prefix before the keys of the case.
func (s *suite) under(prefix string) {
	s.c, s.o.KeyPrefix = s.c.withPrefix(prefix), s.o.KeyPrefix+prefix
}

// passes tries do as often as it may fail, and reports whether it passed. If not, the last
// try remains for the caller, whose failures count. Every try has its own keys, so that it
// does not find what the one before has left.
func (s *suite) passes(do func(*suite)) bool {
	t, c, prefix := s.t, s.c, s.o.KeyPrefix
	first := ""
	for n := range tries - 1 {
		r := &try{}
		s.t = r
		done := make(chan struct{})
		go func() { // FailNow ends the goroutine
			defer close(done)
			do(s)
		}()
		<-done
		s.t = t
		if r.skipped != nil {
			t.Skip(r.skipped...)
		}
		if r.first == "" {
			if n > 0 {
				s.retried.add(s.test.name, n, first)
			}
			return true
		}
		first, _, _ = strings.Cut(strings.TrimSpace(r.first), "\n")
		s.c, s.o.KeyPrefix = c, prefix
		s.under(fmt.Sprintf("again%d:", n+1))
		s.reports.Store(0)
	}
	s.retried.add(s.test.name, tries-1, first)
	return false
}
