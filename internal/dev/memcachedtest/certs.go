package memcachedtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// ServerName is a name in the certificate for servers, beside [Loopback].
const ServerName = "cache.test"

// Certificates are an authority and what it has signed: a certificate for servers and one
// for clients. Each is a file X.pem with the key in X.key.
type Certificates struct {
	dir string
	ca  tls.Certificate
}

// NewCertificates makes certificates, which end with the test.
func NewCertificates(t testing.TB) *Certificates {
	t.Helper()
	c := &Certificates{dir: t.TempDir()}
	c.ca = c.sign(t, "ca", x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	c.sign(t, "server", x509.Certificate{DNSNames: []string{ServerName}, IPAddresses: []net.IP{net.ParseIP(Loopback())}})
	c.sign(t, "client", x509.Certificate{})
	return c
}

// File returns the path of a file, such as "client.pem".
func (c *Certificates) File(name string) string { return filepath.Join(c.dir, name) }

// Client returns the configuration of a client.
func (c *Certificates) Client(t testing.TB) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(c.ca.Leaf)
	return &tls.Config{RootCAs: pool, Certificates: c.load(t, "client"), ServerName: ServerName}
}

// Server returns the configuration of a server, which wants no certificate from its clients.
func (c *Certificates) Server(t testing.TB) *tls.Config {
	t.Helper()
	return &tls.Config{Certificates: c.load(t, "server")}
}

func (c *Certificates) load(t testing.TB, name string) []tls.Certificate {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(c.File(name+".pem"), c.File(name+".key"))
	if err != nil {
		t.Fatal(err)
	}
	return []tls.Certificate{pair}
}

// sign writes a certificate and its key. The first one signs itself and the others.
func (c *Certificates) sign(t testing.TB, name string, template x509.Certificate) tls.Certificate {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	parent, signer := &template, any(key)
	if c.ca.Leaf != nil {
		parent, signer = c.ca.Leaf, c.ca.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, parent, key.Public(), signer)
	must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	must(err)
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	private := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	must(os.WriteFile(c.File(name+".pem"), cert, 0o600))
	must(os.WriteFile(c.File(name+".key"), private, 0o600))
	pair, err := tls.X509KeyPair(cert, private)
	must(err)
	pair.Leaf, err = x509.ParseCertificate(der)
	must(err)
	return pair
}
