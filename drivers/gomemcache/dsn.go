package gomemcache

import (
	"fmt"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver/dsn"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/internal/tlsfiles"
)

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
	d.Choice("distribution", &c.Distribution, DistributionGomemcache, DistributionPythonMemcached)
	d.Int("max_idle_conns", &c.MaxIdleConns, 1)
	d.Duration("timeout", &c.Timeout)
	d.Encoding(&c.KeyEncoding)
	d.Choice("number_flags", &c.NumberFlags, memcached.Dialects...)
	c.TLSFiles = (*TLSFiles)(tlsfiles.FromDSN(d))
	if err := d.Done(); err != nil {
		return Config{}, err
	}
	if _, err := c.check(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// FormatDSN returns the string that ParseDSN parses to c. It writes only "tls=true" for TLS,
// and only the name of a custom key encoding, which ParseDSN does not know.
func (c Config) FormatDSN() string {
	b := dsn.Builder{Scheme: name}
	memcached.FormatServers(&b, c.Servers)
	b.String("distribution", c.Distribution)
	b.Int("max_idle_conns", c.MaxIdleConns)
	b.Duration("timeout", c.Timeout)
	b.Encoding(c.KeyEncoding)
	b.String("number_flags", c.NumberFlags)
	tlsfiles.Format(&b, c.TLS != nil || c.TLSFiles != nil, (*tlsfiles.Files)(c.TLSFiles))
	return b.DSN()
}
