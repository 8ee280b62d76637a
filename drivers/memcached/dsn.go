package memcached

import (
	"fmt"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver/dsn"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/internal/tlsfiles"
)

// name is the name of the driver, in DSNs and errors.
const name = "memcached"

// noDiscovery is the default of the parameter discovery, an empty Config.Discovery.
const noDiscovery = "none"

func init() {
	cache.Register(name, func(source string) (*cache.Cache, error) {
		c, err := ParseDSN(source)
		if err != nil {
			return nil, err
		}
		return New(c)
	})
}

// ParseDSN parses a configuration string. The package comment lists its parameters. It checks
// everything that New checks, except the files that it names, which New reads.
func ParseDSN(source string) (Config, error) {
	d, err := dsn.Parse(name, source)
	if err != nil {
		return Config{}, err
	}
	c := Config{Servers: memcached.ServersOf(d)}
	d.User(&c.User, &c.Password)
	d.Choice("distribution", &c.Distribution, distributions...)
	d.Duration("timeout", &c.Timeout)
	d.Int("conns", &c.Conns, 1)
	d.Encoding(&c.KeyEncoding)
	d.Choice("number_flags", &c.NumberFlags, FlagsPylibmc, FlagsPythonMemcached)
	d.Choice("discovery", &c.Discovery, DiscoverySRV, DiscoveryConfig, noDiscovery)
	if c.Discovery == noDiscovery {
		c.Discovery = ""
	}
	d.Duration("poll_interval", &c.PollInterval)
	d.Int("replay_deletes", &c.ReplayDeletes, 0)
	c.TLSFiles = (*TLSFiles)(tlsfiles.FromDSN(d))
	if err := d.Done(); err != nil {
		return Config{}, err
	}
	if _, err := c.check(); err != nil {
		return Config{}, fmt.Errorf(name+": %w", err)
	}
	return c, nil
}

// FormatDSN returns the string that ParseDSN parses to c. It contains the password. It leaves
// out zero fields, Resolver and OnWriteFailure, and writes only "tls=true" for TLS.
func (c Config) FormatDSN() string {
	b := dsn.Builder{Scheme: name, User: c.User, Password: c.Password}
	memcached.FormatServers(&b, c.Servers)
	b.String("distribution", c.Distribution)
	b.Duration("timeout", c.Timeout)
	b.Int("conns", c.Conns)
	b.Encoding(c.KeyEncoding)
	b.String("number_flags", c.NumberFlags)
	b.String("discovery", c.Discovery)
	b.Duration("poll_interval", c.PollInterval)
	b.Int("replay_deletes", c.ReplayDeletes)
	tlsfiles.Format(&b, c.TLS != nil || c.TLSFiles != nil, (*tlsfiles.Files)(c.TLSFiles))
	return b.DSN()
}
