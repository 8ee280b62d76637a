package ketama

import (
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver/dsn"
	"github.com/larder-go/larder/drivers/internal/distribution"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/encoding"
)

func init() {
	cache.Register(scheme, func(source string) (*cache.Cache, error) {
		cfg, err := ParseDSN(source)
		if err != nil {
			return nil, err
		}
		return New(cfg)
	})
}

// Defaults of [Config].
const (
	DefaultPoolSize = 64
	DefaultTimeout  = 500 * time.Millisecond
)

// maxPoolSize is more than the connections memcached takes, and keeps a slip of the
// pen from filling the memory.
const maxPoolSize = 1 << 16

// The values of Config.Distribution, named after the behaviors of pylibmc that do the
// same.
const (
	DistributionKetama         = distribution.Ketama         // {'ketama': True}
	DistributionKetamaWeighted = distribution.KetamaWeighted // {'ketama_weighted': True}
	DistributionKetamaMD5      = distribution.KetamaMD5      // {'ketama': True, 'hash': 'md5'}
)

// The values of Config.NumberFlags.
const (
	FlagsPylibmc         = "pylibmc"
	FlagsPythonMemcached = "python-memcached"
)

// distributions are the names of the distributions; the first is the default.
var distributions = []string{DistributionKetama, DistributionKetamaWeighted, DistributionKetamaMD5}

// Config says which servers make up the cache and how they are used. The zero value is
// one server on 127.0.0.1.
type Config struct {
	// Servers are "host", "host:port", "host:port:weight", the same with an
	// IPv6 address in brackets, or "/path" of a unix socket. The port is 11211
	// unless given, the weight 1. At most 100, and none twice. Keys are distributed by these
	// names, as they are written: every client of the cluster must have the
	// same. Their order does not count. Default: 127.0.0.1.
	Servers []string

	// Distribution decides which server has a key. The package documentation
	// has the choice. Default: DistributionKetama.
	Distribution string

	// PoolSize is how many clients there are for each server: how many calls
	// may talk to it at once. All are made by New; each connects when it is
	// used, once for what goes through rainycape and once for what does not.
	// The one released last is taken first, so a large pool costs next to
	// nothing until it is needed. The server's own limit of connections, -c, is
	// 1024 unless it was raised. Default: DefaultPoolSize.
	PoolSize int

	// PoolTimeout bounds the wait for a free client; the context may end it
	// earlier. Default: Timeout.
	PoolTimeout time.Duration

	// Timeout bounds making a connection, and each exchange of a request and
	// its reply; in a batch, each wait for the next reply. The deadline of a
	// context may make it shorter. Default: DefaultTimeout.
	Timeout time.Duration

	// KeyEncoding turns keys into keys that memcached takes. Default: as they
	// are.
	KeyEncoding encoding.Encoding

	// NumberFlags is the Python client whose flags are written for text and numbers:
	// FlagsPylibmc (the default) or FlagsPythonMemcached. What either wrote is
	// read.
	NumberFlags string
}

// ParseDSN reads a Config from a string; the package documentation has its form. It
// checks everything that New checks.
func ParseDSN(source string) (Config, error) {
	var cfg Config
	d, err := dsn.Parse(scheme, source)
	if err != nil {
		return Config{}, err
	}
	cfg.Servers = memcached.ServersOf(d)
	d.Choice("distribution", &cfg.Distribution, distributions...)
	d.Int("pool_size", &cfg.PoolSize, 1)
	d.Duration("pool_timeout", &cfg.PoolTimeout)
	d.Duration("timeout", &cfg.Timeout)
	d.Encoding(&cfg.KeyEncoding)
	d.Choice("number_flags", &cfg.NumberFlags, memcached.Dialects...)
	if err := d.Done(); err != nil {
		return Config{}, err
	}
	if _, err := cfg.check(); err != nil {
		return Config{}, err
	}
	return cfg, nil
}

// FormatDSN returns a string that ParseDSN reads as the same configuration. Defaults
// that are not set are left out. A key encoding of the program's own appears by its
// name, which no string can choose.
func (cfg Config) FormatDSN() string {
	b := dsn.Builder{Scheme: scheme}
	memcached.FormatServers(&b, cfg.Servers)
	b.String("distribution", cfg.Distribution)
	b.Int("pool_size", cfg.PoolSize)
	b.Duration("pool_timeout", cfg.PoolTimeout)
	b.Duration("timeout", cfg.Timeout)
	b.Encoding(cfg.KeyEncoding)
	b.String("number_flags", cfg.NumberFlags)
	return b.DSN()
}

// plan is a Config that was checked, with the defaults filled in.
type plan struct {
	cfg          Config
	servers      []memcached.Server
	distribution distribution.Distribution
	dialect      memcached.Dialect
}

func (cfg Config) check() (plan, error) {
	p := plan{cfg: cfg}
	fail := func(format string, args ...any) (plan, error) {
		return plan{}, fmt.Errorf(scheme+": "+format, args...)
	}
	if cfg.PoolSize < 0 || cfg.PoolSize > maxPoolSize {
		return fail("pool size %d: want 1 to %d, or 0 for %d", cfg.PoolSize, maxPoolSize, DefaultPoolSize)
	}
	if cfg.Timeout < 0 {
		return fail("timeout %v: want more, or 0 for %v", cfg.Timeout, DefaultTimeout)
	}
	if cfg.PoolTimeout < 0 {
		return fail("pool timeout %v: want more, or 0 for the timeout", cfg.PoolTimeout)
	}
	if p.cfg.PoolSize == 0 {
		p.cfg.PoolSize = DefaultPoolSize
	}
	if p.cfg.Timeout == 0 {
		p.cfg.Timeout = DefaultTimeout
	}
	if p.cfg.PoolTimeout == 0 {
		p.cfg.PoolTimeout = p.cfg.Timeout
	}
	name, err := distribution.Choose(cfg.Distribution, distributions...)
	if err != nil {
		return fail("%w", err)
	}
	if p.dialect, err = memcached.ParseDialect(cfg.NumberFlags); err != nil {
		return fail("%w", err)
	}
	if p.servers, err = memcached.ParseServers(cfg.Servers); err != nil {
		return fail("%w", err)
	}
	if p.distribution, err = distribution.New(name, p.servers); err != nil {
		return fail("%w", err)
	}
	return p, nil
}
