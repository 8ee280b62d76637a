// Package cachetest tests cache drivers: it is the contract of package cache as a test
// suite. A driver runs it from one short test:
//
//	func TestConformance(t *testing.T) {
//		cachetest.Run(t, func(t *testing.T) *cache.Cache {
//			c, err := mydriver.New(mydriver.Config{Addr: startServer(t)})
//			if err != nil {
//				t.Fatal(err)
//			}
//			return c
//		}, cachetest.Options{Granularity: time.Second, MaxValue: 1<<20 - 512})
//	}
//
// Each case has a name and a rule in words, and a failure prints the rule. Most cases test
// their rule in every operation that it applies to. Optional operations are tested if the
// driver has them; otherwise the suite checks that they return an error that matches
// errors.ErrUnsupported. A case that has nothing to test on a cache is skipped. A cache
// that keeps nothing by design ([cache.Cache.Discards]) must behave as the documentation of
// package null says.
//
// Some cases test package cache more than the driver below it. A driver that runs the suite
// in several configurations leaves them out of all but one with [Options.DriverOnly].
//
// [DSNTest] tests configuration strings. [Bench] measures every driver in the same way, and
// [Allocs] bounds the number of allocations of each operation.
//
// A driver for servers also runs package
// [github.com/larder-go/larder/cache/cachetest/servertest], which tests what it does when
// they fail. A driver still needs its own tests of what only that driver has, such as its
// protocol.
package cachetest
