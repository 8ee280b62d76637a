package valkey

import (
	"crypto/tls"

	"github.com/larder-go/larder/drivers/internal/tlsfiles"
)

// tls returns the TLS configuration, or nil if there is none.
func (c Config) tls() (*tls.Config, error) {
	if c.TLSFiles == nil {
		return c.TLS, nil
	}
	return tlsfiles.Files(*c.TLSFiles).Load()
}
