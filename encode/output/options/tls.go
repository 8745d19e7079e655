package options

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Certificates are the files of the options tls-ca, tls-cert and tls-key, and the name of tls-server-name. Each may be empty.
type Certificates struct{ CA, Cert, Key, ServerName string }

// ReadCertificates takes the options from their places.
func ReadCertificates(v *Values) Certificates {
	return Certificates{CA: v.Text("tls-ca", ""), Cert: v.Text("tls-cert", ""), Key: v.Text("tls-key", ""), ServerName: v.Text("tls-server-name", "")}
}

// Config reads the files.
func (c *Certificates) Config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("reading the authorities of tls-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the authorities of tls-ca: no certificate in %s", c.CA)
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("reading the client's certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
