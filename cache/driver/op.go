package driver

// An Op names an operation, in errors and to hooks. The zero Op names no operation.
type Op uint8

// The operations of a cache. An operation on many keys has its own Op.
const (
	OpGet Op = iota + 1
	OpGetMulti
	OpGetAndTouch
	OpSet
	OpSetMulti
	OpAdd
	OpAddMulti
	OpReplace
	OpReplaceMulti
	OpDelete
	OpDeleteMulti
	OpIncrement
	OpDecrement
	OpGetItem
	OpGetItemMulti
	OpGetOrAdd
	OpGetOrAddMulti
	OpCompareAndSwap
	OpCompareAndSwapMulti
	OpCompareAndDelete
	OpCompareAndDeleteMulti
	OpTouch
	OpFlush
	OpPing
	OpStats

	// The operations of package dependency.
	OpDependencyKeys
	OpDependencyAdd
	OpDependencyDelete

	// The operations of package load.
	OpLoad
	OpLoadMulti
	OpRefresh // a load in the background, for no caller, of values that are in the cache
	OpInvalidate

	opEnd // one more than the last
)

var opNames = [opEnd]string{
	OpGet: "get", OpGetMulti: "get_multi", OpGetAndTouch: "get_and_touch",
	OpSet: "set", OpSetMulti: "set_multi",
	OpAdd: "add", OpAddMulti: "add_multi",
	OpReplace: "replace", OpReplaceMulti: "replace_multi",
	OpDelete: "delete", OpDeleteMulti: "delete_multi",
	OpIncrement: "increment", OpDecrement: "decrement",
	OpGetItem: "get_item", OpGetItemMulti: "get_item_multi",
	OpGetOrAdd: "get_or_add", OpGetOrAddMulti: "get_or_add_multi",
	OpCompareAndSwap: "compare_and_swap", OpCompareAndSwapMulti: "compare_and_swap_multi",
	OpCompareAndDelete: "compare_and_delete", OpCompareAndDeleteMulti: "compare_and_delete_multi",
	OpTouch: "touch", OpFlush: "flush", OpPing: "ping", OpStats: "stats",
	OpDependencyKeys: "dependency_keys", OpDependencyAdd: "dependency_add", OpDependencyDelete: "dependency_delete",
	OpLoad: "load", OpLoadMulti: "load_multi", OpRefresh: "refresh", OpInvalidate: "invalidate",
}

// String returns the name of the operation in lower case with underscores, such as
// "get_multi". The name of the zero Op is "".
func (o Op) String() string {
	if o < opEnd {
		return opNames[o]
	}
	return "unknown"
}

// Ops returns all operations, in the order of their declaration.
func Ops() []Op {
	ops := make([]Op, 0, opEnd-1)
	for o := OpGet; o < opEnd; o++ {
		ops = append(ops, o)
	}
	return ops
}
