package memcached

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/internal/distribution"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/internal/tlsfiles"
	"github.com/larder-go/larder/encoding"
)

// Defaults of a [Config].
const (
	DefaultTimeout      = 500 * time.Millisecond
	DefaultConns        = 1
	DefaultPollInterval = time.Minute
)

// Bounds of a [Config].
const (
	maxConns         = 64
	maxReplayDeletes = 1 << 20
	minPollInterval  = time.Second
)

// The values of Config.Distribution.
const (
	DistributionKetama          = distribution.Ketama          // libmemcached's default ring; wheezy.caching
	DistributionKetamaWeighted  = distribution.KetamaWeighted  // the ring of libketama
	DistributionKetamaMD5       = distribution.KetamaMD5       // libmemcached's ring with MD5
	DistributionPythonMemcached = distribution.PythonMemcached // Python's python-memcached
	DistributionGomemcache      = distribution.Gomemcache      // github.com/bradfitz/gomemcache
)

var distributions = []string{
	DistributionKetama, DistributionKetamaWeighted, DistributionKetamaMD5,
	DistributionPythonMemcached, DistributionGomemcache,
}

// The values of Config.NumberFlags.
const (
	FlagsPylibmc         = "pylibmc"
	FlagsPythonMemcached = "python-memcached"
)

// The values of Config.Discovery.
const (
	DiscoverySRV    = "srv"
	DiscoveryConfig = "config"
)

// Config configures a cache. The zero value is one server on this machine, 127.0.0.1:11211,
// and the defaults.
type Config struct {
	// Servers are "host", "host:port", "host:port:weight", the same with an IPv6
	// address in brackets, or "/path" of a unix socket. The port is 11211 and the
	// weight 1 unless given. Keys are distributed by these names, as they are written;
	// a name is resolved again for each connection. A server that is listed twice is an
	// error. With Discovery they are the hosts that are asked for the servers.
	Servers []string

	// Distribution decides which server holds a key: one of the constants above. The
	// package comment says which to choose. Default: DistributionKetama.
	Distribution string

	// Timeout bounds connecting, and the time for which a server may send nothing while
	// replies are outstanding. A call may take an eighth longer. The deadline of a
	// context may make it shorter. Default: DefaultTimeout.
	Timeout time.Duration

	// Conns is the number of connections to each server. All callers share them. One
	// is best on a few processors; measure before changing it. Default: DefaultConns.
	Conns int

	// KeyEncoding is applied to every key. The zero value leaves keys as they are.
	KeyEncoding encoding.Encoding

	// NumberFlags is the Python client whose flags mark the numbers that are stored:
	// FlagsPylibmc or FlagsPythonMemcached. Numbers of either are read. Default:
	// FlagsPylibmc.
	NumberFlags string

	// User and Password are sent first on each connection, for servers that are
	// started with an authentication file (-Y). Neither may contain a space.
	User, Password string

	// TLS, if not nil, is used for every connection. An empty ServerName means the host
	// of the server. FormatDSN writes only "tls=true" for it.
	TLS *tls.Config

	// TLSFiles configures TLS by files, as a DSN does. At most one of TLS and TLSFiles
	// may be set.
	TLSFiles *TLSFiles

	// Discovery decides how Servers are asked for the list of servers: DiscoverySRV (DNS
	// SRV records of one name) or DiscoveryConfig ("config get cluster" of Amazon
	// ElastiCache and Google Memorystore). If empty, Servers is the list.
	Discovery string

	// Resolver finds the servers in another way. If it is set, Servers and Discovery must
	// be empty. A DSN cannot contain it.
	Resolver Resolver

	// PollInterval is the time between two requests for the list of servers, while the
	// cache is used; at least 1s. Default: DefaultPollInterval.
	PollInterval time.Duration

	// ReplayDeletes is the number of keys, for each connection, that are remembered
	// when Delete or DeleteMulti fails because of the server or the context. They are
	// deleted before any other request when the server is back, unless the program has
	// ended. 0 means none.
	ReplayDeletes int

	// OnWriteFailure, if not nil, is called for each key whose change failed because of
	// the server or the context, before the operation returns. If ambiguous is true, the
	// change may have taken effect. OnWriteFailure must be safe for concurrent use, and
	// must not block.
	OnWriteFailure func(key string, op cache.Op, ambiguous bool)
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
	Config
	servers []memcached.Server // without discovery
	dialect memcached.Dialect
}

// check reads no files.
func (c Config) check() (plan, error) {
	p := plan{Config: c}
	for _, d := range []struct {
		value    *time.Duration
		name     string
		standard time.Duration
	}{
		{&p.Timeout, "timeout", DefaultTimeout},
		{&p.PollInterval, "poll_interval", DefaultPollInterval},
	} {
		if *d.value < 0 {
			return plan{}, fmt.Errorf("%s %v must not be negative (0 means %v)", d.name, *d.value, d.standard)
		}
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	if p.PollInterval < minPollInterval {
		return plan{}, fmt.Errorf("poll_interval %v must be at least %v", p.PollInterval, minPollInterval)
	}
	if c.Conns < 0 || c.Conns > maxConns {
		return plan{}, fmt.Errorf("conns %d must be 1 to %d, or 0 for %d", c.Conns, maxConns, DefaultConns)
	}
	if p.Conns == 0 {
		p.Conns = DefaultConns
	}
	if c.ReplayDeletes < 0 || c.ReplayDeletes > maxReplayDeletes {
		return plan{}, fmt.Errorf("replay_deletes %d must be 0 to %d", c.ReplayDeletes, maxReplayDeletes)
	}
	var err error
	if p.dialect, err = memcached.ParseDialect(c.NumberFlags); err != nil {
		return plan{}, err
	}
	if p.Distribution, err = distribution.Choose(c.Distribution, distributions...); err != nil {
		return plan{}, err
	}
	if err := c.checkUser(); err != nil {
		return plan{}, err
	}
	if err := p.checkServers(); err != nil {
		return plan{}, err
	}
	return p, tlsfiles.Check(c.TLS, (*tlsfiles.Files)(c.TLSFiles), slices.ContainsFunc(p.servers, memcached.Server.IsSocket))
}

// checkUser checks the user and password. Its errors must not contain them.
func (c Config) checkUser() error {
	switch {
	case c.User == "" && c.Password == "":
		return nil
	case c.User == "" || c.Password == "":
		return errors.New("a user without a password, or a password without a user; want both")
	case len(c.User)+len(c.Password) > 250:
		return errors.New("user and password are too long")
	case strings.ContainsFunc(c.User+c.Password, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return errors.New("the user or password contains a space or a control character, which memcached does not take")
	}
	return nil
}

func (p *plan) checkServers() error {
	if p.Resolver != nil {
		if p.Discovery != "" || len(p.Servers) > 0 {
			return errors.New("a Resolver and Servers or Discovery are set; want one")
		}
		return nil
	}
	switch p.Discovery {
	case "":
		var err error
		if p.servers, err = memcached.ParseServers(p.Servers); err != nil {
			return err
		}
		_, err = distribution.New(p.Distribution, p.servers)
		return err
	case DiscoverySRV, DiscoveryConfig:
		return p.discover()
	}
	return fmt.Errorf("discovery %.40q must be %s or %s", p.Discovery, DiscoverySRV, DiscoveryConfig)
}
