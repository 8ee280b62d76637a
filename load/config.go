package load

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
)

// Config configures a [Loader]. Codec must be set, except for []byte.
type Config[V any] struct {
	// Codec encodes and decodes values. It is required, except for []byte: bytes are
	// stored as they are.
	Codec codec.Codec[V]

	// TTL is the time until a value expires. 0 means that it does not expire. A load
	// can set another TTL with [Entry.TTL].
	TTL time.Duration

	// Jitter shortens each TTL, and each time to a refresh, by a random part of at most
	// this fraction, so that values that were loaded together do not expire together.
	// It is at least 0 and less than 1; 0.1 is usual.
	Jitter float64

	// NotFoundTTL is the time for which [ErrNotFound] is cached (negative caching). 0
	// means that it is not cached.
	NotFoundTTL time.Duration

	// ErrorTTL is the time for which any other error of a load is returned in this
	// process without calling a load function again. 0 means that errors are not
	// remembered.
	ErrorTTL time.Duration

	// RefreshAfter is the age from which a Get of a value returns it and also loads it
	// again in the background (stale-while-revalidate). It must be less than TTL. 0
	// means that a value is used until it expires.
	RefreshAfter time.Duration

	// EarlyRefresh refreshes values in the background at random times before they
	// expire: earlier if they take longer to load or are read more often. So the values
	// of busy keys do not all expire at once. It is the parameter beta of Vattani, Chierichetti and
	// Lowenstein, Optimal Probabilistic Cache Stampede Prevention (VLDB 2015): 1 is
	// usual, a larger number is earlier, 0 means never.
	EarlyRefresh float64

	// MaxRefreshes bounds the refreshes of this loader that run at the same time; 16 if
	// zero. If that many run, a Get returns the value without a refresh.
	MaxRefreshes int

	// KeepStale is the time for which a value is kept after its TTL, to be returned if
	// loading it again fails or takes longer than Patience (stale-if-error). It ends
	// TTL + KeepStale after the value was loaded. A value that was invalidated is never
	// returned.
	KeepStale time.Duration

	// Patience bounds the time for which a Get waits for a load if it can return a
	// value that KeepStale kept instead. The load goes on. 0 means no bound.
	Patience time.Duration

	// RetryAfter is the time after a failed load for which the old value is returned
	// before a caller tries again; 10 s if zero. It applies to refreshes and to
	// KeepStale.
	RetryAfter time.Duration

	// Lease bounds a load; 10 s if zero. When it ends, the context of the load is
	// canceled, and another caller may load. It is also the time for which other
	// processes wait for a process that died while loading. Choose it longer than any
	// load takes.
	Lease time.Duration

	// Tag is a tag of every value of the loader, so that InvalidateAll can invalidate
	// them with one command. Each hit then reads one more record. Empty means none.
	Tag string

	// KeyTags gives each key a separate tag, which Delete invalidates. Without it
	// Delete removes the item, which is enough as long as all processes use the same
	// list of servers and keep no items in their own memory (see TagCache). With it
	// there is a record for each key, and each hit reads it.
	KeyTags bool

	// TagCache is the cache of the records of tags; nil means the cache of the loader.
	// Set it if values are in the memory of each process while tags are shared by many
	// processes, or if loaders whose caches have different prefixes share tags: give
	// each of them the same TagCache. It must be able to compare and swap.
	TagCache *cache.Cache

	// AlsoInvalidate lists further caches from which Invalidate and Delete remove tags
	// and keys. Set it while processes move from one list of servers to another one by
	// one: to the cache with the other list.
	AlsoInvalidate []*cache.Cache

	// Generation is stored with each value. A value of another generation is not used.
	// Increase it when the list of servers goes back to servers that may still hold old
	// items.
	Generation uint64
}

// config is a checked Config with its defaults filled in, without its codec.
type config struct {
	ttl, notFoundTTL, errorTTL          time.Duration
	refreshAfter, keepStale, retryAfter time.Duration
	patience, lease, recordTTL          time.Duration
	jitter, earlyRefresh                float64
	maxRefreshes                        int
	keyTags                             bool
	generation                          uint64
}

const (
	defaultLease        = 10 * time.Second
	defaultRetryAfter   = 10 * time.Second
	defaultMaxRefreshes = 16
)

// The TTL of a tag record is recordLives times that of the values of the loader that made
// it, and at least minRecordTTL, because values of other loaders with a longer TTL may have
// the same tag. When a record expires, the values with its version become invalid, which
// causes at most one load in recordLives. The TTL also removes the records of unused tags
// from a cache without a bound.
const (
	recordLives  = 10
	minRecordTTL = 24 * time.Hour
)

func newConfig[V any](c Config[V]) (config, error) {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"TTL", c.TTL}, {"NotFoundTTL", c.NotFoundTTL}, {"ErrorTTL", c.ErrorTTL},
		{"RefreshAfter", c.RefreshAfter}, {"KeepStale", c.KeepStale}, {"Patience", c.Patience},
		{"RetryAfter", c.RetryAfter}, {"Lease", c.Lease},
	} {
		if d.value < 0 {
			return config{}, fmt.Errorf("load: %s %v must not be negative: %w", d.name, d.value, cache.ErrInvalidTTL)
		}
	}
	switch {
	case c.TTL > 0 && c.RefreshAfter >= c.TTL:
		return config{}, fmt.Errorf("load: RefreshAfter %v must be less than TTL %v, when a value can no longer be returned", c.RefreshAfter, c.TTL)
	case c.Patience > 0 && c.KeepStale == 0:
		return config{}, errors.New("load: Patience needs KeepStale: without it there is no value to return")
	case !(c.Jitter >= 0 && c.Jitter < 1):
		return config{}, fmt.Errorf("load: Jitter %v must be at least 0 and less than 1", c.Jitter)
	case !(c.EarlyRefresh >= 0) || math.IsInf(c.EarlyRefresh, 0):
		return config{}, fmt.Errorf("load: EarlyRefresh %v must be at least 0 and finite", c.EarlyRefresh)
	case c.MaxRefreshes < 0:
		return config{}, fmt.Errorf("load: MaxRefreshes %d must not be negative (0 means %d)", c.MaxRefreshes, defaultMaxRefreshes)
	}
	cfg := config{
		ttl: c.TTL, notFoundTTL: c.NotFoundTTL, errorTTL: c.ErrorTTL,
		refreshAfter: c.RefreshAfter, keepStale: c.KeepStale, retryAfter: c.RetryAfter,
		patience: c.Patience, lease: c.Lease, jitter: c.Jitter, earlyRefresh: c.EarlyRefresh,
		maxRefreshes: c.MaxRefreshes, keyTags: c.KeyTags, generation: c.Generation,
	}
	if cfg.lease == 0 {
		cfg.lease = defaultLease
	}
	if cfg.retryAfter == 0 {
		cfg.retryAfter = defaultRetryAfter
	}
	if cfg.maxRefreshes == 0 {
		cfg.maxRefreshes = defaultMaxRefreshes
	}
	if cfg.ttl > 0 {
		cfg.recordTTL = max(minRecordTTL, times(plus(cfg.ttl, cfg.keepStale), recordLives))
	}
	return cfg, nil
}

// plus returns a + b, or the longest duration. Neither may be negative.
func plus(a, b time.Duration) time.Duration {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// times returns n * d, or the longest duration. Neither may be negative.
func times(d time.Duration, n int64) time.Duration {
	if d > math.MaxInt64/time.Duration(n) {
		return math.MaxInt64
	}
	return d * time.Duration(n)
}
