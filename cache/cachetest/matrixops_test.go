package cachetest

import (
	"slices"

	"github.com/larder-go/larder/cache/driver"
)

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
