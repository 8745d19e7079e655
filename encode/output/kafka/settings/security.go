package settings

import (
	"errors"
	"fmt"
	"strings"

	"pikabin/encode/output/kerberos"
	"pikabin/encode/output/options"
)

// Security is how the brokers are known, and how they know us. Secrets come from the environment or from files.
type Security struct {
	TLS bool
	options.Certificates

	Mechanism    string
	User         string // with Kerberos a principal: NAME@REALM
	Password     string
	PasswordFile string

	Token     string
	TokenFile string
	OAuth     OAuth

	Keytab   string // files of Kerberos
	Kerberos string
	Service  string // what the brokers are called by Kerberos
}

// OAuth is where tokens are asked for, with the credentials of a client.
type OAuth struct {
	URL        string // empty: a token is given
	Client     string
	Secret     string
	SecretFile string
	Scope      string
}

// The values of the option sasl.
const (
	NoSASL   = "none"
	Plain    = "plain"
	Scram256 = "scram-sha-256"
	Scram512 = "scram-sha-512"
	Bearer   = "oauthbearer"
	AWS      = "aws-msk-iam"
	Kerberos = "kerberos"
)

func (s *Security) read(v *options.Values) {
	s.TLS = v.Flag("tls")
	s.Certificates = options.ReadCertificates(v, "")
	s.Mechanism = v.Choice("sasl", NoSASL, Plain, Scram256, Scram512, Bearer, AWS, Kerberos)
	s.User, s.PasswordFile, s.TokenFile = v.Text("user", ""), v.Text("password-file", ""), v.Text("token-file", "")
	s.Password, s.Token = v.Secret("password"), v.Secret("token")
	s.OAuth = OAuth{
		URL: v.Text("oauth-url", ""), Client: v.Text("oauth-client", ""), Scope: v.Text("oauth-scope", ""),
		SecretFile: v.Text("oauth-secret-file", ""), Secret: v.Secret("oauth-secret"),
	}
	s.Keytab, s.Kerberos, s.Service = v.Text("kerberos-keytab", ""), v.Text("kerberos-config", kerberos.DefaultConfig), v.Text("kerberos-service", "kafka")
	s.TLS = s.TLS || s.CA != "" || s.Cert != "" || s.ServerName != ""
}

func (s *Security) check() error {
	if (s.Cert == "") != (s.Key == "") {
		return errors.New("options tls-cert and tls-key go together")
	}
	password := s.Password != "" || s.PasswordFile != ""
	switch s.Mechanism {
	case Plain, Scram256, Scram512:
		if s.User == "" || !password {
			return fmt.Errorf("sasl=%s needs the option user, and a password in %s or in the file that password-file names", s.Mechanism, options.Variable(envPrefix, "password"))
		}
	case Bearer:
		return s.checkBearer()
	case Kerberos:
		if !strings.Contains(s.User, "@") || s.Keytab == "" && !password {
			return fmt.Errorf("sasl=kerberos needs the option user, such as pikabin@EXAMPLE.COM, and a file in kerberos-keytab, or a password in %s or in the file that password-file names",
				options.Variable(envPrefix, "password"))
		}
	}
	return nil
}

func (s *Security) checkBearer() error {
	given := s.Token != "" || s.TokenFile != ""
	switch {
	case s.OAuth.URL == "" && !given:
		return fmt.Errorf("sasl=oauthbearer needs a token in the file that token-file names, or in %s, or the option oauth-url, where tokens are asked for", options.Variable(envPrefix, "token"))
	case s.OAuth.URL != "" && given:
		return errors.New("a token and the option oauth-url, where tokens are asked for, do not go together")
	case s.OAuth.URL != "" && (s.OAuth.Client == "" || s.OAuth.Secret == "" && s.OAuth.SecretFile == ""):
		return fmt.Errorf("oauth-url needs the option oauth-client, and its secret in %s or in the file that oauth-secret-file names", options.Variable(envPrefix, "oauth-secret"))
	}
	return nil
}

// InClear reports whether the secret can be read by who listens on the way to the broker.
func (s *Security) InClear() bool {
	return !s.TLS && (s.Mechanism == Plain || s.Mechanism == Bearer)
}
