package load_test

import (
	"context"
	"testing"

	"github.com/larder-go/larder/cache"
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
	for name, c := range map[string]memory.Config{
		"room":   {},
		"bytes":  {MaxBytes: memory.MinMaxBytes},
		"tiny":   {MaxEntries: 100},
		"record": {MaxEntries: 3},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := memory.New(c)
			if err != nil {
				t.Fatal(err)
			}
			defer m.Close()
			o := loadtest.HammerOptions{Gets: 4_000}
			if *long {
				o.Gets = 100_000
			}
			loadtest.Hammer(t, o, m, m.WithKind(cache.Text), m.WithHook(nop{}))
		})
	}
}

// nop is a hook, so that a cache with it is not called directly.
type nop struct{}

func (nop) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }
func (nop) End(context.Context, cache.Call, cache.Result)           {}
