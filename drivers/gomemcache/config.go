package gomemcache

import (
	"crypto/tls"
	"fmt"
	"slices"
	"time"

	"github.com/larder-go/larder/drivers/internal/distribution"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/internal/tlsfiles"
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
	FlagsPylibmc         = memcached.PylibmcName
	FlagsPythonMemcached = memcached.PythonMemcachedName
)

// Config configures a cache. The zero value is one server on this machine, 127.0.0.1:11211,
// and the defaults.
type Config struct {
	// Servers are the addresses of the servers: "host", "host:port",
	// "host:port:weight", the same with an IPv6 address in brackets, or "/path" of a
	// unix socket. The port is 11211 and the weight 1 unless given. With more than one
	// server the order counts: keys are distributed over the list. A server of weight n
	// counts as n servers. Listing a server twice is an error. Default: 127.0.0.1.
	Servers []string

	// Distribution decides which server holds a key: DistributionGomemcache, as
	// programs on github.com/bradfitz/gomemcache find it, or
	// DistributionPythonMemcached. Default: DistributionGomemcache.
	Distribution string

	// MaxIdleConns bounds the idle connections that are kept to each server. It should
	// be at least the number of goroutines that use the cache at the same time: if it is
	// less, connections are opened and closed all the time. Only connections that were
	// needed are kept, so a high number costs nothing in a program with few concurrent
	// calls. Default: DefaultMaxIdleConns.
	MaxIdleConns int

	// Timeout bounds a call to a server, connecting included; in a batch, each wait
	// for the next reply. The deadline of a context may make it shorter. Default:
	// DefaultTimeout.
	Timeout time.Duration

	// KeyEncoding is applied to every key. The zero value leaves keys as they are.
	KeyEncoding encoding.Encoding

	// NumberFlags is the Python client whose flags mark the numbers that are stored:
	// FlagsPylibmc or FlagsPythonMemcached. Numbers of either are read. Default:
	// FlagsPylibmc.
	NumberFlags string

	// TLS, if not nil, is used for every connection. An empty ServerName is replaced
	// by the server's host. FormatDSN writes only "tls=true" for it.
	TLS *tls.Config

	// TLSFiles configures TLS by files, as a DSN does. At most one of TLS and TLSFiles
	// may be set.
	TLSFiles *TLSFiles
}

// TLSFiles configures TLS by files. The zero value verifies servers by the certificate
// authorities of the system. Verification cannot be turned off.
type TLSFiles struct {
	ServerName string // the name in the servers' certificates, if it is not the host
	CA         string // file of PEM certificates to trust instead of the system's
	Cert, Key  string // files of the client's certificate and key, in PEM; both or none
}

// plan is a Config that was checked, with the defaults filled in.
type plan struct {
	config       Config
	servers      []memcached.Server
	distribution distribution.Distribution
	dialect      memcached.Dialect
}

// check reads no files.
func (c Config) check() (plan, error) {
	p := plan{config: c}
	if c.Timeout < 0 {
		return plan{}, fmt.Errorf("timeout %v: must not be negative (0 means %v)", c.Timeout, DefaultTimeout)
	}
	if c.MaxIdleConns < 0 {
		return plan{}, fmt.Errorf("max idle connections %d: must not be negative (0 means %d)", c.MaxIdleConns, DefaultMaxIdleConns)
	}
	if c.Timeout == 0 {
		p.config.Timeout = DefaultTimeout
	}
	if c.MaxIdleConns == 0 {
		p.config.MaxIdleConns = DefaultMaxIdleConns
	}
	var err error
	if p.dialect, err = memcached.ParseDialect(c.NumberFlags); err != nil {
		return plan{}, err
	}
	name, err := distribution.Choose(c.Distribution, DistributionGomemcache, DistributionPythonMemcached)
	if err != nil {
		return plan{}, err
	}
	if p.servers, err = memcached.ParseServers(c.Servers); err != nil {
		return plan{}, err
	}
	if p.distribution, err = distribution.New(name, p.servers); err != nil {
		return plan{}, err
	}
	if err := tlsfiles.Check(c.TLS, (*tlsfiles.Files)(c.TLSFiles), slices.ContainsFunc(p.servers, memcached.Server.IsSocket)); err != nil {
		return plan{}, err
	}
	return p, nil
}
