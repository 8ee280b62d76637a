// Package client makes one cache for an application out of several, by namespace.
//
// The code of the application names namespaces:
//
//	sessions, err := c.Namespace("sessions")
//
// and the configuration says where each lives: all in one cache today, the sessions
// on servers of their own tomorrow. The code does not change.
//
//	c, err := client.New(client.Config{
//		DSNs: map[string]string{
//			"default":  "gomemcache://10.0.0.1:11211",
//			"sessions": "gomemcache://10.0.0.2:11211",
//			"static":   "memory://?max_bytes=64MiB",
//		},
//	})
//
// A program that is not partitioned needs no client: every cache is its own partition
// for every name.
//
// Namespaces on one cache share its keys, unless they have prefixes: "user:1" in one
// is "user:1" in the other.
package client

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/larder-go/larder/cache"
)

// Config says which namespaces there are and where each lives. A namespace stands in
// Caches or in DSNs, not in both.
type Config struct {
	// Default is the namespace of operations on the client itself; "default" if
	// empty. It must be one of the namespaces.
	Default string

	// Caches are namespaces by value. The client takes them over: its Close
	// closes them. Two names may share one cache.
	Caches map[string]*cache.Cache

	// DSNs are namespaces by configuration string, for cache.Open; the drivers
	// must be imported. Equal strings share one cache.
	DSNs map[string]string

	// Prefixes are put before every key of a namespace, for namespaces that share
	// a cache and must not share keys. They count for the length of the key.
	// Flush of such a namespace still empties the whole cache behind it.
	Prefixes map[string]string
}

// New returns a cache that is partitioned as the Config says. Like cache.Open it does
// not connect to servers. Operations on it go to the default namespace; see
// [cache.Partitioned] for those that reach all.
func New(config Config) (*cache.Cache, error) {
	if config.Default == "" {
		config.Default = "default"
	}
	for _, name := range slices.Sorted(maps.Keys(config.DSNs)) {
		if _, both := config.Caches[name]; both {
			return nil, fmt.Errorf("client: namespace %q stands both in Caches and in DSNs, want one", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(config.Prefixes)) {
		if config.Caches[name] == nil && config.DSNs[name] == "" {
			return nil, fmt.Errorf("client: prefix for namespace %q, which stands neither in Caches nor in DSNs", name)
		}
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

// open adds a cache to namespaces for every DSN, one for equal DSNs, and returns the
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
