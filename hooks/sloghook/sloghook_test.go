package sloghook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/hooks/sloghook"
	"github.com/larder-go/larder/internal/dev/hooktest"
	"github.com/larder-go/larder/internal/race"
	"github.com/larder-go/larder/memory"
)

var ctx = context.Background()

// lines is a log that keeps its lines.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

// take returns the lines since the last time, without the time.
func (l *lines) take(t *testing.T) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for line := range bytes.Lines(l.buf.Bytes()) {
		m := map[string]any{}
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		delete(m, slog.TimeKey)
		all = append(all, m)
	}
	l.buf.Reset()
	return all
}

// open returns a cache that a hook watches, and its log.
func open(d *hooktest.Driver, config sloghook.Config) (*cache.Cache, *sloghook.Hook, *lines) {
	log := &lines{}
	config.Logger = slog.New(slog.NewJSONHandler(log, nil))
	h := sloghook.New(config)
	return hooktest.Open(d).WithHook(h), h, log
}

func want(t *testing.T, log *lines, want ...map[string]any) {
	t.Helper()
	got := log.take(t)
	if len(got) == 0 && len(want) == 0 {
		return
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("logged\n%v, want\n%v", got, want)
	}
}

const refused = "hooktest: get: 10.0.0.1:11211: server unavailable: connection refused"

func TestFailure(t *testing.T) {
	c, _, log := open(&hooktest.Driver{}, sloghook.Config{})
	c, err := c.Namespace("users")
	if err != nil {
		t.Fatal(err)
	}
	c.Get(ctx, hooktest.Down+"secret")
	got := log.take(t)
	if len(got) != 1 {
		t.Fatalf("logged %v, want one line", got)
	}
	if d, ok := got[0]["duration"].(float64); !ok || d < 0 {
		t.Errorf("the duration is %v", got[0]["duration"])
	}
	delete(got[0], "duration")
	line := map[string]any{
		"level": "ERROR", "msg": "cache operation failed", "driver": "hooktest", "namespace": "users", "op": "get",
		"outcome": "unavailable", "server": hooktest.Server, "error": refused,
	}
	if !reflect.DeepEqual(got[0], line) {
		t.Errorf("logged %v, want %v", got[0], line)
	}
}

// Neither a miss nor a condition that did not hold is a failure, and without a limit
// nothing is slow.
func TestNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, log := open(&hooktest.Driver{Delay: time.Hour}, sloghook.Config{})
		c.Get(ctx, "absent")
		c.Set(ctx, "k", nil, 0)
		c.Add(ctx, "k", nil, 0)
		c.Delete(ctx, "absent")
		c.GetMulti(ctx, []string{"k", "absent"})
		c.Get(ctx, hooktest.Slow)
		c.Flush(ctx)
		want(t, log)
	})
}

// The first line is logged, and then a number for each interval with more of them.
func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, log := open(&hooktest.Driver{}, sloghook.Config{Interval: time.Minute})
		down := func(n int) {
			for i := range n {
				c.Get(ctx, fmt.Sprint(hooktest.Down, i))
			}
		}
		first := map[string]any{
			"level": "ERROR", "msg": "cache operation failed", "driver": "hooktest", "op": "get", "outcome": "unavailable",
			"server": hooktest.Server, "duration": 0.0, "error": refused,
		}
		more := func(n float64) map[string]any {
			return map[string]any{
				"level": "ERROR", "msg": "more cache operations failed", "driver": "hooktest", "op": "get", "outcome": "unavailable",
				"server": hooktest.Server, "count": n, "error": refused,
			}
		}
		down(1000)
		want(t, log, first)
		time.Sleep(time.Minute - 1)
		want(t, log)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		want(t, log, more(999))
		time.Sleep(30 * time.Second)
		down(7) // the outage goes on
		time.Sleep(29 * time.Second)
		want(t, log)
		time.Sleep(time.Second)
		synctest.Wait()
		want(t, log, more(7))
		time.Sleep(time.Minute) // it is over
		want(t, log)
		down(2) // another one
		want(t, log, first)
		time.Sleep(time.Minute)
		synctest.Wait()
		want(t, log, more(1))
	})
}

// Lines that differ do not hide each other.
func TestKinds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _, log := open(&hooktest.Driver{}, sloghook.Config{})
		users, err := c.Namespace("users")
		if err != nil {
			t.Fatal(err)
		}
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		part, end := c.Observe(ctx, cache.Call{Op: cache.OpInvalidate, Keys: 2})
		for range 2 {
			c.Get(ctx, hooktest.Down)
			c.Get(canceled, "k")
			c.Get(ctx, "not a key")
			c.Set(ctx, hooktest.Down, nil, 0)
			c.GetMulti(ctx, []string{hooktest.Down, "k", "k"})
			users.Get(ctx, hooktest.Down)
			c.Get(part, hooktest.Down)
		}
		end(cache.Result{Affected: 1, Failed: 1, Err: hooktest.ErrLoad})
		var got []string
		for _, line := range log.take(t) {
			got = append(got, fmt.Sprint(line["level"], " ", line["namespace"], " ", line["op"], " ", line["within"], " ", line["outcome"], " ", line["server"], " ", line["keys"]))
		}
		want := []string{
			"ERROR <nil> get <nil> unavailable " + hooktest.Server + " <nil>",
			"WARN <nil> get <nil> canceled <nil> <nil>",
			"ERROR <nil> get <nil> invalid <nil> <nil>",
			"ERROR <nil> set <nil> unavailable " + hooktest.Server + " <nil>",
			"ERROR <nil> get_multi <nil> unavailable " + hooktest.Server + " 2",
			"ERROR users get <nil> unavailable " + hooktest.Server + " <nil>",
			"ERROR <nil> get invalidate unavailable " + hooktest.Server + " <nil>",
			"ERROR <nil> invalidate <nil> error <nil> 2",
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("logged\n%s, want\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &hooktest.Driver{}
		c, _, log := open(d, sloghook.Config{Slow: 100 * time.Millisecond, SlowLoad: time.Second})
		line := func(op, outcome, duration string) map[string]any {
			took, err := time.ParseDuration(duration)
			if err != nil {
				t.Fatal(err)
			}
			return map[string]any{
				"level": "WARN", "msg": "cache operation was slow", "driver": "hooktest", "op": op, "outcome": outcome, "duration": float64(took),
			}
		}
		d.Delay = 100*time.Millisecond - 1
		c.Get(ctx, hooktest.Slow)
		want(t, log)
		d.Delay = 100 * time.Millisecond
		c.Get(ctx, hooktest.Slow)
		c.Get(ctx, hooktest.Slow)
		want(t, log, line("get", "miss", "100ms"))
		time.Sleep(sloghook.DefaultInterval)
		synctest.Wait()
		want(t, log, map[string]any{
			"level": "WARN", "msg": "more cache operations were slow", "driver": "hooktest", "op": "get", "outcome": "miss", "count": 1.0,
		})

		observe := func(op cache.Op, d time.Duration, r cache.Result) {
			_, end := c.Observe(ctx, cache.Call{Op: op, Keys: 1})
			time.Sleep(d)
			end(r)
		}
		observe(cache.OpLoad, 999*time.Millisecond, cache.Result{Misses: 1, Loaded: 1})
		observe(cache.OpLoad, 999*time.Millisecond, cache.Result{Misses: 1, Waited: 1})
		observe(cache.OpLoad, 999*time.Millisecond, cache.Result{Affected: 1, Stale: 1})
		observe(cache.OpRefresh, 999*time.Millisecond, cache.Result{Affected: 1, Loaded: 1})
		want(t, log)
		observe(cache.OpLoad, time.Second, cache.Result{Misses: 1, Waited: 1})
		observe(cache.OpLoadMulti, time.Second, cache.Result{Misses: 1, Loaded: 1})
		observe(cache.OpRefresh, time.Second, cache.Result{Affected: 1, Loaded: 1})
		observe(cache.OpLoad, 100*time.Millisecond, cache.Result{Affected: 1})
		want(t, log, line("load", "miss", "1s"), line("load_multi", "miss", "1s"), line("refresh", "ok", "1s"), line("load", "hit", "100ms"))
	})
}

// Keys are logged only if they are asked for.
func TestKeys(t *testing.T) {
	for _, keys := range []bool{false, true} {
		c, _, log := open(&hooktest.Driver{Delay: time.Millisecond}, sloghook.Config{Keys: keys, Slow: 1})
		c.Get(ctx, hooktest.Pickled+"secret")
		c.GetMulti(ctx, []string{hooktest.Pickled + "secret", "b"})
		c.Get(ctx, hooktest.Down+"secret")
		c.Get(ctx, hooktest.Slow+"secret")
		text := fmt.Sprint(log.take(t))
		if n := strings.Count(text, "secret"); keys && n < 4 || !keys && n != 0 {
			t.Errorf("keys %v: logged %d times: %s", keys, n, text)
		}
		if keys && !strings.Contains(text, "key:pickled:secret") {
			t.Errorf("no attribute key in %s", text)
		}
	}
}

// A program that ends reports what was counted, once.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, hook, log := open(&hooktest.Driver{}, sloghook.Config{})
		for range 5 {
			c.Get(ctx, hooktest.Down)
		}
		log.take(t)
		hook.Flush()
		hook.Flush()
		if got := log.take(t); len(got) != 1 || got[0]["count"] != 4.0 {
			t.Errorf("logged %v, want the count 4", got)
		}
		time.Sleep(time.Hour)
		want(t, log)
	})
}

// Lines and counts add up to the failures, whatever runs at the same time.
func TestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, hook, log := open(&hooktest.Driver{}, sloghook.Config{Interval: time.Second})
		counts := hooktest.Traffic(c, 8, 20)
		time.Sleep(500 * time.Millisecond)
		hooktest.Traffic(c, 8, 20)
		time.Sleep(5 * time.Second)
		hook.Flush()
		got := map[string]int{}
		lines := log.take(t)
		for _, line := range lines {
			n := 1
			if count, ok := line["count"].(float64); ok {
				n = int(count)
			}
			got[fmt.Sprint(line["op"], " ", line["outcome"])] += n
		}
		wanted := map[string]int{}
		for op, outcomes := range counts.Calls {
			for outcome, n := range outcomes {
				if outcome.Failed() {
					wanted[fmt.Sprint(op, " ", outcome)] = 2 * n
				}
			}
		}
		if !reflect.DeepEqual(got, wanted) {
			t.Errorf("logged %v, want %v", got, wanted)
		}
		if most := 2 * len(wanted); len(lines) > most {
			t.Errorf("%d lines, want at most %d", len(lines), most)
		}
	})
}

// The memory of a hook does not grow with the number of namespaces.
func TestNamespacesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, hook, log := open(&hooktest.Driver{}, sloghook.Config{})
		const many = 5000
		for i := range many {
			ns, err := c.Namespace(fmt.Sprint(i))
			if err != nil {
				t.Fatal(err)
			}
			ns.Get(ctx, hooktest.Down)
		}
		hook.Flush()
		got := log.take(t)
		last := got[len(got)-1]
		if len(got) != 1002 || last["count"] != float64(many-1001) || last["namespace"] != nil {
			t.Errorf("%d lines, the last is %v, want 1000 namespaces, and the rest in two lines", len(got), last)
		}
		// Those whose interval has ended make room.
		time.Sleep(time.Hour)
		ns, err := c.Namespace("new")
		if err != nil {
			t.Fatal(err)
		}
		ns.Get(ctx, hooktest.Down)
		if got := log.take(t); len(got) != 1 || got[0]["namespace"] != "new" {
			t.Errorf("logged %v, want the line of the namespace new", got)
		}
	})
}

// The logger of the program is used as it is at the time, and its level is respected.
func TestLogger(t *testing.T) {
	old := slog.Default()
	defer slog.SetDefault(old)
	c := hooktest.Open(&hooktest.Driver{}).WithHook(sloghook.New(sloghook.Config{}))
	log := &lines{}
	slog.SetDefault(slog.New(slog.NewJSONHandler(log, nil)))
	c.Get(ctx, hooktest.Down)
	if got := log.take(t); len(got) != 1 {
		t.Errorf("logged %v, want one line", got)
	}
}

// An operation that neither failed nor was slow allocates nothing.
func TestAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	bare, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	c := bare.WithHook(sloghook.New(sloghook.Config{Slow: time.Hour}))
	value := []byte("value")
	n := testing.AllocsPerRun(200, func() {
		if err := c.Set(ctx, "k", value, 0); err != nil {
			t.Error(err)
		}
		if _, err := c.Get(ctx, "k"); err != nil {
			t.Error(err)
		}
		if _, err := c.Get(ctx, "absent"); !errors.Is(err, cache.ErrMiss) {
			t.Error(err)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

// BenchmarkCost measures a get on memory without and with the hook, where nothing is logged.
func BenchmarkCost(b *testing.B) {
	bare, err := memory.New(memory.Config{})
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	if err := bare.Set(ctx, "key", make([]byte, 128), 0); err != nil {
		b.Fatal(err)
	}
	for _, which := range []struct {
		name string
		c    *cache.Cache
	}{
		{"none", bare},
		{"slog", bare.WithHook(sloghook.New(sloghook.Config{Slow: time.Hour}))},
	} {
		b.Run("get/"+which.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				which.c.Get(ctx, "key")
			}
		})
	}
}
