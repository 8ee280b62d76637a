// Package loadtest tests the promises of package load on a real cache. The author of a
// driver runs it from one short test:
//
//	func TestLoad(t *testing.T) {
//		loadtest.Run(t, func(t *testing.T) *cache.Cache { return open(t) }, loadtest.Options{Granularity: time.Second})
//	}
//
//	func TestLoadHammer(t *testing.T) {
//		loadtest.Hammer(t, loadtest.HammerOptions{}, open(t), open(t))
//	}
//
// [Run] has a case for each rule, and a failure prints the rule. [Hammer] lets many readers
// and invalidators work at the same time and looks for values that are older than an
// invalidation. The tests of package load explore every order of the operations on a store
// that they have made up; these two are for what such a store cannot show: that a driver and
// its server keep the contract on which the promises rest.
package loadtest
