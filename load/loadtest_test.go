package load_test

import (
	"context"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/load"
	"github.com/larder-go/larder/load/loadtest"
	"github.com/larder-go/larder/memory"
)

func TestOnMemory(t *testing.T) {
	loadtest.Run(t, func(t *testing.T) *cache.Cache {
		c, err := memory.New(memory.Config{MaxBytes: 8 << 20})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}, loadtest.Options{Synctest: true, TooLarge: 5 << 20})
}

func TestHammer(t *testing.T) {
	for name, test := range map[string]struct {
		memory  memory.Config
		change  func(*load.Config[string])
		flushed bool
		keys    int
	}{
		"room":    {},
		"bytes":   {memory: memory.Config{MaxBytes: memory.MinMaxBytes}},
		"tiny":    {memory: memory.Config{MaxEntries: 100}},
		"record":  {memory: memory.Config{MaxEntries: 3}, keys: 30}, // of more, hardly one is a hit
		"flushed": {flushed: true},
		"tags of keys": {change: func(c *load.Config[string]) {
			c.KeyTags, c.Tag, c.Jitter, c.EarlyRefresh, c.ErrorTTL = true, "all", 0.5, 1, time.Millisecond
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := memory.New(test.memory)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			o := loadtest.HammerOptions{Gets: 2_500, Keys: test.keys, Change: test.change}
			if *long {
				o.Gets = 100_000
			}
			if test.flushed {
				o.Disturb = func() {
					if err := m.Flush(context.Background()); err != nil {
						t.Error(err)
					}
				}
			}
			loadtest.Hammer(t, o, m, m.WithKind(cache.Text), m.WithHook(nop{}))
		})
	}
}

// nop is a hook, so that a cache with it is not called directly.
type nop struct{}

func (nop) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }
func (nop) End(context.Context, cache.Call, cache.Result)           {}
