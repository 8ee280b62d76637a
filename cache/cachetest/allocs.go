package cachetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/race"
)

// Allocations are the numbers of allocations that operations may make. The zero value
// allows none.
type Allocations struct {
	GetHit     int
	GetMiss    int
	Set        int // over a key that is present
	AddPresent int
	Replace    int
	DeleteMiss int // of an absent key
	SetDelete  int // a Set of an absent key, and its Delete
	Increment  int
	Decrement  int
}

// Allocs tests that no operation of the cache that open returns makes more allocations
// than most allows, on average, with values of 128 bytes, and that each returns what it
// should. It skips the test under the race detector, which allocates itself. Call it from a
// test with Alloc in its name.
func Allocs(t *testing.T, open func(t *testing.T) *cache.Cache, most Allocations) {
	t.Helper()
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	c := open(t)
	defer func() { must(t, c.Close()) }()
	for _, problem := range allocations(c, most) {
		t.Error(problem)
	}
}

// allocations returns what is wrong: operations of c that return a wrong result or
// allocate more than most allows.
func allocations(c *cache.Cache, most Allocations) (problems []string) {
	ctx := context.Background()
	v := fill(valueSize, 'v')
	// The errors of a cache that discards.
	found, present := error(nil), cache.ErrNotStored
	if c.Discards() {
		found, present = cache.ErrMiss, nil
	}
	var wrong error // the first result that was not as it should be
	is := func(err, want error) {
		if err != want && wrong == nil {
			wrong = fmt.Errorf("error %v, want %v", err, want)
		}
	}
	is(c.Set(ctx, "k", v, 0), nil)
	is(c.Set(ctx, "n", []byte("1000000000"), 0), nil)
	for _, op := range []struct {
		name string
		most int
		do   func()
	}{
		{"Get of a present key", most.GetHit, func() { _, err := c.Get(ctx, "k"); is(err, found) }},
		{"Get of an absent key", most.GetMiss, func() { _, err := c.Get(ctx, "absent"); is(err, cache.ErrMiss) }},
		{"Set", most.Set, func() { is(c.Set(ctx, "k", v, 0), nil) }},
		{"Add of a present key", most.AddPresent, func() { is(c.Add(ctx, "k", v, 0), present) }},
		{"Replace", most.Replace, func() { is(c.Replace(ctx, "k", v, 0), nil) }},
		{"Delete of an absent key", most.DeleteMiss, func() { is(c.Delete(ctx, "absent"), cache.ErrMiss) }},
		{"Set and Delete", most.SetDelete, func() { is(c.Set(ctx, "d", v, 0), nil); is(c.Delete(ctx, "d"), found) }},
		{"Increment", most.Increment, func() { _, err := c.Increment(ctx, "n", 1); is(err, found) }},
		{"Decrement", most.Decrement, func() { _, err := c.Decrement(ctx, "n", 1); is(err, found) }},
	} {
		// An average, rounded down.
		if got := int(testing.AllocsPerRun(200, op.do)); got > op.most {
			problems = append(problems, fmt.Sprintf("%s: %d allocations, want at most %d", op.name, got, op.most))
		}
		if wrong != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", op.name, wrong))
			wrong = nil
		}
	}
	return problems
}
