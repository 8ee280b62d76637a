// Package drvbench compares larder's memcached drivers with the client libraries they
// are built on and with Python's. It starts the memcached servers.
package drvbench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	gomemcache "github.com/bradfitz/gomemcache/memcache"
	rainycape "github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	gomemcachedriver "github.com/larder-go/larder/drivers/gomemcache"
	ketamadriver "github.com/larder-go/larder/drivers/ketama"
)

const (
	timeout = 10 * time.Second // nothing here should fail for slowness
	idle    = 512              // connections: more than goroutines that call at once
	ttl     = 10 * time.Minute
	seconds = 600
	// workers is the number of goroutines of a bare library's loop over many keys: more
	// did not help on two cores.
	workers = 8
)

// single is a client as used for one key at a time, by many goroutines at once.
type single interface {
	get(key string) error
	set(key string, value []byte) error
	incr(key string) error
}

// batcher is a client as used for many keys.
type batcher interface {
	setAll(keys []string, value []byte) error
	getAll(keys []string) (found int, err error)
	deleteAll(keys []string) error
	wire(master string, keys []string) error // cache dependency: add
	drop(master string) error                // and delete
}

// larder is a driver through the portable type.
type larder struct {
	cache *cache.Cache
	deps  *dependency.Dependency
}

func newLarder(c *cache.Cache, err error) (*larder, error) {
	if err != nil {
		return nil, err
	}
	deps, err := dependency.New(c, ttl)
	return &larder{c, deps}, err
}

func newGomemcacheDriver(addr string) (*larder, error) {
	return newLarder(gomemcachedriver.New(gomemcachedriver.Config{Servers: []string{addr}, Timeout: timeout, MaxIdleConns: idle}))
}

func newKetamaDriver(addr string) (*larder, error) {
	return newLarder(ketamadriver.New(ketamadriver.Config{Servers: []string{addr}, Timeout: timeout, PoolSize: idle}))
}

func (l *larder) get(key string) error {
	_, err := l.cache.Get(context.Background(), key)
	return err
}

func (l *larder) set(key string, value []byte) error {
	return l.cache.Set(context.Background(), key, value, ttl)
}

func (l *larder) incr(key string) error {
	_, err := l.cache.Increment(context.Background(), key, 1)
	return err
}

func (l *larder) setAll(keys []string, value []byte) error {
	values := make(map[string][]byte, len(keys))
	for _, key := range keys {
		values[key] = value
	}
	return l.cache.SetMulti(context.Background(), values, ttl)
}

func (l *larder) getAll(keys []string) (int, error) {
	values, err := l.cache.GetMulti(context.Background(), keys)
	return len(values), err
}

func (l *larder) deleteAll(keys []string) error {
	return l.cache.DeleteMulti(context.Background(), keys)
}

func (l *larder) wire(master string, keys []string) error {
	return l.deps.AddMulti(context.Background(), master, keys)
}

func (l *larder) drop(master string) error { return l.deps.Delete(context.Background(), master) }

// bare has the methods of a client library. The loops over it are below.
type bare interface {
	single
	add(key string, value []byte) error
	delete(key string) error
	increase(key string, by uint64) (uint64, error)
	getMulti(keys []string) (map[string][]byte, error)
}

// gomemcacheBare is github.com/bradfitz/gomemcache.
type gomemcacheBare struct{ c *gomemcache.Client }

func newGomemcacheBare(addr string) (gomemcacheBare, error) {
	c := gomemcache.New(addr)
	c.Timeout, c.MaxIdleConns = timeout, idle
	return gomemcacheBare{c}, c.Ping()
}

func (b gomemcacheBare) get(key string) error {
	_, err := b.c.Get(key)
	return err
}

func (b gomemcacheBare) set(key string, value []byte) error {
	return b.c.Set(&gomemcache.Item{Key: key, Value: value, Expiration: seconds})
}

func (b gomemcacheBare) incr(key string) error {
	_, err := b.c.Increment(key, 1)
	return err
}

func (b gomemcacheBare) add(key string, value []byte) error {
	return b.c.Add(&gomemcache.Item{Key: key, Value: value, Expiration: seconds})
}

func (b gomemcacheBare) delete(key string) error {
	return unless(gomemcache.ErrCacheMiss, b.c.Delete(key))
}

func (b gomemcacheBare) increase(key string, by uint64) (uint64, error) {
	n, err := b.c.Increment(key, by)
	if err != gomemcache.ErrCacheMiss {
		return n, err
	}
	return by, b.c.Add(&gomemcache.Item{Key: key, Value: strconv.AppendUint(nil, by, 10)})
}

func (b gomemcacheBare) getMulti(keys []string) (map[string][]byte, error) {
	items, err := b.c.GetMulti(keys)
	values := make(map[string][]byte, len(items))
	for key, item := range items {
		values[key] = item.Value
	}
	return values, err
}

// rainycapeBare is github.com/rainycape/memcache.
type rainycapeBare struct{ c *rainycape.Client }

func newRainycapeBare(addr string) (rainycapeBare, error) {
	c, err := rainycape.New(addr)
	if err != nil {
		return rainycapeBare{}, err
	}
	c.SetTimeout(timeout)
	c.SetMaxIdleConnsPerAddr(idle)
	return rainycapeBare{c}, nil
}

func (b rainycapeBare) get(key string) error {
	_, err := b.c.Get(key)
	return err
}

func (b rainycapeBare) set(key string, value []byte) error {
	return b.c.Set(&rainycape.Item{Key: key, Value: value, Expiration: seconds})
}

func (b rainycapeBare) incr(key string) error {
	_, err := b.c.Increment(key, 1)
	return err
}

func (b rainycapeBare) add(key string, value []byte) error {
	return b.c.Add(&rainycape.Item{Key: key, Value: value, Expiration: seconds})
}

func (b rainycapeBare) delete(key string) error {
	return unless(rainycape.ErrCacheMiss, b.c.Delete(key))
}

func (b rainycapeBare) increase(key string, by uint64) (uint64, error) {
	n, err := b.c.Increment(key, by)
	if err != rainycape.ErrCacheMiss {
		return n, err
	}
	return by, b.c.Add(&rainycape.Item{Key: key, Value: strconv.AppendUint(nil, by, 10)})
}

// getMulti asks for 1,000 keys at a time: the library writes all requests before it
// reads a reply, and stalls on many more.
func (b rainycapeBare) getMulti(keys []string) (map[string][]byte, error) {
	values := make(map[string][]byte, len(keys))
	for len(keys) > 0 {
		n := min(len(keys), 1000)
		items, err := b.c.GetMulti(keys[:n])
		if err != nil {
			return values, err
		}
		for key, item := range items {
			values[key] = item.Value
		}
		keys = keys[n:]
	}
	return values, nil
}

// looped is a bare library with the loops that a careful user would write: many keys
// by several goroutines, and the dependency of wheezy.caching.
type looped struct{ bare }

func (l looped) setAll(keys []string, value []byte) error {
	return byWorkers(len(keys), func(i int) error { return l.set(keys[i], value) })
}

func (l looped) getAll(keys []string) (int, error) {
	values, err := l.getMulti(keys)
	return len(values), err
}

func (l looped) deleteAll(keys []string) error {
	return byWorkers(len(keys), func(i int) error { return l.delete(keys[i]) })
}

func (l looped) wire(master string, keys []string) error {
	n := uint64(len(keys))
	last, err := l.increase(master, n)
	if err != nil {
		return err
	}
	return byWorkers(len(keys), func(i int) error {
		return l.add(slot(master, last-n+1+uint64(i)), []byte(keys[i]))
	})
}

func (l looped) drop(master string) error {
	last, err := l.increase(master, 0)
	if err != nil {
		return err
	}
	slots := make([]string, last)
	for i := range slots {
		slots[i] = slot(master, uint64(i)+1)
	}
	wired, err := l.getMulti(slots)
	if err != nil {
		return err
	}
	keys := append(slots, master)
	for _, key := range wired {
		keys = append(keys, string(key))
	}
	return l.deleteAll(keys)
}

func slot(master string, i uint64) string { return master + strconv.FormatUint(i, 10) }

// byWorkers calls f for 0 to n-1 from several goroutines.
func byWorkers(n int, f func(i int) error) error {
	errs := make([]error, workers)
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			for i := worker; i < n && errs[worker] == nil; i += workers {
				errs[worker] = f(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// unless returns err, or nil if it is the one that does not count.
func unless(harmless, err error) error {
	if err == harmless {
		return nil
	}
	return err
}

// expect is an error if a call found another number of keys.
func expect(found, want int, err error) error {
	if err == nil && found != want {
		err = fmt.Errorf("%d keys found, want %d", found, want)
	}
	return err
}
