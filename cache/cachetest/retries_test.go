package cachetest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// leaping is a coarse driver whose clock leaps, or stands still, over the life of the
// item "expires" in the first tries.
type leaping struct {
	*coarse
	tries  int
	factor float64 // of the TTL
}

func (l leaping) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	try := 1
	if again, _, ok := strings.Cut(e.Key, ":expires"); ok {
		try = int(again[len(again)-1]-'0') + 1
	}
	if strings.HasSuffix(e.Key, "expires") && try <= l.tries {
		e.TTL = time.Duration(l.factor * float64(e.TTL))
		return l.mapCache.Store(ctx, mode, e)
	}
	return l.coarse.Store(ctx, mode, e)
}

// A clock that leaps once, or twice, is forgiven; a TTL that never holds is not.
func TestTries(t *testing.T) {
	for name, factor := range map[string]float64{"too early": 0.25, "too late": 4} {
		for n := range 4 {
			var want []string
			if n == 3 {
				want = []string{"ttl/expires"}
			}
			synctest.Test(t, func(t *testing.T) {
				failed := results(Options{Granularity: time.Second}, func(bool) (subject, *mapCache) {
					m := newMapCache()
					return plain{cache.New(leaping{&coarse{m}, n, factor}, cache.Options{Name: "leaping"})}, m
				})
				if got := slices.Sorted(maps.Keys(failed)); !slices.Equal(got, want) {
					t.Errorf("%s in %d tries: failed: %q, want %q", name, n, got, want)
				}
			})
		}
	}
}

// A case that ends itself is tried again as well, and ends itself in the last try.
func TestTriesOfCasesThatEnd(t *testing.T) {
	done := 0
	c := test{name: "c", rule: "r", waits: true, run: func(s *suite) { done++; s.fatalf("no") }}
	r := &record{}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		newSuite(r, c, Options{Granularity: time.Second}, func() subject {
			return plain{cache.New(newMapCache(), cache.Options{Name: "map"})}
		}).run()
		t.Error("the case has not ended its goroutine")
	}()
	<-ended
	if done != 3 || len(r.errors) != 1 {
		t.Errorf("%d tries with the failures %q; want 3 and one failure", done, r.errors)
	}
}
