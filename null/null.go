// Package null provides a cache that keeps nothing, for programs that must run without a
// cache: in tests, for debugging, or by a switch in the configuration.
//
// # DSN
//
//	null://?key_encoding=safe
//
// key_encoding is the name of an encoding, as package encoding knows it. The default is none,
// which leaves keys as they are.
//
// # Config
//
// [Config] has a field for each parameter of the DSN. [ParseDSN] and [Config.FormatDSN]
// convert one to the other.
//
// # Abilities
//
// The cache keeps the whole contract, as one that evicts every item at once would:
//
//	Get, GetItem, GetAndTouch          ErrMiss
//	GetMulti, GetItemMulti             an empty map
//	Set, Add, Replace                  nil: the value was stored, and is gone
//	SetMulti, AddMulti, ReplaceMulti   the same
//	GetOrAdd, GetOrAddMulti            ErrMiss, and the key was added
//	Delete, Touch                      ErrMiss
//	DeleteMulti, Flush, Ping           nil
//	Increment, Decrement               ErrMiss
//	IncrementFrom, DecrementFrom       the first count, each time
//	CompareAndSwap, CompareAndDelete   there is no item to call them with
//	Stats                              unsupported
//
// [cache.Cache.Discards] returns true, so that code that waits for an item to appear can
// tell.
//
// # Errors
//
// Keys and TTLs are checked as in other caches, and operations after Close return
// [cache.ErrClosed], so that a program behaves the same when another cache takes the place
// of this one. There are no servers, so [cache.ErrUnavailable] is never returned.
//
// # Context
//
// The context is checked before a call. No call takes any time.
//
// # Limits
//
// There is no limit on the size of values.
package null

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/cache/driver/dsn"
	"github.com/larder-go/larder/encoding"
)

const name = "null"

func init() {
	cache.Register(name, func(source string) (*cache.Cache, error) {
		c, err := ParseDSN(source)
		if err != nil {
			return nil, err
		}
		return New(c), nil
	})
}

// Config configures New.
type Config struct {
	// KeyEncoding is applied to every key before it is checked, so that the same keys
	// are valid here as in the cache whose place this one takes. The zero value
	// leaves keys as they are.
	KeyEncoding encoding.Encoding
}

// New returns a cache that keeps nothing.
func New(c Config) *cache.Cache {
	return cache.New(discard{}, cache.Options{Name: name, KeyEncoding: c.KeyEncoding, Discards: true})
}

// ParseDSN parses a configuration string. The package comment lists its parameters.
func ParseDSN(source string) (Config, error) {
	var c Config
	d, err := dsn.Parse(name, source)
	if err != nil {
		return Config{}, err
	}
	d.NoAddress()
	d.Encoding(&c.KeyEncoding)
	if err := d.Done(); err != nil {
		return Config{}, err
	}
	return c, nil
}

// FormatDSN returns the string that ParseDSN parses to c. A custom encoding is written by
// its name, which ParseDSN does not know.
func (c Config) FormatDSN() string {
	b := dsn.Builder{Scheme: name}
	b.Encoding(c.KeyEncoding)
	return b.DSN()
}

var (
	_ driver.Swapper = discard{}
	_ driver.Toucher = discard{}
	_ driver.Pinger  = discard{}
)

// discard is the driver.
type discard struct{}

func (discard) Get(context.Context, string) ([]byte, error)               { return nil, driver.ErrMiss }
func (discard) Store(context.Context, driver.Mode, driver.Entry) error    { return nil }
func (discard) Delete(context.Context, string) error                      { return driver.ErrMiss }
func (discard) Increment(context.Context, string, uint64) (uint64, error) { return 0, driver.ErrMiss }
func (discard) Decrement(context.Context, string, uint64) (uint64, error) { return 0, driver.ErrMiss }
func (discard) Touch(context.Context, string, time.Duration) error        { return driver.ErrMiss }
func (discard) Flush(context.Context) error                               { return nil }
func (discard) Ping(context.Context) error                                { return nil }
func (discard) Close() error                                              { return nil }

func (discard) GetItem(context.Context, string) (driver.Item, error) {
	return driver.Item{}, driver.ErrMiss
}

func (discard) CompareAndSwap(context.Context, any, driver.Entry) error {
	return driver.ErrMiss
}

func (discard) GetAndTouch(context.Context, string, time.Duration) ([]byte, error) {
	return nil, driver.ErrMiss
}

func (discard) CompareAndDelete(context.Context, string, any) error { return driver.ErrMiss }
