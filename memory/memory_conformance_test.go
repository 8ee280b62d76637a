package memory_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/memory"
)

func TestConformance(t *testing.T) {
	for name, c := range map[string]memory.Config{
		"default":  {},
		"bounded":  {MaxBytes: 64 << 20, MaxEntries: 1 << 20},
		"checked":  {CheckReads: true},
		"encoding": {KeyEncoding: encoding.Safe()},
	} {
		t.Run(name, func(t *testing.T) {
			o := cachetest.Options{Synctest: true, KeyEncoding: c.KeyEncoding}
			if c.MaxBytes > 0 {
				o.MaxValue = 8<<20 - 1024
			}
			cachetest.Run(t, func(t *testing.T) *cache.Cache {
				m, err := memory.New(c)
				if err != nil {
					t.Fatal(err)
				}
				return m
			}, o)
		})
	}
}
