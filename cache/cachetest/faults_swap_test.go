package cachetest

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// swapBatchFaults break CompareAndDeleteMulti.
var swapBatchFaults = []fault{
	{
		name: "many deletes do not compare",
		driver: func(f *faulty) {
			f.swapDeletes = func(keys []string, _ []any) []error {
				for i, k := range keys {
					if err := f.delete(k); err != nil && len(keys) == 6 && i == 2 {
						return []error{nil, nil, err, nil, nil, nil}
					}
				}
				return nil
			}
		},
		breaks: []string{"swap/delete many", "swap/delete many, large", "swap/delete many, concurrent", "view/outcome"},
	},
	{
		name: "many deletes end at the first conflict",
		driver: func(f *faulty) {
			f.swapDeletes = func(keys []string, tokens []any) []error {
				errs := make([]error, len(keys))
				for i, k := range keys {
					if errs[i] = f.swapDelete(k, tokens[i]); errors.Is(errs[i], driver.ErrConflict) {
						return errs
					}
				}
				return errs
			}
		},
		breaks: []string{"swap/delete many", "swap/delete many, large"},
	},
	{
		name: "many deletes take equal bytes for no change",
		driver: func(f *faulty) {
			deletes := f.swapDeletes
			f.swapDeletes = func(keys []string, tokens []any) []error {
				errs := deletes(keys, tokens)
				for i, k := range keys {
					if v, err := f.get(k); err == nil && string(v) == "of "+k && len(keys) > 1 {
						errs[i] = f.delete(k)
					}
				}
				return errs
			}
		},
		breaks: []string{"swap/delete many"},
	},
	{
		name: "many deletes call a miss a conflict",
		driver: func(f *faulty) {
			deletes := f.swapDeletes
			f.swapDeletes = func(keys []string, tokens []any) []error {
				errs := deletes(keys, tokens)
				for i := range errs {
					if len(keys) == 6 && errors.Is(errs[i], driver.ErrMiss) {
						errs[i] = driver.ErrConflict
					}
				}
				return errs
			}
		},
		breaks: []string{"swap/delete many"},
	},
	{
		name: "the first answer of a window stands for all of it",
		driver: func(f *faulty) {
			deletes := f.swapDeletes
			f.swapDeletes = func(keys []string, tokens []any) []error {
				errs := deletes(keys, tokens)
				for i := range errs {
					if i >= 256 {
						errs[i] = errs[i/256*256]
					}
				}
				return errs
			}
		},
		breaks: []string{"swap/delete many, large"},
	},
	{
		name: "many deletes are compares and deletes",
		driver: func(f *faulty) {
			deletes := f.swapDeletes
			f.swapDeletes = func(keys []string, tokens []any) []error {
				if len(keys) != 40 {
					return deletes(keys, tokens)
				}
				errs := make([]error, len(keys))
				for i, k := range keys {
					it, err := f.getItem(k)
					if errs[i] = err; err != nil {
						continue
					}
					time.Sleep(time.Nanosecond)
					if it.Token != tokens[i] {
						errs[i] = driver.ErrConflict
					} else if err := f.delete(k); !errors.Is(err, driver.ErrMiss) {
						errs[i] = err
					}
				}
				return errs
			}
		},
		breaks: []string{"swap/delete many, concurrent"},
	},
	{
		name:    "many deletes take a foreign item",
		subject: func(c subject) subject { return credulousMany{c} },
		breaks:  []string{"swap/delete many, foreign"},
	},
	{
		name:    "a foreign item stops many deletes",
		subject: func(c subject) subject { return strictMany{c} },
		breaks:  []string{"swap/delete many, foreign"},
	},
	{
		name:    "many deletes go on although the context is done",
		subject: func(c subject) subject { return deafMany{c} },
		breaks:  []string{"context/done before"},
	},
	{
		name:    "many deletes work after Close",
		subject: func(c subject) subject { return openMany{c} },
		breaks:  []string{"close/afterwards"},
	},
	{
		name:    "many deletes are denied beside swaps",
		subject: func(c subject) subject { return modestMany{c} },
		breaks:  []string{"ability/answers", "ability/required"},
	},
	{
		name: "an outage loses the items of the others",
		outage: func(f *faulty) {
			getItemMulti := f.getItemMulti
			f.getItemMulti = func(keys []string) ([]driver.Item, []error) {
				items, err := getItemMulti(keys)
				if err != nil {
					return nil, err
				}
				return items, nil
			}
		},
		breaks: []string{"outage/the others"},
	},
}

// credulousMany takes items from anywhere.
type credulousMany struct{ subject }

func (c credulousMany) CompareAndDeleteMulti(ctx context.Context, old []cache.Item) error {
	err := c.subject.CompareAndDeleteMulti(ctx, old)
	if len(old) == 2 && old[1].Key == "own" {
		return nil
	}
	return err
}

// strictMany removes nothing if one item is not its own.
type strictMany struct{ subject }

func (s strictMany) CompareAndDeleteMulti(ctx context.Context, old []cache.Item) error {
	if len(old) == 2 && old[1].Key == "own" {
		return s.subject.CompareAndDeleteMulti(ctx, old[:1])
	}
	return s.subject.CompareAndDeleteMulti(ctx, old)
}

// deafMany does not look at the context.
type deafMany struct{ subject }

func (d deafMany) CompareAndDeleteMulti(_ context.Context, old []cache.Item) error {
	return d.subject.CompareAndDeleteMulti(context.Background(), old)
}

// openMany does not look whether the cache is closed.
type openMany struct{ subject }

func (o openMany) CompareAndDeleteMulti(ctx context.Context, old []cache.Item) error {
	if err := o.subject.CompareAndDeleteMulti(ctx, old); !errors.Is(err, cache.ErrClosed) {
		return err
	}
	return nil
}

// modestMany denies that it can delete many items.
type modestMany struct{ subject }

func (m modestMany) Supports(op cache.Op) bool {
	return op != cache.OpCompareAndDeleteMulti && m.subject.Supports(op)
}
