package gomemcache

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/internal/distribution"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/encoding"
)

// Defaults of a [Config].
const (
	DefaultTimeout      = 500 * time.Millisecond
	DefaultMaxIdleConns = 100
)

// The values of Config.Distribution.
const (
	DistributionGomemcache      = distribution.Gomemcache
	DistributionPythonMemcached = distribution.PythonMemcached
)

// The values of Config.NumberFlags.
const (
	FlagsPylibmc         = "pylibmc"
	FlagsPythonMemcached = "python-memcached"
)

// Config says which servers a cache is on and how to talk to them. The zero value is
// one server on this machine, 127.0.0.1:11211, and the defaults.
type Config struct {
	// Servers is where memcached listens: "host", "host:port", "host:port:weight",
	// "[IPv6]:port:weight" or the path of a unix socket, "/path". The port is 11211
	// if it is not given. With more than one server the order counts: keys are
	// distributed over the list. A server of weight n stands for n servers; one that
	// is listed twice is an error.
	Servers []string

	// Timeout bounds a call, connecting included; in a batch, each wait for the
	// next value or answer. 0 is DefaultTimeout.
	Timeout time.Duration

	// MaxIdleConns is how many connections to each server are kept for the next call. It
	// should be the number of goroutines that use the cache at the same time: with less,
	// connections are closed and made again all the time. What is kept is what was
	// needed at some time, so a high number costs nothing in a program that does
	// little at once. 0 is DefaultMaxIdleConns; the server's own limit of connections,
	// -c, is 1024 unless it was raised.
	MaxIdleConns int

	// KeyEncoding is applied to every key. The zero value leaves keys as they are.
	KeyEncoding encoding.Encoding

	// Distribution decides which server has a key: DistributionGomemcache (the default),
	// as programs on github.com/bradfitz/gomemcache find them, or
	// DistributionPythonMemcached, as Python's python-memcached does.
	Distribution string

	// NumberFlags decides how a number is marked for Python programs: FlagsPylibmc (the
	// default) or FlagsPythonMemcached. Either client reads both.
	NumberFlags string

	// TLS, if not nil, is used for every connection. A ServerName that is empty is
	// taken from the server's host. It is not written in a DSN, beyond "tls=true".
	TLS *tls.Config

	// TLSFiles is the part of TLS that a DSN can say. At most one of TLS and
	// TLSFiles may be set.
	TLSFiles *TLSFiles
}

// TLSFiles is TLS as a DSN says it. The zero value verifies servers by the
// certificates that the system trusts. There is no way to turn verification off.
type TLSFiles struct {
	ServerName string // the name in the servers' certificate, if not the host
	CA         string // file of PEM certificates to trust instead of the system's
	Cert, Key  string // files of the client's certificate and key, in PEM; both or none
}

// New makes a cache. It checks the configuration, reading the files it names, and does
// not connect: a server that is down, or whose name does not resolve, is an error of
// the calls that need it.
func New(c Config) (*cache.Cache, error) {
	d, err := newDriver(c)
	if err != nil {
		return nil, fmt.Errorf("gomemcache: %w", err)
	}
	return cache.New(d, cache.Options{Name: driverName, KeyEncoding: c.KeyEncoding}), nil
}

func newDriver(c Config) (*driverCache, error) {
	p, err := c.check()
	if err != nil {
		return nil, err
	}
	secure := c.TLS
	if c.TLSFiles != nil {
		if secure, err = c.TLSFiles.load(); err != nil {
			return nil, err
		}
	}
	d := &driverCache{dialect: p.dialect, distribution: p.distribution}
	for _, configured := range p.servers {
		d.servers = append(d.servers, newServer(configured, p.config, secure))
	}
	return d, nil
}

// plan is a Config that was checked, with the defaults filled in.
type plan struct {
	config       Config
	servers      []memcached.Server
	dialect      memcached.Dialect
	distribution distribution.Distribution
}

// check reads no files.
func (c Config) check() (plan, error) {
	p := plan{config: c}
	var err error
	if p.servers, err = memcached.ParseServers(c.Servers); err != nil {
		return plan{}, err
	}
	if c.Timeout < 0 {
		return plan{}, fmt.Errorf("timeout %v: want 0 for %v, or more", c.Timeout, DefaultTimeout)
	}
	if c.Timeout == 0 {
		p.config.Timeout = DefaultTimeout
	}
	if c.MaxIdleConns < 0 {
		return plan{}, fmt.Errorf("max idle connections %d: want 0 for %d, or more", c.MaxIdleConns, DefaultMaxIdleConns)
	}
	if c.MaxIdleConns == 0 {
		p.config.MaxIdleConns = DefaultMaxIdleConns
	}
	if p.dialect, err = memcached.ParseDialect(c.NumberFlags); err != nil {
		return plan{}, err
	}
	name, err := distribution.Choose(c.Distribution, DistributionGomemcache, DistributionPythonMemcached)
	if err != nil {
		return plan{}, err
	}
	if p.distribution, err = distribution.New(name, p.servers); err != nil {
		return plan{}, err
	}
	if err := c.checkTLS(p.servers); err != nil {
		return plan{}, err
	}
	return p, nil
}

func (c Config) checkTLS(servers []memcached.Server) error {
	var name string
	switch {
	case c.TLS == nil && c.TLSFiles == nil:
		return nil
	case c.TLS != nil && c.TLSFiles != nil:
		return errors.New("both TLS and TLSFiles are set; want one")
	case c.TLS != nil:
		name = c.TLS.ServerName
	default:
		name = c.TLSFiles.ServerName
		if (c.TLSFiles.Cert == "") != (c.TLSFiles.Key == "") {
			return errors.New("tls_cert and tls_key: one without the other")
		}
	}
	isSocket := func(s memcached.Server) bool { return s.Host == "" }
	if name == "" && slices.ContainsFunc(servers, isSocket) {
		return errors.New("TLS on a unix socket needs a server name (tls_server_name)")
	}
	return nil
}
