package security

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/aws"
	"github.com/twmb/franz-go/pkg/sasl/kerberos"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"pikabin/encode/output/kafka/settings"
	login "pikabin/encode/output/kerberos"
)

// Mechanism is how the brokers know us, nil if they need not. It asks for the secret at each new connection, so that a file may be
// replaced during the run.
func Mechanism(s *settings.Security) sasl.Mechanism {
	switch s.Mechanism {
	case settings.Plain:
		return plain.Plain(func(context.Context) (plain.Auth, error) {
			password, err := Secret(s.Password, s.PasswordFile)
			return plain.Auth{User: s.User, Pass: password}, err
		})
	case settings.Scram256:
		return scram.Sha256(scramAuth(s))
	case settings.Scram512:
		return scram.Sha512(scramAuth(s))
	case settings.Bearer:
		return askingOAuth{oauth.Oauth(bearerAuth(s))}
	case settings.AWS:
		return aws.ManagedStreamingIAM(awsAuth())
	case settings.Kerberos:
		return kerberos.Kerberos(func(context.Context) (kerberos.Auth, error) { return kerberosAuth(s) })
	}
	return nil
}

func scramAuth(s *settings.Security) func(context.Context) (scram.Auth, error) {
	return func(context.Context) (scram.Auth, error) {
		password, err := Secret(s.Password, s.PasswordFile)
		return scram.Auth{User: s.User, Pass: password}, err
	}
}

// bearerAuth gives the token that is given, or one that is asked for and kept until it expires.
func bearerAuth(s *settings.Security) func(context.Context) (oauth.Auth, error) {
	if s.OAuth.URL == "" {
		return func(context.Context) (oauth.Auth, error) {
			token, err := Secret(s.Token, s.TokenFile)
			return oauth.Auth{Token: token}, err
		}
	}
	tokens := oauth2.ReuseTokenSource(nil, &tokenSource{&s.OAuth})
	return func(context.Context) (oauth.Auth, error) {
		token, err := tokens.Token()
		if err != nil {
			return oauth.Auth{}, err
		}
		return oauth.Auth{Token: token.AccessToken}, nil
	}
}

// tokenTimeout is for an answer with a token.
const tokenTimeout = 10 * time.Second

// tokenSource asks for tokens with the secret of now.
type tokenSource struct{ o *settings.OAuth }

// Token implements oauth2.TokenSource.
func (t *tokenSource) Token() (*oauth2.Token, error) {
	secret, err := Secret(t.o.Secret, t.o.SecretFile)
	if err != nil {
		return nil, err
	}
	c := clientcredentials.Config{ClientID: t.o.Client, ClientSecret: secret, TokenURL: t.o.URL, Scopes: strings.Fields(t.o.Scope)}
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: tokenTimeout})
	token, err := c.Token(ctx)
	if err != nil {
		return nil, fmt.Errorf("asking %s for a token: %w", t.o.URL, err)
	}
	return token, nil
}

// awsAuth finds credentials where AWS's own programs do: in the environment, in their file, at the service of the machine or of the pod.
func awsAuth() func(context.Context) (aws.Auth, error) {
	chain := credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{}})
	return func(context.Context) (aws.Auth, error) {
		value, err := chain.GetWithContext(&credentials.CredContext{Client: &http.Client{Timeout: tokenTimeout}})
		if err == nil && value.AccessKeyID == "" {
			err = fmt.Errorf("sasl=%s: there are no credentials of AWS in the environment, in its file, nor from the machine", settings.AWS)
		}
		return aws.Auth{AccessKey: value.AccessKeyID, SecretKey: value.SecretAccessKey, SessionToken: value.SessionToken}, err
	}
}

// kerberosAuth makes a client for one connection, with the keys of now.
func kerberosAuth(s *settings.Security) (auth kerberos.Auth, err error) {
	as := login.Login{Principal: s.User, Config: s.Kerberos, Keytab: s.Keytab}
	if s.Keytab == "" {
		if as.Password, err = Secret(s.Password, s.PasswordFile); err != nil {
			return auth, err
		}
	}
	auth.Service = s.Service
	auth.Client, err = as.Client()
	return auth, err
}

// Secret is what a file holds, or the environment if there is no file.
func Secret(value, file string) (string, error) {
	if file == "" {
		return value, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("reading the secret: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}
