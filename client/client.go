// Package client partitions a cache by namespace: it makes one cache out of several, and a
// configuration says which namespace is stored where.
//
// The code of an application names namespaces:
//
//	sessions, err := c.Namespace("sessions")
//
// The configuration maps them to caches. All of them may be in one cache today, and the
// sessions on their own servers tomorrow, without a change to the code:
//
//	c, err := client.New(client.Config{
//		DSNs: map[string]string{
//			"default":  "memcached://10.0.0.1:11211",
//			"sessions": "memcached://10.0.0.2:11211",
//			"static":   "memory://?max_bytes=64MiB",
//		},
//	})
//
// # Methods of a partitioned cache
//
// New returns a [cache.Cache]. Its methods act on the namespaces as follows:
//
//	Get, Set and all other operations on keys   the default namespace
//	Driver, Supports, Discards, CheckKey, Stats the default namespace
//	Namespace                                   returns another one
//	Flush, Ping, Close                          each distinct cache, once
//	WithKind, WithPrefix, WithHook              a view of all namespaces
//
// An unknown namespace is an error that lists the known ones. A [cache.Cache] that is not
// partitioned is its own partition for every name, so an application that uses namespaces
// runs unchanged on a single cache. All its namespaces then share their keys.
//
// # Shared caches
//
// Namespaces on one cache share its keys too: "user:1" in one is "user:1" in the other.
// Prefixes keep them apart. Flush still removes everything in the cache behind a namespace.
package client

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/larder-go/larder/cache"
)

// Config lists the namespaces and the cache of each. A namespace is in Caches or in DSNs,
// not in both.
type Config struct {
	// Default is the namespace of operations on the client itself. Empty means
	// "default". It must be one of the namespaces.
	Default string

	// Caches maps namespaces to caches. The client owns the caches: its Close closes
	// them. Several namespaces may share one cache.
	Caches map[string]*cache.Cache

	// DSNs maps namespaces to configuration strings, for cache.Open. The packages of
	// the drivers must be imported. Namespaces with equal strings share one cache.
	DSNs map[string]string

	// Prefixes maps namespaces to prefixes, which are put before every key, to keep
	// apart the keys of namespaces that share a cache. They count toward the length of
	// the key.
	Prefixes map[string]string
}

// New returns a cache that is partitioned by namespace. Like cache.Open, it does not
// connect to servers. The caller must close it. If New fails, it closes the caches that it
// opened, and leaves those in Caches open.
func New(config Config) (*cache.Cache, error) {
	if config.Default == "" {
		config.Default = "default"
	}
	for _, name := range slices.Sorted(maps.Keys(config.DSNs)) {
		if _, both := config.Caches[name]; both {
			return nil, fmt.Errorf("client: namespace %q is in both Caches and DSNs; want one of them", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config.Prefixes)) {
		if config.Caches[name] == nil && config.DSNs[name] == "" {
			return nil, fmt.Errorf("client: Prefixes has namespace %q, which is in neither Caches nor DSNs", name)
		}
	}
	if err := checkDefault(config); err != nil {
		return nil, err
	}
	namespaces := maps.Clone(config.Caches)
	if namespaces == nil {
		namespaces = map[string]*cache.Cache{}
	}
	opened, err := open(config.DSNs, namespaces)
	if err != nil {
		return nil, errors.Join(err, closeAll(opened))
	}
	for name, prefix := range config.Prefixes {
		namespaces[name] = namespaces[name].WithPrefix(prefix)
	}
	c, err := cache.Partitioned(config.Default, namespaces)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("client: %w", err), closeAll(opened))
	}
	return c, nil
}

// checkDefault returns an error if the default namespace is not one of the namespaces.
func checkDefault(config Config) error {
	_, inCaches := config.Caches[config.Default]
	_, inDSNs := config.DSNs[config.Default]
	if inCaches || inDSNs {
		return nil
	}
	var names []string
	for name := range config.Caches {
		names = append(names, strconv.Quote(name))
	}
	for name := range config.DSNs {
		names = append(names, strconv.Quote(name))
	}
	if len(names) == 0 {
		return fmt.Errorf("client: there are no namespaces; want at least the default one, %q, in Caches or DSNs", config.Default)
	}
	slices.Sort(names)
	return fmt.Errorf("client: the default namespace %q is in neither Caches nor DSNs; add it, or set Default to one of %s",
		config.Default, strings.Join(names, ", "))
}

// open adds to namespaces a cache for every DSN, one for equal DSNs, and returns the
// distinct ones.
func open(dsns map[string]string, namespaces map[string]*cache.Cache) (opened []*cache.Cache, err error) {
	byDSN := map[string]*cache.Cache{}
	for _, name := range slices.Sorted(maps.Keys(dsns)) {
		source := dsns[name]
		c, ok := byDSN[source]
		if !ok {
			c, err = cache.Open(source)
			if err != nil {
				return opened, fmt.Errorf("client: namespace %q: %w", name, err)
			}
			byDSN[source] = c
			opened = append(opened, c)
		}
		namespaces[name] = c
	}
	return opened, nil
}

func closeAll(caches []*cache.Cache) error {
	var errs []error
	for _, c := range caches {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
