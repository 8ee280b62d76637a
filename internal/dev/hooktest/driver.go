// Package hooktest gives the tests of hooks a cache that fails as it is told to, and
// traffic whose counts are known beforehand.
package hooktest

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// Name is the name of the driver.
const Name = "hooktest"

// Server is the address that the errors of keys that begin with Down name.
const Server = "10.0.0.1:11211"

// Prefixes of keys.
const (
	Down     = "down:"     // the server of the key does not reply
	Pickled  = "pickled:"  // the value cannot be decoded; the error names the key
	TooLarge = "toolarge:" // the value is over the limit of the backend
	Slow     = "slow:"     // it takes Delay
)

// Driver is a map with faults. Its fields may be changed while it is not in use.
type Driver struct {
	Delay      time.Duration
	Statistics driver.Stats
	StatsError error

	mu     sync.Mutex
	values map[string][]byte
}

// Open returns a cache of d.
func Open(d *Driver) *cache.Cache {
	d.values = map[string][]byte{}
	return cache.New(d, cache.Options{Name: Name})
}

// errRefused is the cause of an outage.
var errRefused = errors.New("connection refused")

// fault returns the error of an operation on key.
func (d *Driver) fault(op driver.Op, key string) error {
	switch {
	case strings.HasPrefix(key, Down):
		return driver.Unavailable(Name, op, Server, errRefused)
	case strings.HasPrefix(key, Pickled):
		return driver.Unreadable(Name, op, Server, key, errors.New("a pickle"))
	case strings.HasPrefix(key, TooLarge):
		return driver.ErrTooLarge
	case strings.HasPrefix(key, Slow):
		time.Sleep(d.Delay)
	}
	return nil
}

func (d *Driver) Get(_ context.Context, key string) ([]byte, error) {
	if err := d.fault(driver.OpGet, key); err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if v, ok := d.values[key]; ok {
		return v, nil
	}
	return nil, driver.ErrMiss
}

func (d *Driver) Store(_ context.Context, mode driver.Mode, e driver.Entry) error {
	if err := d.fault(mode.Op(), e.Key); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.values[e.Key]; mode == driver.Add && ok || mode == driver.Replace && !ok {
		return driver.ErrNotStored
	}
	d.values[e.Key] = append([]byte{}, e.Value...)
	return nil
}

func (d *Driver) Delete(_ context.Context, key string) error {
	if err := d.fault(driver.OpDelete, key); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.values[key]; !ok {
		return driver.ErrMiss
	}
	delete(d.values, key)
	return nil
}

func (d *Driver) Increment(_ context.Context, key string, delta uint64) (uint64, error) {
	if err := d.fault(driver.OpIncrement, key); err != nil {
		return 0, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.values[key]
	if !ok {
		return 0, driver.ErrMiss
	}
	n, err := strconv.ParseUint(string(v), 10, 64)
	if err != nil {
		return 0, driver.ErrNotNumber
	}
	d.values[key] = strconv.AppendUint(nil, n+delta, 10)
	return n + delta, nil
}

func (d *Driver) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.Increment(ctx, key, -delta)
}

func (d *Driver) Flush(context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.values)
	return nil
}

func (d *Driver) Close() error { return nil }

func (d *Driver) Stats(context.Context) (driver.Stats, error) { return d.Statistics, d.StatsError }

var (
	_ driver.Cache         = (*Driver)(nil)
	_ driver.StatsReporter = (*Driver)(nil)
)
