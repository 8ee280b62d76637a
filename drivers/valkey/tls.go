package valkey

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// tls returns the TLS configuration, or nil if there is none.
func (c Config) tls() (*tls.Config, error) {
	if c.TLSFiles == nil {
		return c.TLS, nil
	}
	return c.TLSFiles.load()
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
