package load_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
)

// New returns an error that names the field that is wrong.
func TestNewInvalid(t *testing.T) {
	c := newMemory(t)
	simple := cache.New(struct{ driver.Cache }{&script{}}, cache.Options{Name: "simple"})
	for want, test := range map[string]struct {
		cache  *cache.Cache
		config load.Config[string]
	}{
		"cache is nil":                {nil, load.Config[string]{}},
		"cannot compare and swap":     {simple, load.Config[string]{}},
		"TagCache cannot compare":     {c, load.Config[string]{TagCache: simple}},
		"AlsoInvalidate is nil":       {c, load.Config[string]{AlsoInvalidate: []*cache.Cache{c, nil}}},
		"TTL -1ns":                    {c, load.Config[string]{TTL: -1}},
		"NotFoundTTL -1ns":            {c, load.Config[string]{NotFoundTTL: -1}},
		"ErrorTTL -1ns":               {c, load.Config[string]{ErrorTTL: -1}},
		"RefreshAfter -1ns":           {c, load.Config[string]{RefreshAfter: -1}},
		"KeepStale -1ns":              {c, load.Config[string]{KeepStale: -1}},
		"Patience -1ns":               {c, load.Config[string]{Patience: -1, KeepStale: 1}},
		"RetryAfter -1ns":             {c, load.Config[string]{RetryAfter: -1}},
		"Lease -1ns":                  {c, load.Config[string]{Lease: -1}},
		"RefreshAfter 1m0s":           {c, load.Config[string]{RefreshAfter: time.Minute, TTL: time.Minute}},
		"Patience needs KeepStale":    {c, load.Config[string]{Patience: 1}},
		"Jitter 1 must be":            {c, load.Config[string]{Jitter: 1}},
		"Jitter -0.1 must be":         {c, load.Config[string]{Jitter: -0.1}},
		"Jitter NaN must be":          {c, load.Config[string]{Jitter: math.NaN()}},
		"EarlyRefresh -1 must be":     {c, load.Config[string]{EarlyRefresh: -1}},
		"EarlyRefresh +Inf must be":   {c, load.Config[string]{EarlyRefresh: math.Inf(1)}},
		"EarlyRefresh NaN must be":    {c, load.Config[string]{EarlyRefresh: math.NaN()}},
		"MaxRefreshes -1 must not be": {c, load.Config[string]{MaxRefreshes: -1}},
		`tag "~a"`:                    {c, load.Config[string]{Tag: "~a"}},
	} {
		test.config.Codec = codec.Text[string]()
		l, err := load.New(test.cache, test.config)
		if err == nil {
			t.Errorf("no error, want one with %q", want)
			continue
		}
		if !strings.HasPrefix(err.Error(), "load: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("New: error %v; want one of load with %q", err, want)
		}
		if l != nil {
			t.Errorf("%q: a loader and an error", want)
		}
	}
	if _, err := load.New(c, load.Config[string]{}); err == nil || !strings.Contains(err.Error(), "no codec") {
		t.Errorf("without a codec: %v; want an error that says so", err)
	}
	if _, err := load.New(simple, load.Config[[]byte]{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("a cache that cannot compare and swap: %v, want ErrUnsupported", err)
	}
	if _, err := load.New(c, load.Config[[]byte]{TTL: -1}); !errors.Is(err, cache.ErrInvalidTTL) {
		t.Errorf("a negative TTL: %v, want ErrInvalidTTL", err)
	}
}
