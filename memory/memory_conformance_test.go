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
		"default": {},
		"entries": {MaxEntries: 20_000, KeyEncoding: encoding.Safe(), CheckReads: true},
		"bytes":   {MaxBytes: 4 << 20},
		"both":    {MaxBytes: 64 << 20, MaxEntries: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			o := cachetest.Options{Synctest: true, KeyEncoding: c.KeyEncoding}
			if c.MaxBytes == 4<<20 {
				o.MaxValue = 1 << 20
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
