package cache

import "github.com/larder-go/larder/cache/driver"

// An Op names an operation, in errors, to hooks and to [Cache.Supports]. The zero Op
// names no operation.
type Op = driver.Op

// The operations of a Cache. An operation on many keys has its own Op.
const (
	OpGet                   = driver.OpGet
	OpGetMulti              = driver.OpGetMulti
	OpGetAndTouch           = driver.OpGetAndTouch
	OpSet                   = driver.OpSet
	OpSetMulti              = driver.OpSetMulti
	OpAdd                   = driver.OpAdd
	OpAddMulti              = driver.OpAddMulti
	OpReplace               = driver.OpReplace
	OpReplaceMulti          = driver.OpReplaceMulti
	OpDelete                = driver.OpDelete
	OpDeleteMulti           = driver.OpDeleteMulti
	OpIncrement             = driver.OpIncrement
	OpDecrement             = driver.OpDecrement
	OpGetItem               = driver.OpGetItem
	OpGetItemMulti          = driver.OpGetItemMulti
	OpGetOrAdd              = driver.OpGetOrAdd
	OpGetOrAddMulti         = driver.OpGetOrAddMulti
	OpCompareAndSwap        = driver.OpCompareAndSwap
	OpCompareAndSwapMulti   = driver.OpCompareAndSwapMulti
	OpCompareAndDelete      = driver.OpCompareAndDelete
	OpCompareAndDeleteMulti = driver.OpCompareAndDeleteMulti
	OpTouch                 = driver.OpTouch
	OpFlush                 = driver.OpFlush
	OpPing                  = driver.OpPing
	OpStats                 = driver.OpStats
)

// The operations of packages dependency and load, which consist of operations of a
// Cache. See [Call.Within].
const (
	OpDependencyKeys   = driver.OpDependencyKeys
	OpDependencyAdd    = driver.OpDependencyAdd
	OpDependencyDelete = driver.OpDependencyDelete
	OpLoad             = driver.OpLoad
	OpLoadMulti        = driver.OpLoadMulti
	OpRefresh          = driver.OpRefresh
	OpInvalidate       = driver.OpInvalidate
)
