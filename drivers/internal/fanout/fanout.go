// Package fanout spreads an operation on many keys over the servers that hold them.
package fanout

import (
	"errors"
	"sync"
)

// Split returns which of n keys are on each server, as the positions of the keys in order.
// Server returns the position of the server that holds a key, or -1 for a key that is to be
// left out.
func Split(n, servers int, server func(key int) int) [][]int {
	parts := make([][]int, servers)
	if servers == 1 {
		parts[0] = make([]int, 0, n)
	}
	for i := range n {
		if s := server(i); s >= 0 {
			parts[s] = append(parts[s], i)
		}
	}
	return parts
}

// Each calls f for each server that has a part, for all of them at the same time.
func Each(parts [][]int, f func(server int, keys []int)) {
	last := -1
	for s, keys := range parts {
		if len(keys) > 0 {
			last = s
		}
	}
	if last < 0 {
		return
	}
	var wg sync.WaitGroup
	for s, keys := range parts[:last] {
		if len(keys) > 0 {
			wg.Go(func() { f(s, keys) })
		}
	}
	f(last, parts[last]) // in this goroutine, which would only wait
	wg.Wait()
}

// All calls f for n servers at the same time and joins their errors.
func All(n int, f func(server int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := 1; i < n; i++ {
		wg.Go(func() { errs[i] = f(i) })
	}
	errs[0] = f(0)
	wg.Wait()
	return join(errs)
}

// join is errors.Join, but returns a single error unwrapped.
func join(errs []error) error {
	var first error
	for _, err := range errs {
		if err == nil {
			continue
		}
		if first != nil {
			return errors.Join(errs...)
		}
		first = err
	}
	return first
}

// Failures returns errs, or nil if none of them is an error.
func Failures(errs []error) []error {
	for _, err := range errs {
		if err != nil {
			return errs
		}
	}
	return nil
}
