package cache

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/larder-go/larder/internal/dsn"
)

var registry struct {
	sync.RWMutex
	open map[string]func(dsn string) (*Cache, error)
}

// Register makes a driver known under the scheme of its DSNs. Drivers call it from
// init. It panics if open is nil or the scheme is taken: both are mistakes in the
// program that show when it starts.
func Register(scheme string, open func(dsn string) (*Cache, error)) {
	registry.Lock()
	defer registry.Unlock()
	if open == nil {
		panic("cache: Register of a nil function for " + scheme)
	}
	if _, taken := registry.open[scheme]; taken {
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

// Open makes a cache from a string such as "memory://" or
// "gomemcache://10.0.0.1:11211?timeout=200ms". Which parameters there are is in the
// documentation of each driver's package, which must be imported. Open checks the
// string and does not connect: use [Cache.Ping] for that.
func Open(source string) (*Cache, error) {
	scheme, err := dsn.Scheme(source)
	if err != nil {
		return nil, err
	}
	registry.RLock()
	open := registry.open[scheme]
	registry.RUnlock()
	if open == nil {
		known := "none are registered"
		if names := Drivers(); len(names) > 0 {
			known = "registered: " + strings.Join(names, ", ")
		}
		return nil, fmt.Errorf("cache: unknown driver %.40q (forgotten import?); %s", scheme, known)
	}
	return open(source)
}
