package gomemcache

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/internal/dsn"
	"github.com/larder-go/larder/internal/memcached"
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
	d.Int("max_idle", &c.MaxIdle, 1)
	d.Encoding(&c.KeyEncoding)
	d.Choice("distribution", &c.Distribution, DistributionLibrary, DistributionPythonMemcached)
	d.Choice("flags", &c.Flags, FlagsPylibmc, FlagsPythonMemcached)
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
	hosts, path, servers := memcached.FormatServers(c.Servers)
	p := url.Values{}
	if servers != nil {
		p["server"] = slices.Clone(servers)
	}
	if c.Timeout != 0 {
		p.Set("timeout", c.Timeout.String())
	}
	if c.MaxIdle != 0 {
		p.Set("max_idle", strconv.Itoa(c.MaxIdle))
	}
	if !c.KeyEncoding.Equal(encoding.Encoding{}) {
		p.Set("key_encoding", c.KeyEncoding.String())
	}
	set := func(name, value string) {
		if value != "" {
			p.Set(name, value)
		}
	}
	set("distribution", c.Distribution)
	set("flags", c.Flags)
	if c.TLS != nil || c.TLSFiles != nil {
		p.Set("tls", "true")
	}
	if f := c.TLSFiles; f != nil {
		set("tls_server_name", f.ServerName)
		set("tls_ca", f.CA)
		set("tls_cert", f.Cert)
		set("tls_key", f.Key)
	}
	return dsn.Format(driverName, hosts, path, p)
}
