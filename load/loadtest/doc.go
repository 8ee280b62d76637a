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
// [Run] has a case for each rule, and a failure prints the rule. [Hammer] runs many readers
// and invalidators at the same time and looks for values that are older than an invalidation.
// The tests of package load explore every order of the operations on a model of a store. Run
// and Hammer test what a model cannot: that a driver and its server keep the contract on which
// the promises depend.
package loadtest
