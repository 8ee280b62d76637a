package ketama

import (
	"fmt"
	"time"

	"github.com/larder-go/larder/drivers/internal/distribution"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/encoding"
)

// Defaults of a [Config].
const (
	DefaultTimeout  = 500 * time.Millisecond
	DefaultPoolSize = 64
)

// maxPoolSize is more than the connections that memcached accepts. It prevents a typing error
// from filling the memory.
const maxPoolSize = 1 << 16

// The values of Config.Distribution, named after the behaviors of pylibmc that do the same.
const (
	DistributionKetama         = distribution.Ketama         // {'ketama': True}
	DistributionKetamaWeighted = distribution.KetamaWeighted // {'ketama_weighted': True}
	DistributionKetamaMD5      = distribution.KetamaMD5      // {'ketama': True, 'hash': 'md5'}
)

// The values of Config.NumberFlags.
const (
	FlagsPylibmc         = memcached.PylibmcName
	FlagsPythonMemcached = memcached.PythonMemcachedName
)

// distributions are the names of the distributions; the first is the default.
var distributions = []string{DistributionKetama, DistributionKetamaWeighted, DistributionKetamaMD5}

// Config configures a cache. The zero value is one server on this machine, 127.0.0.1:11211,
// and the defaults.
type Config struct {
	// Servers are the addresses of the servers: "host", "host:port",
	// "host:port:weight", the same with an IPv6 address in brackets, or "/path" of a
	// unix socket. The port is 11211 and the weight 1 unless given. At most 100. Keys
	// are distributed by these names, as they are written: every client of the cluster
	// must have the same. Their order does not count. Listing a server twice is an
	// error. Default: 127.0.0.1.
	Servers []string

	// Distribution decides which server holds a key; see the package documentation.
	// Default: DistributionKetama.
	Distribution string

	// PoolSize is the number of clients for each server, which bounds the calls to it at
	// the same time. A client has up to two connections: one of rainycape and one of the
	// driver. It connects when it is used. The client that was used last is used first,
	// so a large pool costs little until it is needed. Default: DefaultPoolSize.
	PoolSize int

	// PoolTimeout bounds the wait for a free client. The deadline of a context may make
	// it shorter. Default: Timeout.
	PoolTimeout time.Duration

	// Timeout bounds connecting, and each exchange of a request and its reply; in a
	// batch, each wait for the next reply. The deadline of a context may make it
	// shorter. Default: DefaultTimeout.
	Timeout time.Duration

	// KeyEncoding is applied to every key. The zero value leaves keys as they are.
	KeyEncoding encoding.Encoding

	// NumberFlags is the Python client whose flags mark the numbers that are stored:
	// FlagsPylibmc or FlagsPythonMemcached. Numbers of either are read. Default:
	// FlagsPylibmc.
	NumberFlags string
}

// plan is a Config that was checked, with the defaults filled in.
type plan struct {
	config       Config
	servers      []memcached.Server
	distribution distribution.Distribution
	dialect      memcached.Dialect
}

func (c Config) check() (plan, error) {
	p := plan{config: c}
	if c.Timeout < 0 {
		return plan{}, fmt.Errorf("timeout %v: must not be negative (0 means %v)", c.Timeout, DefaultTimeout)
	}
	if c.PoolTimeout < 0 {
		return plan{}, fmt.Errorf("pool timeout %v: must not be negative (0 means the timeout)", c.PoolTimeout)
	}
	if c.PoolSize < 0 || c.PoolSize > maxPoolSize {
		return plan{}, fmt.Errorf("pool size %d: must be 1 to %d (0 means %d)", c.PoolSize, maxPoolSize, DefaultPoolSize)
	}
	if c.Timeout == 0 {
		p.config.Timeout = DefaultTimeout
	}
	if c.PoolTimeout == 0 {
		p.config.PoolTimeout = p.config.Timeout
	}
	if c.PoolSize == 0 {
		p.config.PoolSize = DefaultPoolSize
	}
	var err error
	if p.dialect, err = memcached.ParseDialect(c.NumberFlags); err != nil {
		return plan{}, err
	}
	name, err := distribution.Choose(c.Distribution, distributions...)
	if err != nil {
		return plan{}, err
	}
	if p.servers, err = memcached.ParseServers(c.Servers); err != nil {
		return plan{}, err
	}
	if p.distribution, err = distribution.New(name, p.servers); err != nil {
		return plan{}, err
	}
	return p, nil
}
