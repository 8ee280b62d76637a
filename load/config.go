package load

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
)

// Config configures a [Loader]. Only Codec must be set, and for []byte not even that.
type Config[V any] struct {
	// Codec encodes and decodes values. It is required, except for []byte: bytes are
	// stored as they are.
	Codec codec.Codec[V]

	// TTL is how long a value is good. 0 means that it does not expire. A load can
	// choose another one with [Entry.TTL].
	TTL time.Duration

	// Jitter is by how much a TTL, and the time to a refresh, is shortened at most, as
	// a fraction of it. Values that were loaded together then do not expire together.
	// 0.1 is usual; 0 means no jitter.
	Jitter float64

	// NotFoundTTL is how long [ErrNotFound] is remembered, in the cache. 0 means that
	// it is not.
	NotFoundTTL time.Duration

	// ErrorTTL is how long any other error of a load is remembered, in this process:
	// until then it is returned without calling a load function. 0 means that errors
	// are not remembered.
	ErrorTTL time.Duration

	// RefreshAfter is the age from which a value is loaded again in the background,
	// while it is still returned. It must be less than TTL. 0 means that a value is
	// used until it expires.
	RefreshAfter time.Duration

	// EarlyRefresh refreshes values in the background at random before they expire,
	// the sooner the longer they take to load and the more often they are used, so
	// that the values of busy keys do not all expire at once (Vattani, Chierichetti
	// and Lowenstein, Optimal Probabilistic Cache Stampede Prevention, VLDB 2015). It
	// is beta in that paper: 1 is usual, larger is earlier, 0 means never.
	EarlyRefresh float64

	// MaxRefreshes bounds how many refreshes run at once in this process; 16 if zero.
	// A value whose refresh finds no place is returned, and its next Get tries again.
	MaxRefreshes int

	// KeepStale is how long after its TTL a value is kept, to be returned if loading
	// it again fails or takes longer than Patience. It is counted from when the value
	// was loaded. A value that was invalidated is never returned.
	KeepStale time.Duration

	// Patience is how long a Get waits for a load if it can return a value that
	// KeepStale kept. The load goes on. 0 means as long as the load takes.
	Patience time.Duration

	// RetryAfter is how long after a load that failed the old value is used before
	// anyone tries again; 10 s if zero. It applies to refreshes and to KeepStale.
	RetryAfter time.Duration

	// Lease bounds a load; 10 s if zero. When it is over the context of the load is
	// done, and another caller may begin to load. It is also how long other processes
	// wait for one that died. Choose it longer than any load takes.
	Lease time.Duration

	// Tag is a tag of every value of the loader, so that InvalidateAll can invalidate
	// them with one command. Each hit then reads one more record. Empty means none.
	Tag string

	// KeyTags gives each key a tag for itself, which Delete invalidates. Without it
	// Delete removes the item, which is enough as long as all processes use the same
	// list of servers and keep no items in their own memory (see TagCache). With it a
	// record is kept for each key, and each hit reads it.
	KeyTags bool

	// TagCache is where the records of tags are kept; nil means in the cache of the
	// loader. Values and records must be separate caches if values are kept in the
	// memory of a process while tags are shared by many, or if loaders whose caches
	// have different prefixes are to share tags: give each of them the same TagCache.
	// It must be able to compare and swap.
	TagCache *cache.Cache

	// AlsoInvalidate are further caches in which Invalidate and Delete remove tags and
	// keys: those with the other list of servers, while processes move from one list
	// to another one by one.
	AlsoInvalidate []*cache.Cache

	// Generation is stored with each value. A value of another generation is not used.
	// Increase it when the list of servers goes back to servers that may still hold
	// what they held before.
	Generation uint64
}

// config is a Config without its codec, checked, and with its defaults.
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
// it, and at least minRecordTTL, since values of other loaders with a longer TTL may have
// the same tag. When a record expires the values that have its version are lost, so that at
// most one load in recordLives is due to it. In memory without a bound, the record of a tag
// that nobody uses any more goes after that time.
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
