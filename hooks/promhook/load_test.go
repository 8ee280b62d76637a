package promhook_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/hooks/promhook"
	"github.com/larder-go/larder/load"
	"github.com/larder-go/larder/memory"
)

// The counts of package load are those of the same operations made by hand.
func TestPackageLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		bare, err := memory.New(memory.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer bare.Close()
		hook := promhook.New(promhook.Config{})
		loader, err := load.New(hook.Watch(bare), load.Config[[]byte]{TTL: time.Hour, RefreshAfter: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		broken := errors.New("the database is down")
		slow := func(v []byte, err error) load.Func[[]byte] {
			return func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
				time.Sleep(time.Second)
				return v, err
			}
		}
		get := func(key string, f load.Func[[]byte], want error) {
			t.Helper()
			if _, err := loader.Get(ctx, key, f, "tag"); !errors.Is(err, want) {
				t.Errorf("%s: error %v, want %v", key, err, want)
			}
		}
		const workers, rounds = 8, 5
		var wg sync.WaitGroup
		for w := range workers {
			wg.Go(func() {
				for r := range rounds {
					key := fmt.Sprint(w, "-", r)
					get(key, slow([]byte("value"), nil), nil)                      // miss, loaded
					get(key, slow(nil, broken), nil)                               // hit
					get("failed"+key, slow(nil, broken), broken)                   // error
					get("absent"+key, nil, cache.ErrMiss)                          // miss, not loaded
					get("none"+key, slow(nil, load.ErrNotFound), load.ErrNotFound) // miss, loaded
				}
			})
		}
		wg.Wait()
		const n = workers * rounds

		// One loads, and the others wait.
		for range workers {
			wg.Go(func() { get("shared", slow([]byte("value"), nil), nil) })
		}
		wg.Wait()

		values, err := loader.GetMulti(ctx, []string{"shared", "new", "shared", "0-0"}, func(_ context.Context, _ *load.Entries[[]byte], keys []string) (map[string][]byte, error) {
			time.Sleep(time.Second)
			return map[string][]byte{"new": []byte("value")}, nil
		}, "tag")
		if err != nil || len(values) != 3 {
			t.Errorf("%d values and error %v, want 3", len(values), err)
		}

		// A refresh loads in the background.
		time.Sleep(2 * time.Minute)
		get("shared", slow([]byte("newer"), nil), nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()

		if err := loader.Invalidate(ctx, "tag", "other"); err != nil {
			t.Error(err)
		}
		if err := loader.Delete(ctx, "new"); err != nil {
			t.Error(err)
		}
		get("shared", slow([]byte("value"), nil), nil) // miss, loaded
		if err := loader.Close(); err != nil {
			t.Error(err)
		}

		all := gather(t, hook)
		in := func(op cache.Op, outcome cache.Outcome) string {
			return fmt.Sprintf(`{cache_namespace="",driver="memory",operation="%s",outcome="%s"}`, op, outcome)
		}
		of := func(op cache.Op) string {
			return fmt.Sprintf(`{cache_namespace="",driver="memory",operation="%s"}`, op)
		}
		compare(t, all, "larder_operation_keys_total", samples{
			in(cache.OpLoad, cache.OutcomeHit):      n + 1,
			in(cache.OpLoad, cache.OutcomeMiss):     3*n + workers + 1,
			in(cache.OpLoad, cache.OutcomeError):    n,
			in(cache.OpLoadMulti, cache.OutcomeHit): 2, in(cache.OpLoadMulti, cache.OutcomeMiss): 1,
			in(cache.OpRefresh, cache.OutcomeOK):    1,
			in(cache.OpInvalidate, cache.OutcomeOK): 3,
		})
		compare(t, all, "larder_load_values_total", samples{of(cache.OpLoad): 2*n + 2, of(cache.OpLoadMulti): 1, of(cache.OpRefresh): 1})
		compare(t, all, "larder_load_waits_total", samples{of(cache.OpLoad): workers - 1})
		compare(t, all, "larder_load_duration_seconds_count", samples{of(cache.OpLoad): 3*n + 2, of(cache.OpLoadMulti): 1, of(cache.OpRefresh): 1})
		compare(t, all, "larder_load_duration_seconds_sum", samples{of(cache.OpLoad): 3*n + 2, of(cache.OpLoadMulti): 1, of(cache.OpRefresh): 1})
		// All operations of the cache were parts.
		if parts := all.named("larder_part_duration_seconds_count"); len(parts) == 0 {
			t.Error("no parts")
		}
	})
}
