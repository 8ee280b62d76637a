// Package cachetest is the contract of package cache as a test suite. Every driver
// runs it, from one short test:
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
// Each case has a name and a rule in words, and a failure prints the rule that was
// broken. Abilities that a driver may lack are tested where it has them; where it
// lacks them, the suite checks that it says so. A cache that keeps nothing by design
// ([cache.Cache.Discards]) is held to what the documentation of package null says.
//
// [Bench] measures every driver by the same yardstick, and [Allocs] holds it to a
// number of allocations for each operation.
//
// The suite does not replace a driver's own tests of what only that driver has: its
// configuration, its protocol, the failures of its servers.
package cachetest
