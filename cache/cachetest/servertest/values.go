package servertest

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/larder-go/larder/cache"
)

var valueCases = []test{
	{
		name: "values/too large",
		rule: "a value that the server rejects for its size is ErrTooLarge, in every operation that stores, and the next call works",
		run:  valuesTooLarge, needs: needsTooLarge,
	},
	{
		name: "values/too large among small ones",
		rule: "a value that is rejected fails alone: the others of its batch are stored",
		run:  valuesAmong, needs: needsTooLarge,
	},
	{
		name: "values/large",
		rule: "values of any size that the server accepts are returned as they were stored, alone and in batches",
		run:  valuesLarge,
	},
}

func needsTooLarge(o Options) string {
	if o.TooLarge == 0 {
		return "the server refuses no value for its size"
	}
	return ""
}

func valuesTooLarge(s *suite) {
	_, c := s.one(s.patient)
	ctx := context.Background()
	large, small := make([]byte, s.o.TooLarge), []byte("small")
	for _, store := range []struct {
		name string
		do   func() error
	}{
		{"Set", func() error { return c.Set(ctx, "k", large, 0) }},
		{"Add", func() error { return c.Add(ctx, "new", large, 0) }},
		{"Replace", func() error { return c.Replace(ctx, "k", large, 0) }},
		{"CompareAndSwap", func() error {
			if !c.Supports(cache.OpCompareAndSwap) {
				return cache.ErrTooLarge
			}
			it, err := c.GetItem(ctx, "k")
			if err != nil {
				return err
			}
			return c.CompareAndSwap(ctx, it, large, 0)
		}},
		{"GetOrAdd", func() error {
			if !c.Supports(cache.OpGetOrAdd) {
				return cache.ErrTooLarge
			}
			_, _, err := c.GetOrAdd(ctx, "new", large, 0)
			return err
		}},
	} {
		for range 2 {
			s.none(c.Set(ctx, "k", small, 0), "Set of a small value")
			if err := store.do(); !errors.Is(err, cache.ErrTooLarge) {
				s.errorf("%s of %d bytes: error %v, want %q", store.name, s.o.TooLarge, err, cache.ErrTooLarge)
			}
		}
	}
	s.none(c.Set(ctx, "k", small, 0), "Set of a small value")
	if v, err := c.Get(ctx, "k"); err != nil || !bytes.Equal(v, small) {
		s.errorf("Get after values that were too large: %q, error %v", v, err)
	}
}

func valuesAmong(s *suite) {
	_, c := s.one(s.patient)
	ctx := context.Background()
	values := valuesOf(keys(500))
	large := map[string]bool{"large:1": true, "large:2": true}
	for k := range large {
		values[k] = make([]byte, s.o.TooLarge)
	}
	only := func(what string, err error) {
		var m *cache.MultiError
		if !errors.As(err, &m) || len(m.Errors) != len(large) {
			s.errorf("%s: error %v, want one for each of the %d large values", what, err, len(large))
			return
		}
		for k, err := range m.Errors {
			if !large[k] || !errors.Is(err, cache.ErrTooLarge) {
				s.errorf("%s: error %q at %q", what, err, k)
			}
		}
	}
	only("SetMulti", c.SetMulti(ctx, values, 0))
	found, err := c.GetMulti(ctx, keys(500))
	s.none(err, "GetMulti")
	s.owned(found, "GetMulti")
	if len(found) != 500 {
		s.errorf("after SetMulti with two large values there are %d small ones, want 500", len(found))
	}
	s.none(c.DeleteMulti(ctx, keys(500)), "DeleteMulti")
	only("AddMulti", c.AddMulti(ctx, values, 0))
	if !c.Supports(cache.OpCompareAndSwapMulti) {
		return
	}
	for k := range large {
		s.none(c.Set(ctx, k, nil, 0), "Set of a small value")
	}
	all := append(keys(500), "large:1", "large:2")
	items, err := c.GetItemMulti(ctx, all)
	s.none(err, "GetItemMulti")
	var swaps []cache.Swap
	for _, k := range all {
		swaps = append(swaps, cache.Swap{Old: items[k], Value: values[k]})
	}
	only("CompareAndSwapMulti", c.CompareAndSwapMulti(ctx, swaps))
}

func valuesLarge(s *suite) {
	_, c := s.one(s.patient)
	ctx := context.Background()
	values := map[string][]byte{}
	most := 4 << 20
	if s.o.TooLarge > 0 {
		most = s.o.TooLarge / 4
	}
	for size := 1; size <= most; size *= 2 {
		for _, n := range []int{size - 1, size, size + 1} {
			values[fmt.Sprint(n)] = bytes.Repeat([]byte("0123456789\r\n"), n/12+1)[:n]
		}
	}
	s.none(c.SetMulti(ctx, values, 0), "SetMulti")
	found, err := c.GetMulti(ctx, sortedKeys(values))
	s.none(err, "GetMulti")
	for k, v := range values {
		if !bytes.Equal(found[k], v) {
			s.errorf("GetMulti: a value of %s bytes came back as %d other bytes", k, len(found[k]))
		}
		if got, err := c.Get(ctx, k); err != nil || !bytes.Equal(got, v) {
			s.errorf("Get: a value of %s bytes came back as %d other bytes, error %v", k, len(got), err)
		}
	}
}
