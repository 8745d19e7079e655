package store

import (
	"crypto/x509"
	"errors"
	"strings"
)

// Unreachable says of an error that is no answer of a store what can be done about it. plain is the advice where the server does not speak TLS.
func Unreachable(err error, plain string) error {
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	switch {
	case unknown:
		return &RefusedError{Err: err, Advice: "name a file with the certificate of the server's authority in SSL_CERT_FILE"}
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return &RefusedError{Err: err, Advice: plain}
	}
	return err
}
