package valkey

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/larder-go/larder/drivers/internal/tlsfiles"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/internal/keyrule"
)

// Defaults of a [Config].
const (
	DefaultTimeout  = 500 * time.Millisecond
	DefaultMaxValue = maxReply - markLen
)

// maxReply is the longest string that a server takes and sends, unless its
// proto-max-bulk-len was changed.
const maxReply = 512 << 20

const (
	maxDB     = 1 << 16
	maxPrefix = 200
)

// Config configures a cache. The zero value is one server on this machine, 127.0.0.1:6379,
// and the defaults.
type Config struct {
	// Servers are "host", "host:port", the same with an IPv6 address in brackets, or
	// "/path" of a unix socket. The port is 6379 unless given, or 26379 for a Sentinel.
	// Without Cluster and Sentinel there is one server. Some nodes of a cluster, or some
	// Sentinels, are enough: the others are found through them. Default: 127.0.0.1.
	Servers []string

	// Cluster means that the servers are nodes of a cluster. Replicas are not read.
	Cluster bool

	// Sentinel is the name under which Sentinels watch the primary. If it is set,
	// Servers are the Sentinels.
	Sentinel string

	// User and Password are sent on every connection to a server that is not a Sentinel.
	// With a password alone the user is "default".
	User, Password string

	// SentinelUser and SentinelPassword are sent on connections to Sentinels.
	SentinelUser, SentinelPassword string

	// DB is the number of the database. It must be 0 with a cluster.
	DB int

	// Prefix comes before every key on the server, after the key was encoded. Flush
	// removes the keys that have it.
	Prefix string

	// FlushDatabase lets Flush remove everything in the database, including the keys of
	// other programs. At most one of it and Prefix may be set. If neither is set, Flush
	// returns an error.
	FlushDatabase bool

	// Timeout bounds connecting, and the time for which a server may send nothing while
	// replies are outstanding: then its connection is closed, and all calls on it fail.
	// A large value may take longer, as long as data arrives. Default: DefaultTimeout.
	Timeout time.Duration

	// MaxValue is the length of the largest value, in bytes; a larger one is
	// ErrTooLarge. It must be 16 less than the proto-max-bulk-len of the servers, or
	// smaller, since a server closes a connection that sends it more. Default:
	// DefaultMaxValue.
	MaxValue int64

	// KeyEncoding is applied to every key. The zero value leaves keys as they are.
	KeyEncoding encoding.Encoding

	// TLS, if not nil, is used for every connection. An empty ServerName is replaced by
	// the server's host. FormatDSN writes only the scheme valkeys for it.
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
	cfg     Config
	servers []string // addresses for net.Dial
}

// check reads no files. Its errors do not begin with the name of the driver.
func (c Config) check() (plan, error) {
	p := plan{cfg: c}
	fail := func(format string, args ...any) (plan, error) { return plan{}, fmt.Errorf(format, args...) }
	var err error
	if p.servers, err = parseServers(c.Servers, c.Sentinel != ""); err != nil {
		return plan{}, err
	}
	switch {
	case c.Cluster && c.Sentinel != "":
		return fail("both cluster and sentinel; want one")
	case len(p.servers) > 1 && !c.Cluster && c.Sentinel == "":
		return fail("%d servers; want cluster=true, or sentinel with the name of the primary, or one server", len(p.servers))
	case c.Sentinel == "" && (c.SentinelUser != "" || c.SentinelPassword != ""):
		return fail("a user or password of Sentinels; want sentinel with the name of the primary")
	case c.User != "" && c.Password == "" || c.SentinelUser != "" && c.SentinelPassword == "":
		return fail("a user without a password; want both, or the password alone")
	case c.DB < 0 || c.DB > maxDB:
		return fail("db %d; want 0 to %d", c.DB, maxDB)
	case c.DB != 0 && c.Cluster:
		return fail("db %d of a cluster, which has only 0", c.DB)
	case c.FlushDatabase && c.Prefix != "":
		return fail("both a prefix and flush_database; want one")
	case c.Timeout < 0:
		return fail("timeout %v must not be negative (0 means %v)", c.Timeout, DefaultTimeout)
	case c.MaxValue < 0 || c.MaxValue > math.MaxInt32:
		return fail("max value %d; want 1 to %d, or 0 for %d", c.MaxValue, math.MaxInt32, DefaultMaxValue)
	}
	if err := checkPrefix(c.Prefix, c.Cluster); err != nil {
		return plan{}, err
	}
	if err := tlsfiles.Check(c.TLS, (*tlsfiles.Files)(c.TLSFiles), slices.ContainsFunc(c.Servers, isSocket)); err != nil {
		return plan{}, err
	}
	if p.cfg.Timeout == 0 {
		p.cfg.Timeout = DefaultTimeout
	}
	if p.cfg.MaxValue == 0 {
		p.cfg.MaxValue = DefaultMaxValue
	}
	return p, nil
}

// checkPrefix checks a prefix by the rule for keys, so that tools for the server show it.
func checkPrefix(prefix string, cluster bool) error {
	switch {
	case prefix == "":
		return nil
	case len(prefix) > maxPrefix:
		return fmt.Errorf("the prefix is %d bytes; at most %d are accepted", len(prefix), maxPrefix)
	case !keyrule.Valid(prefix):
		return errors.New("the prefix has a space or a control character")
	}
	if _, after, ok := strings.Cut(prefix, "{"); ok && cluster && strings.Index(after, "}") > 0 {
		return errors.New("the prefix has a hash tag, {...}, which would put all keys on one server of the cluster")
	}
	return nil
}
