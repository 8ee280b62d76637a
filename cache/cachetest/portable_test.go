package cachetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// The rules that can be broken above a driver.
const (
	takesInvalidKeys  rule = "an invalid key returns no error"
	takesNegativeTTLs rule = "a negative TTL returns no error"
	worksAfterClose   rule = "it works after Close"
	ignoresContext    rule = "the context is ignored"
	looksTooLate      rule = "the context is checked afterwards"
	forgetsPrefix     rule = "the prefix is ignored"
	takesForeignItems rule = "an item of another cache returns no error"
	supportsNothing   rule = "it is unsupported and returns no error"

	// Hooks.
	tellsNoKey       rule = "a hook does not get the key"
	tellsOneKeyMore  rule = "a hook gets one key too many"
	tellsNoDriver    rule = "a hook does not get the driver"
	tellsNoNamespace rule = "a hook does not get the namespace"
	tellsNoError     rule = "a hook does not get the error"
	tellsNoBytes     rule = "a hook does not get the bytes"
	tellsNothingDone rule = "a hook gets no affected keys"
)

// A portableRow is a rule of package cache, the operations in which it is broken one at a
// time, and the case that must find each.
type portableRow struct {
	rule  rule
	found string
	calls []string
	hook  func(*cache.Call, *cache.Result) // changes what a hook gets; nil: the rule is one of lax
	plain bool                             // on a cache with the required operations alone
}

// named returns the names of the calls that match.
func named(match func(call) bool) (names []string) {
	for _, c := range calls {
		if match(c) {
			names = append(names, c.name)
		}
	}
	return names
}

func every(call) bool    { return true }
func ofKeys(c call) bool { return c.keyed }
func ofTTL(c call) bool  { return c.ttl }
func ofItem(c call) bool { return !c.keyed && itemOps[c.op] }
func single(c call) bool { return (c.keyed || ofItem(c)) && !strings.HasSuffix(c.name, "Multi") }
func changes(c call) bool {
	return c.keyed && !slices.Contains([]driver.Op{cache.OpGet, cache.OpGetMulti, cache.OpGetItem, cache.OpGetItemMulti}, c.op)
}

var swapCalls = []string{"CompareAndSwap", "CompareAndSwapMulti", "CompareAndDelete", "CompareAndDeleteMulti"}

// portableMatrix lists every rule that package cache keeps for all drivers, with each
// operation in which it can be broken alone.
var portableMatrix = []portableRow{
	{rule: takesInvalidKeys, found: "key/invalid", calls: named(ofKeys)},
	{rule: takesInvalidKeys, found: "key/invalid in a batch", calls: []string{
		"GetMulti", "SetMulti", "AddMulti", "ReplaceMulti", "DeleteMulti", "GetItemMulti", "GetOrAddMulti",
	}},
	{rule: takesNegativeTTLs, found: "ttl/negative", calls: named(ofTTL)},
	{rule: worksAfterClose, found: "close/afterwards", calls: named(every)},
	{rule: ignoresContext, found: "context/done before", calls: named(every)},
	{rule: looksTooLate, found: "context/done before", calls: slices.Concat(named(changes), []string{"Flush"})},
	{rule: forgetsPrefix, found: "view/prefix", calls: []string{
		"GetMulti", "Set", "SetMulti", "Add", "AddMulti", "Delete", "DeleteMulti", "Increment", "GetItemMulti", "GetOrAddMulti", "Touch", "GetAndTouch",
		"Get", "Replace", "ReplaceMulti", "Decrement", "IncrementFrom", "DecrementFrom", "GetItem", "GetOrAdd",
	}},
	{rule: takesForeignItems, found: "swap/foreign", calls: []string{"CompareAndSwap", "CompareAndDelete"}},
	{rule: takesForeignItems, found: "swap many/foreign", calls: []string{"CompareAndSwapMulti", "CompareAndDeleteMulti"}},
	{rule: supportsNothing, found: "ability/supports", plain: true, calls: slices.Concat(swapCalls, []string{
		"GetItem", "GetItemMulti", "GetOrAdd", "GetOrAddMulti", "Touch", "GetAndTouch", "Stats",
	})},

	{rule: tellsNoKey, found: "hook/calls", calls: named(single), hook: func(c *cache.Call, _ *cache.Result) { c.Key = "" }},
	{rule: tellsOneKeyMore, found: "hook/calls", calls: named(every), hook: func(c *cache.Call, _ *cache.Result) { c.Keys++ }},
	{rule: tellsNoDriver, found: "hook/calls", calls: named(every), hook: func(c *cache.Call, _ *cache.Result) { c.Driver = "" }},
	{rule: tellsNoNamespace, found: "hook/calls", calls: named(every), hook: func(c *cache.Call, _ *cache.Result) { c.Namespace = "" }},
	{rule: tellsNoError, found: "hook/sums", calls: named(func(c call) bool { return c.keyed || ofItem(c) }), hook: func(_ *cache.Call, r *cache.Result) { r.Err = nil }},
	{rule: tellsNoBytes, found: "hook/results", calls: []string{
		"Set", "Get", "Add", "SetMulti", "AddMulti", "GetMulti", "GetAndTouch", "GetOrAdd", "GetOrAddMulti", "CompareAndSwap", "CompareAndSwapMulti",
		"Replace", "ReplaceMulti", "GetItem", "GetItemMulti",
	}, hook: func(_ *cache.Call, r *cache.Result) { r.Bytes = 0 }},
	{rule: tellsNothingDone, found: "hook/sums", calls: named(func(c call) bool { return c.keyed || ofItem(c) }), hook: func(_ *cache.Call, r *cache.Result) { r.Affected = 0 }},
}

// TestPortableMatrix breaks each rule in each operation alone and checks that the case
// finds it.
func TestPortableMatrix(t *testing.T) {
	byName := map[string]test{}
	for _, c := range cases(everyOption) {
		byName[c.name] = c
	}
	for _, r := range portableMatrix {
		c, ok := byName[r.found]
		if !ok {
			t.Fatalf("%s: there is no case %q", r.rule, r.found)
		}
		for _, name := range r.calls {
			t.Run(fmt.Sprintf("%s/%s/%s", strings.ReplaceAll(r.found, "/", " "), name, r.rule), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					if errs := runCase(c, r.open(name)); len(errs) == 0 {
						t.Errorf("%s: %s, and the case %q passes", name, r.rule, c.name)
					}
				})
			})
		}
	}
}

// open opens a cache that breaks the rule in the call of that name.
func (r portableRow) open(name string) opener {
	return func(bool) (subject, *mapCache) {
		m := newMapCache()
		m.max = largest
		var d driver.Cache = mapBatches{m}
		if r.plain {
			d = struct{ driver.Cache }{m}
		}
		s := plain{cache.New(d, cache.Options{Name: "map"})}
		if r.hook == nil {
			return lax{s, s, r.rule, name}, m
		}
		var op cache.Op
		for _, c := range calls {
			if c.name == name {
				op = c.op
			}
		}
		return hooked{s, func(call *cache.Call, result *cache.Result) {
			if call.Op == op {
				r.hook(call, result)
			}
		}}, m
	}
}
