package cachetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// month is the TTL from which on memcached takes an expiry for a date.
const month = 30 * 24 * time.Hour

// A rule is one that a mapCache can break in one operation. Its text says what happens
// then.
type rule string

// A row of the matrix is a rule, the operations in which it is broken, one at a time, and
// the case that must find each.
type row struct {
	rule  rule
	found string
	ops   []driver.Op
}

// The operations of an InitialCounter. Hooks see them as increments and decrements.
const (
	opIncrementFrom = driver.Op(200 + iota)
	opDecrementFrom
)

// publicOp returns the operation that hooks and errors name.
func publicOp(op driver.Op) driver.Op {
	switch op {
	case opIncrementFrom:
		return driver.OpIncrement
	case opDecrementFrom:
		return driver.OpDecrement
	}
	return op
}

func opName(op driver.Op) string {
	switch op {
	case opIncrementFrom:
		return "increment_from"
	case opDecrementFrom:
		return "decrement_from"
	}
	return op.String()
}

func ops(groups ...[]driver.Op) []driver.Op { return slices.Concat(groups...) }

// The operations of a driver in groups. GetOrAdd is GetOrAddMulti here, with one key.
var (
	setOps     = []driver.Op{driver.OpSet, driver.OpSetMulti}
	addOps     = []driver.Op{driver.OpAdd, driver.OpAddMulti}
	replaceOps = []driver.Op{driver.OpReplace, driver.OpReplaceMulti}
	swapOps    = []driver.Op{driver.OpCompareAndSwap, driver.OpCompareAndSwapMulti}
	cutOps     = []driver.Op{driver.OpCompareAndDelete, driver.OpCompareAndDeleteMulti}
	deleteOps  = []driver.Op{driver.OpDelete, driver.OpDeleteMulti}
	countOps   = []driver.Op{driver.OpIncrement, driver.OpDecrement}
	getOps     = []driver.Op{driver.OpGet, driver.OpGetMulti}
	getItemOps = []driver.Op{driver.OpGetItem, driver.OpGetItemMulti}
	orAddOps   = []driver.Op{driver.OpGetOrAddMulti}
	touchOps   = []driver.Op{driver.OpTouch, driver.OpGetAndTouch}
	gatOps     = []driver.Op{driver.OpGetAndTouch}

	fromOps = []driver.Op{opIncrementFrom, opDecrementFrom}

	storeOps = ops(setOps, addOps, replaceOps, swapOps, orAddOps)
	readOps  = ops(getOps, getItemOps, orAddOps, gatOps)
	multiOps = []driver.Op{driver.OpSetMulti, driver.OpAddMulti, driver.OpReplaceMulti, driver.OpDeleteMulti, driver.OpGetMulti,
		driver.OpGetItemMulti, driver.OpGetOrAddMulti, driver.OpCompareAndSwapMulti, driver.OpCompareAndDeleteMulti}
	everyKeyed = ops(storeOps, readOps, deleteOps, cutOps, countOps, []driver.Op{driver.OpTouch})
)

// What breaks in a driver.
const (
	// Keys.
	foldsKeys      rule = "some keys that differ in case are one"
	cutsKeys       rule = "a key of 250 bytes loses its end"
	normalizesKeys rule = "two keys that look the same are one, and so are two that are not UTF-8"
	joinsPaths     rule = "a slash in a key is a colon"

	// Values.
	emptyIsNil       rule = "an empty value is nil"
	cutsStores       rule = "a stored value ends at a line end"
	cutsReads        rule = "a value that is read ends at a line end"
	trimsReads       rule = "a value that is read loses spaces at its end"
	keepsSmallSlices rule = "the slice of a small value is kept"
	keepsLargeSlices rule = "the slice of a value over 4 KiB is kept"
	writesInPlace    rule = "bytes that were returned are overwritten"
	reusesBuffer     rule = "the next read overwrites the bytes that were returned"
	storesText       rule = "bytes that are not UTF-8 are replaced"
	storesStrings    rule = "a stored value ends at a zero byte"
	writesToGiven    rule = "the value that the caller passed is overwritten"
	returnsGiven     rule = "the value that the caller passed is returned as that of the item"
	cutsLarge        rule = "a value that is too large loses its end"
	largeIsOutage    rule = "a value that is too large looks like an outage"
	storesOneKind    rule = "the kind is always text"

	// TTLs.
	losesTTL        rule = "the TTL is lost"
	zeroIsAYear     rule = "no expiry is a year"
	zeroKeepsTTL    rule = "no expiry keeps the TTL that the key had"
	keepsOldTTL     rule = "the TTL that the key had stays"
	truncatesTTL    rule = "a TTL below a second is none"
	monthIsPast     rule = "a TTL of more than 30 days is in the past"
	hugeIsPast      rule = "the largest TTL overflows"
	expiresEarly    rule = "the TTL is a second too short"
	expiresLate     rule = "the TTL is a second too long"
	findsExpired    rule = "an expired item is found"
	findsAtExpiry   rule = "an item is found exactly at its expiry"
	renewsTTL       rule = "the TTL begins anew"
	forgetsTTL      rule = "the TTL is removed"
	hidesTTL        rule = "the TTL is unknown, though other operations know it"
	tellsFullTTL    rule = "the remaining TTL is the whole TTL"
	tellsNoShortTTL rule = "a remaining TTL below a second is none"

	// Reads, stores and deletes.
	wrapsMiss         rule = "a miss is wrapped"
	missIsError       rule = "an absent key is an error of the batch"
	takesAway         rule = "the item is removed"
	storesAlways      rule = "the condition is ignored"
	rejectsSilently   rule = "a rejection returns no error"
	rejectsTooLate    rule = "a rejected operation takes effect"
	leavesAbsentKeys  rule = "an absent key is stored"
	failsThoughStored rule = "a success returns an error"
	removesNothing    rule = "nothing is removed"
	removesNeighbor   rule = "another key is removed as well"
	saysAdded         rule = "a present item is reported as added"

	equalIsRejected rule = "an operation that leaves things as they are is rejected"
	removesLater    rule = "what is stored soon after is removed as well"

	// Batches.
	losesRepeats  rule = "a key that repeats is lost"
	losesOthers   rule = "one failure loses the other keys"
	endsTooEarly  rule = "the end of a large batch is dropped"
	endsAtFailure rule = "a batch ends at the first failure"
	mixesBatches  rule = "results are mixed up"
	sharesKind    rule = "all items of a batch get one kind"
	mixesValues   rule = "values of a large batch are stored at other keys"
	sharesTTL     rule = "all items of a batch get one TTL"

	// Counters.
	returnsOldCount rule = "the count from before is returned"
	storesOldCount  rule = "the count from before is stored"
	ignoresDelta    rule = "the first count is the initial value"
	countsSigns     rule = `"+5" counts`
	countsSpaces    rule = `" 5" counts`
	countsEmpty     rule = "an empty value counts as 0"
	countsLiterals  rule = `"0x10" counts`
	countsPrefixes  rule = `"5x" counts`
	countsTooLarge  rule = "a number over 64 bits counts"
	countsBy32Bits  rule = "numbers have 32 bits"
	stopsOrWraps    rule = "increments stop at the top, or decrements wrap"
	padsCounters    rule = "a counter that lost a digit is padded"

	// Items.
	equalIsNoChange  rule = "a store of equal bytes makes no new state"
	beginsStatesAnew rule = "the states of a key that was deleted begin anew"
	makesNewState    rule = "a new state is made without a store"
	comparesNothing  rule = "the token is not compared"
	goneIsConflict   rule = "an item that is gone is a conflict"
	mixesStates      rule = "the token is of a later state than the value"

	// Concurrency.
	notAtomic     rule = "others can come between look and write"
	touchesNewest rule = "a store can come between the value and the touch"

	// The whole.
	countsNothing rule = "the statistics do not count it"

	// Failures.
	outageIsMiss       rule = "an outage looks like a miss"
	outageIsRejection  rule = "an outage looks like a rejection"
	outageNamesOther   rule = "an outage error names another operation"
	outageIsBare       rule = "an outage error names no driver"
	unreadableIsMiss   rule = "a value that cannot be decoded is a miss"
	unreadableIsOutage rule = "a value that cannot be decoded is an outage"
	returnsUnreadable  rule = "a value that cannot be decoded is returned raw"
)

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
