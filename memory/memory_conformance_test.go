package memory_test

import (
	"flag"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/memory"
)

// long runs one configuration more, and runs in each the cases that do not depend on the
// configuration: go test -long.
var long = flag.Bool("long", false, "run the whole contract in every configuration")

func TestConformance(t *testing.T) {
	for name, c := range map[string]memory.Config{
		"default": {},
		"entries": {MaxEntries: 20_000, KeyEncoding: encoding.Safe(), CheckReads: true},
		"bytes":   {MaxBytes: 4 << 20},
		"both":    {MaxBytes: 64 << 20, MaxEntries: 1 << 20},
	} {
		if name == "both" && !*long {
			continue
		}
		t.Run(name, func(t *testing.T) {
			o := cachetest.Options{Synctest: true, KeyEncoding: c.KeyEncoding, DriverOnly: name != "default" && !*long}
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
