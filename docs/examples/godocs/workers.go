package main

import (
	"context"
	"runtime"
	"sync"
)

// forEach calls f for each item, on all processors, and returns the errors. When ctx
// is done, it leaves out the items that are left and adds the context's error.
func forEach(ctx context.Context, items []string, f func(item string) error) []error {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error // guarded by mu
	)
	queue := make(chan string)
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for item := range queue {
				if err := f(item); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	var stopped error
	for _, item := range items {
		if stopped = ctx.Err(); stopped != nil {
			break
		}
		queue <- item
	}
	close(queue)
	wg.Wait()
	if stopped != nil {
		errs = append(errs, stopped)
	}
	return errs
}
