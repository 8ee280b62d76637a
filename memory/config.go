package memory

import (
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/cache/driver/dsn"
	"github.com/larder-go/larder/encoding"
)

const name = "memory"

func init() {
	cache.Register(name, func(source string) (*cache.Cache, error) {
		c, err := ParseDSN(source)
		if err != nil {
			return nil, err
		}
		return New(c)
	})
}

// The defaults of Config.
const (
	DefaultBuckets        = 60
	DefaultBucketInterval = 15 * time.Second
)

// MinMaxBytes is the smallest valid Config.MaxBytes, in bytes.
const MinMaxBytes = 64 << 10

// Config configures a cache in memory. The zero value is a cache without bounds.
type Config struct {
	// BucketInterval bounds the time for which an expired entry keeps its memory, as
	// long as there are stores. Memory whose entries have all expired is found sooner:
	// see Buckets. 0 means DefaultBucketInterval.
	BucketInterval time.Duration

	// Buckets is the number of times in a BucketInterval that the cache looks for
	// memory whose entries have all expired. 0 means DefaultBuckets.
	Buckets int

	// MaxBytes bounds the memory in bytes that the cache keeps reachable: entries with
	// their keys, and the index, as counted by Stats. Garbage is not counted; GOGC and
	// GOMEMLIMIT bound it. When the bound is reached, the entries that seem the least
	// useful are evicted. It must be at least MinMaxBytes; 0 means no bound. A value
	// may take half of it.
	MaxBytes int64

	// MaxEntries bounds the number of entries in the same way. 0 means no bound.
	MaxEntries int64

	// KeyEncoding is applied to the keys. The zero value leaves them as they
	// are.
	KeyEncoding encoding.Encoding

	// CheckReads makes the cache panic when it finds that a caller wrote to the
	// bytes that Get returned: at the next Get of the key, and when the entry
	// is replaced, removed or moved. It is for tests: every entry takes 8 bytes
	// more, and every operation reads the whole value. A DSN cannot set it.
	CheckReads bool
}

// New returns a cache in the memory of the process. It starts no goroutine. It returns an
// error if c is invalid.
func New(c Config) (*cache.Cache, error) {
	if c.Buckets == 0 {
		c.Buckets = DefaultBuckets
	}
	if c.BucketInterval == 0 {
		c.BucketInterval = DefaultBucketInterval
	}
	switch {
	case c.Buckets < 0:
		return nil, fmt.Errorf("memory: Buckets %d must not be negative (0 means %d)", c.Buckets, DefaultBuckets)
	case c.BucketInterval < 0:
		return nil, fmt.Errorf("memory: BucketInterval %v must not be negative (0 means %v)", c.BucketInterval, DefaultBucketInterval)
	case c.MaxBytes < 0 || c.MaxBytes > 0 && c.MaxBytes < MinMaxBytes:
		return nil, fmt.Errorf("memory: MaxBytes %d must be at least %d, or 0 for no bound", c.MaxBytes, MinMaxBytes)
	case c.MaxEntries < 0:
		return nil, fmt.Errorf("memory: MaxEntries %d must not be negative (0 means no bound)", c.MaxEntries)
	}
	return cache.New(newStore(c), cache.Options{Name: name, KeyEncoding: c.KeyEncoding}), nil
}

// ParseDSN parses a configuration string. The package comment lists its parameters.
func ParseDSN(source string) (Config, error) {
	var c Config
	d, err := dsn.Parse(name, source)
	if err != nil {
		return Config{}, err
	}
	d.NoAddress()
	d.Int("buckets", &c.Buckets, 1)
	d.Duration("bucket_interval", &c.BucketInterval)
	d.Size("max_bytes", &c.MaxBytes)
	d.Int64("max_entries", &c.MaxEntries, 0)
	d.Encoding(&c.KeyEncoding)
	if c.MaxBytes > 0 && c.MaxBytes < MinMaxBytes {
		d.Errorf("max_bytes", "%d is too small; must be at least 64KiB, or 0 for no bound", c.MaxBytes)
	}
	if err := d.Done(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// FormatDSN returns the string that ParseDSN parses to c, apart from CheckReads. Zero fields
// are left out.
func (c Config) FormatDSN() string {
	b := dsn.Builder{Scheme: name}
	b.Int("buckets", c.Buckets)
	b.Duration("bucket_interval", c.BucketInterval)
	b.Int64("max_bytes", c.MaxBytes)
	b.Int64("max_entries", c.MaxEntries)
	b.Encoding(c.KeyEncoding)
	return b.DSN()
}

// tooLarge returns an error that matches ErrTooLarge and names the limit.
func tooLarge(limit string) error {
	return &driver.Error{Driver: name, Err: fmt.Errorf("%w: %s", driver.ErrTooLarge, limit)}
}

// errFull is returned when a shard has no number left for another slab: 4 GiB of
// small entries, or 16,384 large ones.
var errFull = tooLarge("a shard of the cache is full")
