package valkey

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver/dsn"
)

// The schemes. Those of Redis are the same, for strings that programs have already.
var (
	plainSchemes  = []string{name, "redis"}
	secureSchemes = []string{"valkeys", "rediss"}
)

func init() {
	open := func(source string) (*cache.Cache, error) {
		cfg, err := ParseDSN(source)
		if err != nil {
			return nil, err
		}
		return New(cfg)
	}
	for _, schemes := range [][]string{plainSchemes, secureSchemes} {
		for _, scheme := range schemes {
			cache.Register(scheme, open)
		}
	}
}

// ParseDSN parses a configuration string. The package comment lists its parameters. It checks
// everything that New checks, except the files that it names, which New reads.
func ParseDSN(source string) (Config, error) {
	scheme, secure, err := schemeOf(source)
	if err != nil {
		return Config{}, err
	}
	d, err := dsn.Parse(scheme, source)
	if err != nil {
		return Config{}, err
	}
	var c Config
	c.Servers, c.DB = serversOf(d)
	db := -1
	d.User(&c.User, &c.Password)
	d.Bool("cluster", &c.Cluster)
	d.String("sentinel", &c.Sentinel)
	d.String("sentinel_user", &c.SentinelUser)
	d.String("sentinel_password", &c.SentinelPassword)
	d.Int("db", &db, 0)
	switch {
	case db >= 0 && d.Hosts != "" && len(d.Path) > 1:
		d.Errorf("db", "another number comes after the hosts; want one of them")
	case db >= 0:
		c.DB = db
	}
	d.String("prefix", &c.Prefix)
	d.Bool("flush_database", &c.FlushDatabase)
	d.Duration("timeout", &c.Timeout)
	d.Size("max_value", &c.MaxValue)
	d.Encoding(&c.KeyEncoding)
	var files TLSFiles
	d.String("tls_server_name", &files.ServerName)
	d.String("tls_ca", &files.CA)
	d.String("tls_cert", &files.Cert)
	d.String("tls_key", &files.Key)
	if secure {
		c.TLSFiles = &files
	} else if files != (TLSFiles{}) {
		d.Errorf("tls_...", "want %ss:// for TLS", scheme)
	}
	if err := d.Done(); err != nil {
		return Config{}, err
	}
	if _, err := c.check(); err != nil {
		return Config{}, fmt.Errorf("%s: %w", scheme, err)
	}
	return c, nil
}

// schemeOf returns the scheme of a DSN and whether it means TLS.
func schemeOf(source string) (scheme string, secure bool, err error) {
	scheme, err = dsn.Scheme(source)
	if err != nil {
		return "", false, fmt.Errorf("%s: %w", name, err)
	}
	for i := range plainSchemes {
		switch scheme {
		case plainSchemes[i]:
			return scheme, false, nil
		case secureSchemes[i]:
			return scheme, true, nil
		}
	}
	return "", false, fmt.Errorf("%s: dsn: the scheme is %.40q, want one of %s, %s", name, scheme,
		strings.Join(plainSchemes, ", "), strings.Join(secureSchemes, ", "))
}

// serversOf parses the part of a DSN before the parameters: hosts, optionally followed by the
// number of a database, as in DSNs for Redis; or the path of a unix socket.
func serversOf(d *dsn.DSN) (servers []string, db int) {
	if d.Hosts == "" {
		if d.Path != "" {
			servers = []string{d.Path}
		}
		return servers, 0
	}
	if number := strings.TrimPrefix(d.Path, "/"); number != "" {
		var err error
		if db, err = strconv.Atoi(number); err != nil || db < 0 || strconv.Itoa(db) != number {
			d.Errorf("db", "after the hosts comes a path; want / and the number of a database, or nothing")
			db = 0
		}
	}
	return strings.Split(d.Hosts, ","), db
}

// FormatDSN returns the string that ParseDSN parses to c. It contains the passwords. It writes
// only the scheme valkeys for TLS.
func (c Config) FormatDSN() string {
	b := dsn.Builder{Scheme: name, User: c.User, Password: c.Password}
	if c.TLS != nil || c.TLSFiles != nil {
		b.Scheme = secureSchemes[0]
	}
	if len(c.Servers) == 1 && isSocket(c.Servers[0]) {
		b.Path = c.Servers[0]
	} else {
		b.Hosts = strings.Join(c.Servers, ",")
	}
	b.Bool("cluster", c.Cluster)
	b.String("sentinel", c.Sentinel)
	b.String("sentinel_user", c.SentinelUser)
	b.String("sentinel_password", c.SentinelPassword)
	b.Int("db", c.DB)
	b.String("prefix", c.Prefix)
	b.Bool("flush_database", c.FlushDatabase)
	b.Duration("timeout", c.Timeout)
	b.Int64("max_value", c.MaxValue)
	b.Encoding(c.KeyEncoding)
	if f := c.TLSFiles; f != nil {
		b.String("tls_server_name", f.ServerName)
		b.String("tls_ca", f.CA)
		b.String("tls_cert", f.Cert)
		b.String("tls_key", f.Key)
	}
	return b.DSN()
}
