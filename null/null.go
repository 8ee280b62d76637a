// Package null is a cache that keeps nothing, for programs that must run without one:
// tests, debugging, a switch in the configuration.
//
// # DSN
//
//	null://?key_encoding=safe
//
// key_encoding is the name of an encoding, as package encoding knows it; the default
// is string.
//
// # Config
//
// [Config] says the same; [ParseDSN] and [Config.FormatDSN] turn one into the other.
//
// # Behaviour
//
// The whole contract holds for a cache whose every item is dropped at once:
//
//	get, get many, get item          ErrMiss; nothing found
//	set, add, replace                nil: it was stored, and is gone
//	delete, touch                    ErrMiss
//	delete many, flush, ping         nil
//	increment, decrement             ErrMiss
//	the same with an initial value   the first count, each time
//	compare-and-swap, -delete        no item can be had for them
//	stats                            not supported
//
// Keys and TTLs are checked as everywhere, so that a program behaves the same when a
// real cache takes its place.
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

// Config is what a cache that keeps nothing can be told.
type Config struct {
	// KeyEncoding is applied to the keys before they are checked, so that a key
	// is legal here if it is in the cache whose place this one takes.
	KeyEncoding encoding.Encoding
}

// New returns a cache that keeps nothing.
func New(c Config) *cache.Cache {
	return cache.New(discard{}, cache.Options{Name: name, KeyEncoding: c.KeyEncoding, Discards: true})
}

// ParseDSN reads a configuration string; the package comment says which parameters
// there are.
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

// FormatDSN writes the string that ParseDSN reads. An encoding of the program's own
// stands in it by its name, which ParseDSN does not know.
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
