package valkey

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// An operation on one item is the batch of one: the scripts are the same.

// GetItem implements [driver.Swapper].
func (s *store) GetItem(ctx context.Context, key string) (driver.Item, error) {
	items, errs := s.getItems(ctx, cache.OpGetItem, []string{key})
	switch {
	case errs != nil:
		return driver.Item{}, errs[0]
	case items[0].Token == nil:
		return driver.Item{}, driver.ErrMiss
	}
	return items[0], nil
}

// GetItemMulti implements [driver.BatchSwapper].
func (s *store) GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, []error) {
	return s.getItems(ctx, cache.OpGetItemMulti, keys)
}

func (s *store) getItems(ctx context.Context, op cache.Op, keys []string) ([]driver.Item, []error) {
	items := make([]driver.Item, len(keys))
	errs := s.run(ctx, &batch{
		op: op, idempotent: true, errs: make([]error, len(keys)), list: true,
		request: func(k []int) request {
			r := s.scriptRequest(getItemScript, k, func(k int) string { return keys[k] })
			mark := newMark()
			r.arg(string(mark[:]))
			return r
		},
		reply: func(k int, v value) (err error) {
			items[k], err = s.item(ctx, op, keys[k], v)
			return ignoreMiss(err)
		},
	})
	return items, errs
}

// scriptRequest returns the request to run a script for some of the keys of a batch.
func (s *store) scriptRequest(script *script, indexes []int, key func(int) string) request {
	r := request{script: script, key: s.key(key(indexes[0]))}
	for _, k := range indexes[1:] {
		r.keys = append(r.keys, s.key(key(k)))
	}
	return r
}

// item returns the item of key that a script has returned, or ErrMiss.
func (s *store) item(ctx context.Context, op cache.Op, key string, v value) (driver.Item, error) {
	if isNil(v) {
		return driver.Item{}, driver.ErrMiss
	}
	pair, err := listOf(v)
	if err == nil && len(pair) != 2 {
		err = errShortReply
	}
	var b []byte
	if err == nil {
		b, err = bytesOf(pair[0])
	}
	var ms int64
	if err == nil {
		ms, err = integerOf(pair[1])
	}
	if err == nil && !marked(b) {
		err = errors.New("invalid reply: an item without a mark")
	}
	if err != nil {
		return driver.Item{}, naming(key, s.failure(ctx, op, err))
	}
	it := itemOf(b)
	it.TTLKnown = true
	if ms >= 0 {
		it.TTL = max(time.Duration(ms)*time.Millisecond, time.Millisecond)
	}
	return it, nil
}

// GetOrAddMulti implements [driver.BatchSwapper]. It is idempotent: an item that was added
// is recognized by its mark.
func (s *store) GetOrAddMulti(ctx context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	const op = cache.OpGetOrAddMulti
	defer s.views.dropEntries(entries)
	items, added := make([]driver.Item, len(entries)), make([]bool, len(entries))
	marks := make([]token, len(entries))
	for i := range marks {
		marks[i] = newMark()
	}
	errs := s.run(ctx, &batch{
		op: op, idempotent: true, errs: s.checkSizes(entries), list: true,
		size: func(k int) int { return len(entries[k].Value) },
		request: func(keys []int) request {
			r := s.scriptRequest(getOrAddScript, keys, func(k int) string { return entries[k].Key })
			mark := newMark()
			r.arg(string(mark[:]))
			r.more = make([]string, 0, 2*len(keys))
			for _, k := range keys {
				r.more = append(r.more, withMark(entries[k].Value, marks[k]), milliseconds(entries[k].TTL))
			}
			return r
		},
		reply: func(k int, v value) (err error) {
			if isStatus(v) {
				items[k], added[k] = addedItem(entries[k], marks[k]), true
				return nil
			}
			items[k], err = s.item(ctx, op, entries[k].Key, v)
			added[k] = err == nil && items[k].Token == marks[k]
			return err
		},
	})
	return items, added, errs
}

// addedItem is the item of an entry that was stored with a mark just now.
func addedItem(e driver.Entry, mark token) driver.Item {
	return driver.Item{Value: append([]byte{}, e.Value...), Token: mark, TTL: e.TTL, TTLKnown: true}
}

// CompareAndSwap implements [driver.Swapper].
func (s *store) CompareAndSwap(ctx context.Context, t any, e driver.Entry) error {
	return first(s.swap(ctx, cache.OpCompareAndSwap, []any{t}, []driver.Entry{e}))
}

// CompareAndSwapMulti implements [driver.BatchSwapper].
func (s *store) CompareAndSwapMulti(ctx context.Context, tokens []any, entries []driver.Entry) []error {
	return s.swap(ctx, cache.OpCompareAndSwapMulti, tokens, entries)
}

// swap is not idempotent: the second try would find what the first has stored.
func (s *store) swap(ctx context.Context, op cache.Op, tokens []any, entries []driver.Entry) []error {
	defer s.views.dropEntries(entries)
	errs := s.checkSizes(entries)
	marks := s.checkTokens(op, tokens, errs)
	return s.run(ctx, &batch{
		op: op, errs: errs, list: true,
		size: func(k int) int { return len(entries[k].Value) },
		request: func(keys []int) request {
			r := s.scriptRequest(swapScript, keys, func(k int) string { return entries[k].Key })
			r.more = make([]string, 0, 3*len(keys))
			for _, k := range keys {
				e := entries[k]
				r.more = append(r.more, marks[k], stored(e.Value), milliseconds(e.TTL))
			}
			return r
		},
		reply: func(_ int, v value) error { return s.outcome(ctx, op, v) },
	})
}

// CompareAndDelete implements [driver.Swapper].
func (s *store) CompareAndDelete(ctx context.Context, key string, t any) error {
	return first(s.drop(ctx, cache.OpCompareAndDelete, []string{key}, []any{t}))
}

// CompareAndDeleteMulti implements [driver.BatchSwapper].
func (s *store) CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error {
	return s.drop(ctx, cache.OpCompareAndDeleteMulti, keys, tokens)
}

// drop is not idempotent: the second try would find nothing where the first has deleted.
func (s *store) drop(ctx context.Context, op cache.Op, keys []string, tokens []any) []error {
	defer s.views.drop(keys...)
	errs := make([]error, len(keys))
	marks := s.checkTokens(op, tokens, errs)
	return s.run(ctx, &batch{
		op: op, errs: errs, list: true,
		request: func(k []int) request {
			r := s.scriptRequest(dropScript, k, func(k int) string { return keys[k] })
			r.more = make([]string, len(k))
			for i, k := range k {
				r.more[i] = marks[k]
			}
			return r
		},
		reply: func(_ int, v value) error { return s.outcome(ctx, op, v) },
	})
}

// checkTokens returns the marks of the tokens, and notes an error for each token that is not a
// mark.
func (s *store) checkTokens(op cache.Op, tokens []any, errs []error) []string {
	marks := make([]string, len(tokens))
	for i, t := range tokens {
		mark, ok := t.(token)
		if !ok {
			errs[i] = &driver.Error{Driver: name, Op: op, Err: errForeignToken}
		}
		marks[i] = string(mark[:])
	}
	return marks
}

var (
	errForeignToken = errors.New("the token is not one of this driver")
	errShortReply   = errors.New("invalid reply: the list has not as many elements as there are keys")
	errNoServer     = errors.New("the server of the key has failed, and no other has taken over")
)

// outcome returns the error for what a script says of a key that was to be changed.
func (s *store) outcome(ctx context.Context, op cache.Op, v value) error {
	n, err := integerOf(v)
	switch {
	case err != nil:
		return s.failure(ctx, op, err)
	case n == replyMiss:
		return driver.ErrMiss
	case n == replyConflict:
		return driver.ErrConflict
	}
	return nil
}

func first(errs []error) error {
	if errs == nil {
		return nil
	}
	return errs[0]
}
