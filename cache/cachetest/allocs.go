package cachetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/race"
)

// Allocations is how many allocations an operation may make. The zero value allows
// none.
type Allocations struct {
	GetHit     float64
	GetMiss    float64
	Set        float64 // over a key that is present
	AddPresent float64
	Replace    float64
	DeleteMiss float64 // of an absent key
	SetDelete  float64 // a Set of an absent key, and its Delete
	Increment  float64
	Decrement  float64
}

// Allocs tests that no operation of the cache that open returns makes more
// allocations than most allows, on average, with values of 128 bytes. Under the race
// detector, which allocates on its own, it tests nothing and says so. Call it from a
// test with Alloc in its name.
func Allocs(t *testing.T, open func(t *testing.T) *cache.Cache, most Allocations) {
	t.Helper()
	if race.Enabled {
		t.Log("allocations are not counted under the race detector")
		return
	}
	c := open(t)
	defer func() { must(t, c.Close()) }()
	for _, problem := range allocations(c, most) {
		t.Error(problem)
	}
}

// allocations tells which operations of c give a wrong answer or allocate more than
// most allows.
func allocations(c *cache.Cache, most Allocations) (problems []string) {
	ctx := context.Background()
	v := fill(valueSize, 'v')
	// What a cache that discards answers.
	found, present := error(nil), cache.ErrNotStored
	if c.Discards() {
		found, present = cache.ErrMiss, nil
	}
	var wrong error // the first answer that was not as it should be
	answers := func(err, want error) {
		if err != want && wrong == nil {
			wrong = fmt.Errorf("error %v, want %v", err, want)
		}
	}
	answers(c.Set(ctx, "k", v, 0), nil)
	answers(c.Set(ctx, "n", []byte("1000000000"), 0), nil)
	for _, op := range []struct {
		name string
		most float64
		do   func()
	}{
		{"Get of a present key", most.GetHit, func() { _, err := c.Get(ctx, "k"); answers(err, found) }},
		{"Get of an absent key", most.GetMiss, func() { _, err := c.Get(ctx, "absent"); answers(err, cache.ErrMiss) }},
		{"Set", most.Set, func() { answers(c.Set(ctx, "k", v, 0), nil) }},
		{"Add of a present key", most.AddPresent, func() { answers(c.Add(ctx, "k", v, 0), present) }},
		{"Replace", most.Replace, func() { answers(c.Replace(ctx, "k", v, 0), nil) }},
		{"Delete of an absent key", most.DeleteMiss, func() { answers(c.Delete(ctx, "absent"), cache.ErrMiss) }},
		{"Set and Delete", most.SetDelete, func() { answers(c.Set(ctx, "d", v, 0), nil); answers(c.Delete(ctx, "d"), found) }},
		{"Increment", most.Increment, func() { _, err := c.Increment(ctx, "n", 1); answers(err, found) }},
		{"Decrement", most.Decrement, func() { _, err := c.Decrement(ctx, "n", 1); answers(err, found) }},
	} {
		if got := testing.AllocsPerRun(200, op.do); got > op.most {
			problems = append(problems, fmt.Sprintf("%s: %v allocations, want at most %v", op.name, got, op.most))
		}
		if wrong != nil {
			problems = append(problems, fmt.Sprintf("%s: %v", op.name, wrong))
			wrong = nil
		}
	}
	return problems
}
