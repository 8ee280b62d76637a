package cachetest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// A row of the matrix is a rule, the operations in which it is broken, one at a time, and
// the case that must find each.
type row struct {
	rule  rule
	found string
	ops   []driver.Op
}

// matrix lists every rule that a driver must keep, with each operation in which it can be
// broken alone. Left out are combinations that make no sense, such as the TTL of a Get, and
// those that cannot be observed: that Set or DeleteMulti finds an expired item, and what an
// outage makes of a compare-and-swap, for which no item can be read. The rules of package
// cache are in portable_test.go.
var matrix = []row{
	{foldsKeys, "key/any", ops(everyKeyed, fromOps)},
	{cutsKeys, "key/any", ops(everyKeyed, fromOps)},
	{normalizesKeys, "key/any", everyKeyed},
	{joinsPaths, "key/any", everyKeyed},

	{emptyIsNil, "value/empty", readOps},
	{cutsStores, "value/binary", storeOps},
	{cutsStores, "touch/ttl", touchOps},
	{cutsReads, "value/binary", readOps},
	{trimsReads, "value/binary", readOps},
	{trimsReads, "count/user bytes", readOps},
	{keepsSmallSlices, "value/copied", storeOps},
	{keepsLargeSlices, "value/copied", storeOps},
	{writesInPlace, "value/stable", ops(setOps, replaceOps, swapOps, countOps, deleteOps, cutOps, []driver.Op{driver.OpFlush}, fromOps)},
	{reusesBuffer, "value/stable", readOps},
	{cutsLarge, "value/large", storeOps},
	{largeIsOutage, "value/large", storeOps},
	{storesOneKind, "value/kind", ops(storeOps, getItemOps, countOps, touchOps, fromOps)},
	{storesText, "value/binary", storeOps},
	{storesStrings, "value/binary", storeOps},
	{writesToGiven, "value/copied", storeOps},
	{returnsGiven, "value/copied", orAddOps},

	{losesTTL, "ttl/every operation", ops(storeOps, touchOps, fromOps)},
	{losesTTL, "ttl/kept", ops(countOps, fromOps)},
	{zeroIsAYear, "ttl/zero", ops(storeOps, touchOps, fromOps)},
	{zeroKeepsTTL, "ttl/zero", ops(setOps, replaceOps, swapOps, touchOps)},
	{keepsOldTTL, "ttl/every operation", ops(setOps, replaceOps, swapOps, touchOps)},
	{truncatesTTL, "ttl/below a second", ops(storeOps, touchOps, fromOps)},
	{monthIsPast, "ttl/long", ops(storeOps, touchOps, fromOps)},
	{hugeIsPast, "ttl/long", ops(storeOps, touchOps, fromOps)},
	{expiresEarly, "ttl/every operation", ops(storeOps, touchOps, fromOps)},
	{expiresLate, "ttl/every operation", ops(storeOps, touchOps, fromOps)},
	{expiresEarly, "ttl/expires", []driver.Op{driver.OpSet}},
	{findsExpired, "ttl/expired is absent", ops(getOps, getItemOps, touchOps, countOps, addOps, replaceOps, orAddOps, swapOps, cutOps, []driver.Op{driver.OpDelete}, fromOps)},
	{findsAtExpiry, "ttl/exactly", ops(getOps, getItemOps, touchOps, countOps, addOps, replaceOps, orAddOps, swapOps, cutOps, []driver.Op{driver.OpDelete}, fromOps)},
	{renewsTTL, "ttl/kept", ops(getOps, getItemOps, orAddOps, addOps, swapOps, cutOps, countOps, fromOps)},
	{forgetsTTL, "ttl/kept", ops(getOps, getItemOps, orAddOps, addOps, swapOps, cutOps, countOps, fromOps)},
	{hidesTTL, "item ttl/remaining", ops(getItemOps, orAddOps)},
	{tellsFullTTL, "item ttl/remaining", ops(getItemOps, orAddOps)},
	{tellsNoShortTTL, "item ttl/remaining", ops(getItemOps, orAddOps)},

	{wrapsMiss, "get/miss", []driver.Op{driver.OpGet, driver.OpGetItem, driver.OpGetAndTouch, driver.OpTouch, driver.OpDelete, driver.OpIncrement, driver.OpDecrement}},
	{wrapsMiss, "swap/gone", []driver.Op{driver.OpCompareAndSwap}},
	{wrapsMiss, "swap/delete", []driver.Op{driver.OpCompareAndDelete}},
	{missIsError, "get multi/partial", []driver.Op{driver.OpGetMulti, driver.OpGetItemMulti}},
	{takesAway, "get/hit", ops(getOps, getItemOps)},
	{storesAlways, "add/if absent", []driver.Op{driver.OpAdd}},
	{storesAlways, "replace/if present", []driver.Op{driver.OpReplace}},
	{storesAlways, "add multi/exactly", []driver.Op{driver.OpAddMulti}},
	{storesAlways, "replace multi/exactly", []driver.Op{driver.OpReplaceMulti}},
	{storesAlways, "get or add/present", orAddOps},
	{storesAlways, "swap/gone", []driver.Op{driver.OpCompareAndSwap}},
	{storesAlways, "swap many/exactly", []driver.Op{driver.OpCompareAndSwapMulti}},
	{storesAlways, "initial/present", fromOps},
	{storesAlways, "count/not a number", fromOps},
	{rejectsSilently, "add/if absent", []driver.Op{driver.OpAdd}},
	{rejectsSilently, "replace/if present", []driver.Op{driver.OpReplace}},
	{rejectsSilently, "add multi/exactly", []driver.Op{driver.OpAddMulti}},
	{rejectsSilently, "replace multi/exactly", []driver.Op{driver.OpReplaceMulti}},
	{rejectsSilently, "delete/absent", []driver.Op{driver.OpDelete}},
	{rejectsSilently, "get or add/absent", orAddOps},
	{rejectsSilently, "swap/changed", []driver.Op{driver.OpCompareAndSwap}},
	{rejectsSilently, "swap/delete", []driver.Op{driver.OpCompareAndDelete}},
	{rejectsSilently, "swap many/exactly", []driver.Op{driver.OpCompareAndSwapMulti, driver.OpCompareAndDeleteMulti}},
	{rejectsSilently, "touch/ttl", touchOps},
	{rejectsTooLate, "add/if absent", []driver.Op{driver.OpAdd}},
	{rejectsTooLate, "replace/if present", []driver.Op{driver.OpReplace}},
	{rejectsTooLate, "add multi/exactly", []driver.Op{driver.OpAddMulti}},
	{rejectsTooLate, "replace multi/exactly", []driver.Op{driver.OpReplaceMulti}},
	{rejectsTooLate, "count/not a number", ops(countOps, fromOps)},
	{rejectsTooLate, "swap/changed", []driver.Op{driver.OpCompareAndSwap}},
	{rejectsTooLate, "swap/gone", []driver.Op{driver.OpCompareAndSwap}},
	{rejectsTooLate, "swap/delete", []driver.Op{driver.OpCompareAndDelete}},
	{rejectsTooLate, "swap many/exactly", []driver.Op{driver.OpCompareAndSwapMulti, driver.OpCompareAndDeleteMulti}},
	{leavesAbsentKeys, "get/miss", ops(getOps, getItemOps, touchOps, countOps, []driver.Op{driver.OpDelete})},
	{leavesAbsentKeys, "delete multi/absent", []driver.Op{driver.OpDeleteMulti}},
	{leavesAbsentKeys, "replace/if present", []driver.Op{driver.OpReplace}},
	{leavesAbsentKeys, "replace multi/exactly", []driver.Op{driver.OpReplaceMulti}},
	{leavesAbsentKeys, "count/absent", countOps},
	{leavesAbsentKeys, "swap/gone", []driver.Op{driver.OpCompareAndSwap}},
	{leavesAbsentKeys, "swap/delete", []driver.Op{driver.OpCompareAndDelete}},
	{leavesAbsentKeys, "swap many/exactly", []driver.Op{driver.OpCompareAndSwapMulti, driver.OpCompareAndDeleteMulti}},
	{failsThoughStored, "set/always", []driver.Op{driver.OpSet}},
	{failsThoughStored, "set multi/all", []driver.Op{driver.OpSetMulti}},
	{failsThoughStored, "add multi/exactly", []driver.Op{driver.OpAddMulti}},
	{failsThoughStored, "replace multi/exactly", []driver.Op{driver.OpReplaceMulti}},
	{failsThoughStored, "add/if absent", []driver.Op{driver.OpAdd}},
	{failsThoughStored, "replace/if present", []driver.Op{driver.OpReplace}},
	{removesNothing, "delete/present", []driver.Op{driver.OpDelete}},
	{removesNothing, "delete multi/absent", []driver.Op{driver.OpDeleteMulti}},
	{removesNothing, "swap/delete", []driver.Op{driver.OpCompareAndDelete}},
	{removesNothing, "swap many/exactly", []driver.Op{driver.OpCompareAndDeleteMulti}},
	{removesNothing, "flush/everything", []driver.Op{driver.OpFlush}},
	{removesNeighbor, "delete/present", []driver.Op{driver.OpDelete}},
	{saysAdded, "get or add/present", orAddOps},
	{equalIsRejected, "swap/new state", ops(setOps, replaceOps, swapOps, countOps)},
	{equalIsRejected, "value/stable", touchOps},
	{removesLater, "flush/everything", []driver.Op{driver.OpFlush}},

	{losesRepeats, "get multi/partial", []driver.Op{driver.OpGetMulti, driver.OpGetItemMulti}},
	{losesRepeats, "delete multi/absent", []driver.Op{driver.OpDeleteMulti}},
	{losesOthers, "outage/the others", []driver.Op{driver.OpGetMulti, driver.OpGetItemMulti, driver.OpGetOrAddMulti, driver.OpSetMulti, driver.OpReplaceMulti}},
	{losesOthers, "value/large", []driver.Op{driver.OpSetMulti, driver.OpAddMulti, driver.OpReplaceMulti}},
	{endsTooEarly, "get multi/many", []driver.Op{driver.OpGetMulti, driver.OpGetItemMulti, driver.OpSetMulti, driver.OpDeleteMulti}},
	{endsTooEarly, "store multi/many", []driver.Op{driver.OpSetMulti, driver.OpAddMulti, driver.OpReplaceMulti}},
	{endsTooEarly, "get or add/many", orAddOps},
	{endsTooEarly, "swap many/large", []driver.Op{driver.OpCompareAndSwapMulti, driver.OpCompareAndDeleteMulti}},
	{endsAtFailure, "outage/the others", multiOps[:7]},
	{endsAtFailure, "swap many/exactly", []driver.Op{driver.OpCompareAndSwapMulti, driver.OpCompareAndDeleteMulti}},
	{mixesBatches, "get multi/many", []driver.Op{driver.OpGetMulti, driver.OpGetItemMulti}},
	{mixesBatches, "get or add/many", orAddOps},
	{mixesBatches, "store multi/many", []driver.Op{driver.OpAddMulti, driver.OpReplaceMulti}},
	{mixesBatches, "swap many/large", []driver.Op{driver.OpCompareAndSwapMulti, driver.OpCompareAndDeleteMulti}},
	{sharesTTL, "swap many/own values", []driver.Op{driver.OpCompareAndSwapMulti}},
	{sharesKind, "value/kind", []driver.Op{driver.OpCompareAndSwapMulti}},
	{mixesValues, "store multi/many", []driver.Op{driver.OpSetMulti, driver.OpAddMulti, driver.OpReplaceMulti}},
	{mixesValues, "get or add/many", orAddOps},
	{mixesValues, "swap many/large", []driver.Op{driver.OpCompareAndSwapMulti}},

	{returnsOldCount, "count/steps", countOps},
	{returnsOldCount, "initial/present", fromOps},
	{countsSigns, "count/not a number", ops(countOps, fromOps)},
	{countsSpaces, "count/not a number", ops(countOps, fromOps)},
	{countsEmpty, "count/not a number", ops(countOps, fromOps)},
	{countsLiterals, "count/not a number", ops(countOps, fromOps)},
	{countsPrefixes, "count/not a number", ops(countOps, fromOps)},
	{countsTooLarge, "count/not a number", ops(countOps, fromOps)},
	{countsBy32Bits, "count/wrap", []driver.Op{driver.OpIncrement}},
	{countsBy32Bits, "count/floor", []driver.Op{driver.OpDecrement}},
	{countsBy32Bits, "initial/absent", fromOps},
	{stopsOrWraps, "count/wrap", []driver.Op{driver.OpIncrement}},
	{stopsOrWraps, "count/floor", []driver.Op{driver.OpDecrement}},
	{stopsOrWraps, "initial/absent", fromOps},
	{padsCounters, "count/padding", readOps},
	{storesOldCount, "count/steps", countOps},
	{storesOldCount, "initial/present", fromOps},
	{ignoresDelta, "initial/absent", fromOps},

	{equalIsNoChange, "swap/new state", ops(setOps, replaceOps, swapOps, countOps, fromOps)},
	{beginsStatesAnew, "swap/new state", ops(setOps, addOps, orAddOps, fromOps)},
	{makesNewState, "swap/same state", ops(getOps, addOps, swapOps, cutOps, countOps)},
	{comparesNothing, "swap/new state", ops(swapOps, cutOps)},
	{comparesNothing, "swap many/exactly", []driver.Op{driver.OpCompareAndSwapMulti, driver.OpCompareAndDeleteMulti}},
	{goneIsConflict, "swap/gone", []driver.Op{driver.OpCompareAndSwap}},
	{goneIsConflict, "swap/delete", []driver.Op{driver.OpCompareAndDelete}},
	{goneIsConflict, "swap many/exactly", []driver.Op{driver.OpCompareAndSwapMulti, driver.OpCompareAndDeleteMulti}},
	{mixesStates, "get or add/same state", ops(getItemOps, orAddOps)},

	{notAtomic, "concurrent/add", addOps},
	{notAtomic, "get or add/concurrent", orAddOps},
	{notAtomic, "concurrent/delete", []driver.Op{driver.OpDelete}},
	{notAtomic, "count/concurrent", countOps},
	{notAtomic, "concurrent/deleted", ops(replaceOps, countOps, touchOps, swapOps)},
	{notAtomic, "touch/concurrent", touchOps},
	{notAtomic, "swap/concurrent", []driver.Op{driver.OpCompareAndSwap, driver.OpCompareAndDelete}},
	{notAtomic, "swap many/concurrent", []driver.Op{driver.OpCompareAndSwapMulti, driver.OpCompareAndDeleteMulti}},
	{notAtomic, "initial/concurrent", fromOps},
	{touchesNewest, "touch/same item", gatOps},

	{countsNothing, "stats/counts", ops(storeOps[:6], swapOps, countOps, readOps, fromOps)},

	{outageIsMiss, "outage/never a miss", ops(setOps, addOps, replaceOps, readOps, deleteOps, countOps, []driver.Op{driver.OpTouch})},
	{outageIsMiss, "outage/never a miss", ops(fromOps, []driver.Op{driver.OpFlush, driver.OpPing})},
	{outageIsRejection, "outage/never a miss", ops(addOps, replaceOps)},
	{outageIsBare, "outage/never a miss", ops(setOps, addOps, replaceOps, readOps, deleteOps, countOps, []driver.Op{driver.OpTouch})},
	{outageIsBare, "outage/never a miss", ops(fromOps, []driver.Op{driver.OpFlush})},
	{unreadableIsMiss, "unreadable/reads", readOps},
	{unreadableIsOutage, "unreadable/reads", readOps},
	{returnsUnreadable, "unreadable/reads", readOps},
	{outageNamesOther, "outage/never a miss", ops(setOps, addOps, replaceOps, readOps, deleteOps, countOps, []driver.Op{driver.OpTouch})},
}

// TestMatrix breaks each rule in each operation alone and checks that the case finds it.
func TestMatrix(t *testing.T) {
	byName := map[string]test{}
	for _, c := range cases(everyOption) {
		byName[c.name] = c
	}
	for _, r := range matrix {
		c, ok := byName[r.found]
		if !ok {
			t.Fatalf("%s: there is no case %q", r.rule, r.found)
		}
		for _, op := range r.ops {
			t.Run(fmt.Sprintf("%s/%s/%s", strings.ReplaceAll(r.found, "/", " "), opName(op), r.rule), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					if errs := runCase(c, brokenMap(breach{r.rule, op})); len(errs) == 0 {
						t.Errorf("%s: %s, and the case %q passes", opName(op), r.rule, c.name)
					}
				})
			})
		}
	}
}

// brokenMap opens a mapCache with batches that breaks a rule in one operation.
func brokenMap(b breach) opener {
	return func(down bool) (subject, *mapCache) {
		m := newMapCache()
		m.max, m.broken = largest, b
		var d driver.Cache = mapBatches{m}
		if down {
			m.down = everyOther
			d = unreachable{mapBatches{m}}
		}
		return plain{cache.New(d, cache.Options{Name: "map"})}, m
	}
}

// unreachable is a mapCache whose Ping fails.
type unreachable struct{ mapBatches }

func (u unreachable) Ping(context.Context) error {
	if u.breaks(outageIsMiss, driver.OpPing) {
		return nil
	}
	return driver.Unavailable("map", driver.OpPing, "server-1", context.DeadlineExceeded)
}
