package gomemcache

import (
	"fmt"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver/dsn"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// driverName is the scheme of the DSNs and the name in errors.
const driverName = "gomemcache"

func init() {
	cache.Register(driverName, func(source string) (*cache.Cache, error) {
		c, err := ParseDSN(source)
		if err != nil {
			return nil, err
		}
		return New(c)
	})
}

// ParseDSN reads a configuration from a string; see the package documentation. It
// checks everything that New checks, apart from the files that it names: those are
// read by New.
func ParseDSN(source string) (Config, error) {
	d, err := dsn.Parse(driverName, source)
	if err != nil {
		return Config{}, err
	}
	c := Config{Servers: memcached.ServersOf(d)}
	d.Duration("timeout", &c.Timeout)
	d.Int("max_idle_conns", &c.MaxIdleConns, 1)
	d.Encoding(&c.KeyEncoding)
	d.Choice("distribution", &c.Distribution, DistributionGomemcache, DistributionPythonMemcached)
	d.Choice("number_flags", &c.NumberFlags, FlagsPylibmc, FlagsPythonMemcached)
	var secure bool
	var files TLSFiles
	d.Bool("tls", &secure)
	d.String("tls_server_name", &files.ServerName)
	d.String("tls_ca", &files.CA)
	d.String("tls_cert", &files.Cert)
	d.String("tls_key", &files.Key)
	if secure {
		c.TLSFiles = &files
	} else if files != (TLSFiles{}) {
		d.Errorf("tls", "want tls=true beside the other parameters of TLS")
	}
	if err := d.Done(); err != nil {
		return Config{}, err
	}
	if _, err := c.check(); err != nil {
		return Config{}, fmt.Errorf("gomemcache: %w", err)
	}
	return c, nil
}

// FormatDSN returns the string that ParseDSN reads as c. Of a TLS configuration made
// by the program it only says that there is one.
func (c Config) FormatDSN() string {
	b := dsn.Builder{Scheme: driverName}
	memcached.FormatServers(&b, c.Servers)
	b.Duration("timeout", c.Timeout)
	b.Int("max_idle_conns", c.MaxIdleConns)
	b.Encoding(c.KeyEncoding)
	b.String("distribution", c.Distribution)
	b.String("number_flags", c.NumberFlags)
	b.Bool("tls", c.TLS != nil || c.TLSFiles != nil)
	if f := c.TLSFiles; f != nil {
		b.String("tls_server_name", f.ServerName)
		b.String("tls_ca", f.CA)
		b.String("tls_cert", f.Cert)
		b.String("tls_key", f.Key)
	}
	return b.DSN()
}
