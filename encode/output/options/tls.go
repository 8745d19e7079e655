package options

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Certificates are the files of the options tls-ca, tls-cert and tls-key, and the name of tls-server-name. Each may be empty.
type Certificates struct {
	CA, Cert, Key, ServerName string

	before string // the names of their options
}

// ReadCertificates takes the options from their places. Their names may have something before them.
func ReadCertificates(v *Values, before string) Certificates {
	return Certificates{
		before: before, CA: v.Text(before+"tls-ca", ""), Cert: v.Text(before+"tls-cert", ""), Key: v.Text(before+"tls-key", ""), ServerName: v.Text(before+"tls-server-name", ""),
	}
}

// Config reads the files.
func (c *Certificates) Config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("reading the authorities of %stls-ca: %w", c.before, err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the authorities of %stls-ca: no certificate in %s", c.before, c.CA)
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
