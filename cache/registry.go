package cache

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/larder-go/larder/cache/driver/dsn"
)

var registry struct {
	sync.RWMutex
	open map[string]func(dsn string) (*Cache, error)
}

// Register makes a driver available under the scheme of its DSNs. Drivers call it from
// init. It panics if open is nil or the scheme is already registered.
func Register(scheme string, open func(dsn string) (*Cache, error)) {
	registry.Lock()
	defer registry.Unlock()
	if open == nil {
		panic("cache: Register of a nil function for " + scheme)
	}
	if _, dup := registry.open[scheme]; dup {
		panic("cache: Register called twice for " + scheme)
	}
	if registry.open == nil {
		registry.open = map[string]func(string) (*Cache, error){}
	}
	registry.open[scheme] = open
}

// Drivers returns the registered schemes, sorted.
func Drivers() []string {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Sorted(maps.Keys(registry.open))
}

// Open opens a cache from a DSN, such as "memory://" or
// "memcached://10.0.0.1:11211?timeout=200ms". The driver's package must be imported; its
// documentation lists the parameters. Open validates the string and does not connect: use
// [Cache.Ping] to check that the servers can be reached.
func Open(source string) (*Cache, error) {
	scheme, err := dsn.Scheme(source)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	registry.RLock()
	open := registry.open[scheme]
	registry.RUnlock()
	if open == nil {
		registered := "no driver is registered"
		if names := Drivers(); len(names) > 0 {
			registered = "registered: " + strings.Join(names, ", ")
		}
		return nil, fmt.Errorf("cache: unknown driver %.40q (forgotten import?); %s", scheme, registered)
	}
	return open(source)
}
