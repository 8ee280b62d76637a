// Package distribution decides which server holds a key, in the ways of the clients
// that share a cluster with larder: each finds the keys of the others on the same
// server.
package distribution

import (
	"fmt"
	"slices"
	"strings"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

// The names of the distributions, as configurations spell them.
const (
	// Ketama is libmemcached's ring with its default hash: the behavior
	// {"ketama": True} of pylibmc, which wheezy.caching sets.
	Ketama = "ketama"
	// KetamaWeighted is the ring that is compatible with libketama: the behavior
	// {"ketama_weighted": True} of pylibmc.
	KetamaWeighted = "ketama_weighted"
	// KetamaMD5 is libmemcached's ring with MD5: the behaviors {"ketama": True,
	// "hash": "md5"} of pylibmc.
	KetamaMD5 = "ketama_md5"
	// PythonMemcached is the distribution of python-memcached, and of pylibmc with
	// {"hash": "crc"}.
	PythonMemcached = "python-memcached"
	// Gomemcache is the distribution of github.com/bradfitz/gomemcache.
	Gomemcache = "gomemcache"
)

// A Distribution maps keys to servers. It is immutable and safe for concurrent use.
type Distribution interface {
	// Pick returns the position of the server that holds key in the list that the
	// Distribution was made from. It does not allocate.
	Pick(key string) int
}

// New returns the distribution of that name over servers, of which there must be at
// least one.
func New(name string, servers []memcached.Server) (Distribution, error) {
	if len(servers) == 0 {
		return nil, fmt.Errorf("distribution: no servers")
	}
	var err error
	var d Distribution
	switch name {
	case Ketama, KetamaWeighted, KetamaMD5:
		d, err = newRing(name, servers)
	case PythonMemcached:
		d = newModulo(hashPythonMemcached, servers)
	case Gomemcache:
		d = newModulo(checksum, servers)
	default:
		return nil, fmt.Errorf("unknown distribution %.40q", name)
	}
	if err != nil {
		return nil, err
	}
	if len(servers) == 1 {
		return single{}, nil
	}
	return d, nil
}

// single is the distribution over one server.
type single struct{}

func (single) Pick(string) int { return 0 }

// Choose returns name, or the first of choices if name is empty. It is an error if name
// is not one of choices.
func Choose(name string, choices ...string) (string, error) {
	if name == "" {
		return choices[0], nil
	}
	if !slices.Contains(choices, name) {
		return "", fmt.Errorf("unknown distribution %.40q; want one of %s", name, strings.Join(choices, ", "))
	}
	return name, nil
}
