package memcached

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// TLSFiles configures TLS by files. The zero value trusts the authorities of the system.
// Verification cannot be turned off.
type TLSFiles struct {
	ServerName string // the name in the certificate of the servers, if it is not their host
	CA         string // file of PEM certificates to trust instead of those of the system
	Cert, Key  string // files of the certificate and key of the client, in PEM; both or none
}

func (f TLSFiles) load() (*tls.Config, error) {
	c := &tls.Config{ServerName: f.ServerName}
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
