package cachetest

import (
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/race"
)

// The allocations of each operation are found, and allowed up to the given number.
func TestAllocsAreCounted(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	open := func(*testing.T) *cache.Cache { return cache.New(newMapCache(), cache.Options{Name: "map"}) }
	found := strings.Join(allocations(open(t), Allocations{}), "\n")
	for _, op := range []string{"Set:", "Replace:", "Set and Delete:", "Increment:", "Decrement:"} {
		if !strings.Contains(found, op) {
			t.Errorf("the allocations of %s were not found", op)
		}
	}
	for _, op := range []string{"Get of a present key:", "Get of an absent key:", "Add of a present key:", "Delete of an absent key:"} {
		if strings.Contains(found, op) {
			t.Errorf("there are no allocations of %s in\n%s", op, found)
		}
	}
	Allocs(t, open, Allocations{Set: 5, Replace: 5, SetDelete: 5, Increment: 5, Decrement: 5})
}

// An operation that returns a wrong result is a problem, whatever it allocates.
func TestAllocsSeesErrors(t *testing.T) {
	f := newFaulty()
	f.get = func(string) ([]byte, error) { return nil, driver.ErrUnavailable }
	found := allocations(cache.New(f, cache.Options{Name: "faulty"}), Allocations{Set: 99, Replace: 99, SetDelete: 99, Increment: 99, Decrement: 99})
	if len(found) != 2 || !strings.Contains(found[0], "unavailable") {
		t.Errorf("found %q, want the two gets that failed", found)
	}
}
