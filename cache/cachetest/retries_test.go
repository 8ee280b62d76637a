package cachetest

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// leaping is a coarse driver whose clock skips ticks, or stops, during the life of some items
// in the first tries.
type leaping struct {
	*coarse
	keys   []string
	tries  int
	factor float64 // of the TTL
	rounds int
}

func (l leaping) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	name, round, try := e.Key, 1, 1
	if rest, ok := strings.CutPrefix(name, "round2:"); ok {
		name, round = rest, 2
	}
	for again := range tries {
		if rest, ok := strings.CutPrefix(name, fmt.Sprintf("again%d:", again)); ok {
			name, try = rest, again+1
		}
	}
	if slices.Contains(l.keys, name) && try <= l.tries && round <= l.rounds {
		e.TTL = time.Duration(l.factor * float64(e.TTL))
		return l.mapCache.Store(ctx, mode, e)
	}
	return l.coarse.Store(ctx, mode, e)
}

// A clock that skips ticks in one or two tries is forgiven. A TTL that never holds is not.
func TestTries(t *testing.T) {
	for name, factor := range map[string]float64{"too early": 0.25, "too late": 4} {
		for n := range 4 {
			var want []string
			if n == 3 {
				want = []string{"ttl/expires"}
			}
			synctest.Test(t, func(t *testing.T) {
				failed := results(Options{Granularity: time.Second}, all, func(bool) (subject, *mapCache) {
					m := newMapCache()
					return plain{cache.New(leaping{&coarse{m}, []string{"expires"}, n, factor, 1}, cache.Options{Name: "leaping"})}, m
				})
				if got := slices.Sorted(maps.Keys(failed)); !slices.Equal(got, want) {
					t.Errorf("%s in %d tries: failed: %q, want %q", name, n, got, want)
				}
			})
		}
	}
}

// lagging is a driver whose stores take a while, on a machine that is too slow for short TTLs.
type lagging struct {
	*coarse
	lag time.Duration
}

func (l lagging) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	time.Sleep(l.lag)
	return l.coarse.Store(ctx, mode, e)
}

// A correct driver passes on a machine so slow that items of a short TTL expire before they are read.
func TestSlowMachine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := results(Options{Granularity: time.Second}, all, func(bool) (subject, *mapCache) {
			m := newMapCache()
			return plain{cache.New(lagging{&coarse{m}, 120 * time.Millisecond}, cache.Options{Name: "lagging"})}, m
		})
		for name, problems := range failed {
			t.Errorf("%s: %s", name, problems)
		}
	})
}

// A case that ends itself is tried again too, and ends itself in the last try.
func TestTriesOfCasesThatEnd(t *testing.T) {
	done := 0
	c := test{name: "c", rule: "r", waits: true, run: func(s *suite) { done++; s.fatalf("no") }}
	r := runCaseWith(Options{Granularity: time.Second}, c, brokenMap(breach{}))
	if done != 3 || len(r) != 1 {
		t.Errorf("%d tries with the failures %q; want 3 tries and one failure", done, r)
	}
}

// A case that is skipped in a try is skipped.
func TestTriesOfCasesThatSkip(t *testing.T) {
	done := 0
	c := test{name: "c", rule: "r", waits: true, run: func(s *suite) { done++; s.skip("nothing to test") }}
	if r := runCaseWith(Options{Granularity: time.Second}, c, brokenMap(breach{})); done != 1 || len(r) != 0 {
		t.Errorf("%d tries with the failures %q; want one try and no failure", done, r)
	}
}

// leapingKeys is the environment variable that makes TestRunOfACoarseClock use a leaping
// driver, with these keys, in as many rounds as leapingRounds says.
const (
	leapingKeys   = "CACHETEST_LEAPING_KEYS"
	leapingRounds = "CACHETEST_LEAPING_ROUNDS"
)

// A driver that counts seconds passes, in a bubble, without a retry.
func TestRunOfACoarseClock(t *testing.T) {
	keys := strings.Fields(os.Getenv(leapingKeys))
	n := len(os.Getenv(leapingRounds))
	Run(t, func(*testing.T) *cache.Cache {
		return cache.New(leaping{&coarse{newMapCache()}, keys, 1, 4, n}, cache.Options{Name: "leaping"})
	}, Options{Synctest: true, Granularity: time.Second})
}

// Without -v, the retries of a test that passes are printed, and too many in both rounds are a
// failure.
func TestRetriesAreReported(t *testing.T) {
	for _, v := range []struct {
		keys   string
		rounds int
		fails  bool
		want   []string
	}{
		{"", 1, false, nil},
		{"expires", 1, false, []string{"retry: 1, at most 2", "ttl/expires failed 1 of 3 tries", "after it was stored for"}},
		{"expires over:a", 1, false, []string{"retry: 2", "ttl/expires", "ttl/expired is absent"}},
		{"expires over:a every:Set", 1, false, []string{"retry: 3, at most 2", "ttl/every operation"}},
		{"expires over:a every:Set", 2, true, []string{"retry: 3, at most 2", "ttl/every operation", "--- FAIL: TestRunOfACoarseClock"}},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestRunOfACoarseClock$/^ttl$")
		cmd.Env = append(os.Environ(), leapingKeys+"="+v.keys, leapingRounds+"="+strings.Repeat("1", v.rounds))
		out, err := cmd.CombinedOutput()
		if (err != nil) != v.fails {
			t.Errorf("with leaps at %q in %d rounds: error %v, want one: %v\n%s", v.keys, v.rounds, err, v.fails, out)
		}
		for _, want := range v.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("with leaps at %q the output does not say %q:\n%s", v.keys, want, out)
			}
		}
		if len(v.want) == 0 && strings.Contains(string(out), "cachetest:") {
			t.Errorf("without leaps the output is\n%s", out)
		}
	}
}
