package valkey_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// TestFlushPrefix: Flush removes the keys with the prefix, of every length, and no others:
// the prefix is not a pattern.
func TestFlushPrefix(t *testing.T) {
	t.Parallel()
	b := valkeytest.Any(t)
	alone := valkeytest.Start(t, b, "unix")
	cl := valkeytest.StartCluster(t, b, 3)
	for name, tt := range map[string]struct {
		cfg  valkey.Config
		size func() int64
	}{
		"single": {
			valkey.Config{Servers: []string{alone.Addr()}},
			func() int64 { return alone.Do("DBSIZE").(int64) },
		},
		"cluster": {
			valkey.Config{Servers: cl.Addrs(), Cluster: true},
			func() (n int64) {
				for _, s := range cl.Servers {
					n += s.Do("DBSIZE").(int64)
				}
				return n
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			with := func(prefix string) *cache.Cache {
				cfg := tt.cfg
				cfg.Prefix, cfg.Timeout = prefix, patient
				return open(t, cfg)
			}
			all := keys(3000)
			others := []string{"", "a", "a*b", "a[b]*:x", "A[b]*:", `a\[b]*:`, "ab:"}
			for _, prefix := range others {
				if err := with(prefix).SetMulti(ctx, valuesOf(all), 0); err != nil {
					t.Fatal(err)
				}
			}
			before := tt.size()
			c := with("a[b]*:") // "a[b]*:x" is below it
			if err := c.SetMulti(ctx, valuesOf(all), 0); err != nil {
				t.Fatal(err)
			}
			if err := c.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			if n := tt.size(); n != before-int64(len(all)) {
				t.Errorf("after Flush there are %d keys, want %d less than %d", n, len(all), before)
			}
			for _, prefix := range others {
				if strings.HasPrefix(prefix, "a[b]*:") {
					continue
				}
				found, err := with(prefix).GetMulti(ctx, all)
				if err != nil || len(found) != len(all) {
					t.Errorf("with the prefix %q %d of %d values are left, %v", prefix, len(found), len(all), err)
				}
			}
		})
	}
}

// TestFlushDatabase: without a prefix Flush removes nothing, unless the configuration says
// that the database is for this cache; then it removes everything in it, and leaves the
// other databases.
func TestFlushDatabase(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "unix")
	ctx := t.Context()
	with := func(db int, all bool) *cache.Cache {
		return open(t, valkey.Config{Servers: []string{s.Addr()}, DB: db, FlushDatabase: all, Timeout: patient})
	}
	if err := errors.Join(with(0, false).Set(ctx, "k", nil, 0), with(1, false).Set(ctx, "k", nil, time.Hour)); err != nil {
		t.Fatal(err)
	}
	err := with(1, false).Flush(ctx)
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "flush_database=true") {
		t.Errorf("Flush without a prefix: %v", err)
	}
	if _, err := with(1, false).Get(ctx, "k"); err != nil {
		t.Errorf("after that Get: %v", err)
	}
	if err := with(1, true).Flush(ctx); err != nil {
		t.Error(err)
	}
	if _, err := with(1, false).Get(ctx, "k"); !errors.Is(err, cache.ErrMiss) {
		t.Errorf("Get after Flush: %v, want a miss", err)
	}
	if _, err := with(0, false).Get(ctx, "k"); err != nil {
		t.Errorf("Get in another database: %v", err)
	}
}
