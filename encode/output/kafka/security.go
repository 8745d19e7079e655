package kafka

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// security is how the brokers are known, and how they know us. Secrets come from the environment or from files.
type security struct {
	tls        bool
	ca         string // files
	cert, key  string
	serverName string

	mechanism     string
	user          string
	password      string
	passwordFile  string
	token         string
	tokenFile     string
	hasMechanism  bool
	needsPassword bool
}

// noSASL is the mechanism of those who need none.
const noSASL = "none"

func (s *security) read(v *values) {
	s.tls = v.flag("tls")
	s.ca, s.cert, s.key = v.text("tls-ca", ""), v.text("tls-cert", ""), v.text("tls-key", "")
	s.serverName = v.text("tls-server-name", "")
	s.mechanism = v.choice("sasl", noSASL, "plain", "scram-sha-256", "scram-sha-512", "oauthbearer")
	s.user, s.passwordFile, s.tokenFile = v.text("user", ""), v.text("password-file", ""), v.text("token-file", "")
	s.password, s.token = v.secret("password"), v.secret("token")
	s.tls = s.tls || s.ca != "" || s.cert != "" || s.serverName != ""
	s.hasMechanism = s.mechanism != noSASL
	s.needsPassword = s.hasMechanism && s.mechanism != "oauthbearer"
}

func (s *security) check() error {
	switch {
	case (s.cert == "") != (s.key == ""):
		return errors.New("options tls-cert and tls-key go together")
	case s.needsPassword && (s.user == "" || s.password == "" && s.passwordFile == ""):
		return fmt.Errorf("sasl=%s needs the option user, and a password in %s or in the file that password-file names",
			s.mechanism, envName("password"))
	case s.mechanism == "oauthbearer" && s.token == "" && s.tokenFile == "":
		return fmt.Errorf("sasl=oauthbearer needs a token in the file that token-file names, or in %s", envName("token"))
	}
	return nil
}

// inClear reports whether the secret can be read by who listens on the way to the broker.
func (s *security) inClear() bool {
	return !s.tls && (s.mechanism == "plain" || s.mechanism == "oauthbearer")
}

func (s *security) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.serverName}
	if s.ca != "" {
		pem, err := os.ReadFile(s.ca)
		if err != nil {
			return nil, fmt.Errorf("reading the authorities of tls-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("reading the authorities of tls-ca: no certificate in %s", s.ca)
		}
	}
	if s.cert != "" {
		pair, err := tls.LoadX509KeyPair(s.cert, s.key)
		if err != nil {
			return nil, fmt.Errorf("reading the client's certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// authenticator asks for the secret at each new connection, so that a file may be replaced during the run.
func (s *security) authenticator() sasl.Mechanism {
	switch s.mechanism {
	case "plain":
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			password, err := secretOf(s.password, s.passwordFile)
			return plain.Auth{User: s.user, Pass: password}, err
		})
	case "oauthbearer":
		return askingOAuth{oauth.Oauth(func(context.Context) (oauth.Auth, error) {
			token, err := secretOf(s.token, s.tokenFile)
			return oauth.Auth{Token: token}, err
		})}
	}
	auth := func(context.Context) (scram.Auth, error) {
		password, err := secretOf(s.password, s.passwordFile)
		return scram.Auth{User: s.user, Pass: password}, err
	}
	if s.mechanism == "scram-sha-256" {
		return scram.Sha256(auth)
	}
	return scram.Sha512(auth)
}

// askingOAuth has brokers that do not take a token say so as they do with other mechanisms. At first they send details, after which
// they wait for one more byte (RFC 7628, section 3.2.3).
type askingOAuth struct{ sasl.Mechanism }

// Authenticate implements sasl.Mechanism.
func (m askingOAuth) Authenticate(ctx context.Context, host string) (sasl.Session, []byte, error) {
	session, first, err := m.Mechanism.Authenticate(ctx, host)
	return askingSession{session}, first, err
}

type askingSession struct{ sasl.Session }

// Challenge implements sasl.Session.
func (s askingSession) Challenge(response []byte) (done bool, answer []byte, err error) {
	if len(response) > 0 {
		return false, []byte{1}, nil
	}
	return s.Session.Challenge(response)
}

// secretOf is what a file holds, or the environment if there is no file.
func secretOf(value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the secret: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
