// Package tlsfiles holds the part of a TLS configuration that fits in a DSN: names of files.
package tlsfiles

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"

	"github.com/larder-go/larder/cache/driver/dsn"
)

// Files name what a TLS configuration is made of. The zero value verifies servers by the
// certificates that the system trusts.
type Files struct {
	ServerName string // the name in the servers' certificate, if it is not the host
	CA         string // file of PEM certificates to trust instead of the system's
	Cert, Key  string // files of the client's certificate and key, in PEM; both or none
}

// FromDSN returns what the parameters tls and tls_* of a DSN say, or nil without TLS. It
// reports mistakes to d.
func FromDSN(d *dsn.DSN) *Files {
	var on bool
	var f Files
	d.Bool("tls", &on)
	d.String("tls_server_name", &f.ServerName)
	d.String("tls_ca", &f.CA)
	d.String("tls_cert", &f.Cert)
	d.String("tls_key", &f.Key)
	if on {
		return &f
	}
	if f != (Files{}) {
		d.Errorf("tls", "want tls=true beside the other parameters of TLS")
	}
	return nil
}

// Format adds the parameters to a DSN. Of a configuration that no DSN can say, on with f
// nil, it says only that there is one.
func Format(b *dsn.Builder, on bool, f *Files) {
	b.Bool("tls", on)
	if f == nil {
		return
	}
	b.String("tls_server_name", f.ServerName)
	b.String("tls_ca", f.CA)
	b.String("tls_cert", f.Cert)
	b.String("tls_key", f.Key)
}

// Check returns what is wrong with a configuration of TLS: c, which the program made, or f, or no
// TLS if both are nil. Socket is whether a server is a unix socket, which has no host to verify.
// Check reads no files.
func Check(c *tls.Config, f *Files, socket bool) error {
	var name string
	switch {
	case c == nil && f == nil:
		return nil
	case c != nil && f != nil:
		return errors.New("both TLS and TLSFiles are set; want one")
	case c != nil:
		name = c.ServerName
	case (f.Cert == "") != (f.Key == ""):
		return errors.New("tls_cert and tls_key: one is missing; want both or none")
	default:
		name = f.ServerName
	}
	if name == "" && socket {
		return errors.New("TLS on a unix socket needs a server name (tls_server_name)")
	}
	return nil
}

// Load returns c, or the configuration made of the files of f if f is not nil.
func Load(c *tls.Config, f *Files) (*tls.Config, error) {
	if f == nil {
		return c, nil
	}
	c = &tls.Config{ServerName: f.ServerName}
	if f.CA != "" {
		pem, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, fmt.Errorf("tls_ca: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("tls_ca: no PEM certificate in %s", f.CA)
		}
	}
	if f.Cert != "" {
		pair, err := tls.LoadX509KeyPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("tls_cert and tls_key: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}
