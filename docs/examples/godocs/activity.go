package main

import (
	"context"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// The picture on the page of statistics shows this much of the past.
const (
	period  = 5 * time.Second
	periods = 60
)

// tally counts what happened to pages.
type tally struct {
	Hits          int // readers who were given a page that was in the cache
	Loads         int // readers for whom a page was rendered
	Waits         int // readers who were given a page that was rendered for another one
	Refreshes     int // pages that were rendered again in the background
	Invalidations int // packages that were said to have changed
}

// Readers is the number of pages that were read.
func (t tally) Readers() int { return t.Hits + t.Loads + t.Waits }

// activity is a hook that counts hits, loads, refreshes and invalidations, in all and over time.
//
// It counts loads and invalidations as a whole. A load consists of several operations on
// the cache, which are reported as parts of it. Adding up the hits of these as well would
// count one reader several times.
type activity struct {
	mu     sync.Mutex
	since  time.Time
	total  tally
	recent [periods]tally // a ring
	last   int            // the number of the newest period, from since; its place is modulo periods
}

func newActivity() *activity { return &activity{since: time.Now()} }

// Start does nothing.
func (a *activity) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

// End counts an operation.
func (a *activity) End(_ context.Context, call cache.Call, r cache.Result) {
	if call.Within != 0 {
		return
	}
	switch call.Op {
	case cache.OpLoad:
		a.add(tally{Hits: r.Affected, Loads: r.Loaded, Waits: r.Waited})
	case cache.OpRefresh:
		a.add(tally{Refreshes: r.Loaded})
	case cache.OpInvalidate:
		if r.Err == nil {
			a.add(tally{Invalidations: call.Keys})
		}
	}
}

func (a *activity) add(t tally) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advance()
	for _, sum := range []*tally{&a.total, &a.recent[a.last%periods]} {
		sum.Hits += t.Hits
		sum.Loads += t.Loads
		sum.Waits += t.Waits
		sum.Refreshes += t.Refreshes
		sum.Invalidations += t.Invalidations
	}
}

// advance makes the period of now the newest. The caller holds the lock.
func (a *activity) advance() {
	now := int(time.Since(a.since) / period)
	for n := max(a.last+1, now-periods+1); n <= now; n++ {
		a.recent[n%periods] = tally{}
	}
	a.last = max(a.last, now)
}

// read returns the sum since the beginning, and the sums of the latest periods, the newest
// last.
func (a *activity) read() (total tally, recent []tally) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.advance()
	for i := range periods {
		recent = append(recent, a.recent[(a.last+1+i)%periods])
	}
	return a.total, recent
}
