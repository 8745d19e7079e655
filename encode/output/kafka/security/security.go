// Package security makes what a client needs to know the brokers, and to be known by them, out of the options.
package security

import (
	"crypto/tls"

	"pikabin/encode/output/kafka/settings"
)

// TLS is what the options say of certificates; nil without TLS.
func TLS(s *settings.Security) (*tls.Config, error) {
	if !s.TLS {
		return nil, nil //nolint:nilnil // no TLS is no error
	}
	return s.Config()
}
