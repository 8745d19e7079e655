package security_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/sasl"
	"go.uber.org/goleak"

	"pikabin/encode/output/kafka/security"
	"pikabin/encode/output/kafka/settings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mechanism is the one of a URL with options.
func mechanism(t *testing.T, options string) sasl.Mechanism {
	t.Helper()
	o, err := settings.Parse("kafka://a:1/t?"+options, nil)
	if err != nil {
		t.Fatal(err)
	}
	return security.Mechanism(&o.Security)
}

// first is what is sent to a broker at first.
func first(t *testing.T, m sasl.Mechanism, host string) (string, error) {
	t.Helper()
	_, message, err := m.Authenticate(t.Context(), host)
	return string(message), err
}

// tokens is an endpoint that gives a new token each time, for a client and its secret.
func tokens(t *testing.T, secret func() string, seconds int) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := asked.Add(1)
		user, password, _ := r.BasicAuth()
		if user != "me" || password != secret() || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "a b" {
			w.WriteHeader(http.StatusUnauthorized)
			fmt.Fprint(w, `{"error":"invalid_client"}`)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"access_token":"token%d","token_type":"bearer","expires_in":%d}`, n, seconds)
	}))
	t.Cleanup(server.Close)
	return server.URL, asked
}

// TestTokens asks for tokens: one is kept until it expires, and the secret is the one of now.
func TestTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	secret := "hush1"
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(secret)
	options := "sasl=oauthbearer&oauth-client=me&oauth-scope=a+b&oauth-secret-file=" + file + "&oauth-url="
	url, asked := tokens(t, func() string { return secret }, 3600)
	long := mechanism(t, options+url)
	for range 3 {
		if message, err := first(t, long, "a:1"); err != nil || !strings.Contains(message, "token1") || asked.Load() != 1 {
			t.Errorf("%q, %v after %d requests", message, err, asked.Load())
		}
	}
	url, _ = tokens(t, func() string { return secret }, 1)
	brief := mechanism(t, options+url)
	for i, next := range []string{"hush1", "hush2"} {
		secret = next
		write(next)
		if message, err := first(t, brief, "a:1"); err != nil || !strings.Contains(message, fmt.Sprint("token", i+1)) {
			t.Errorf("%q, %v", message, err)
		}
	}
	write("wrong")
	_, err := first(t, brief, "a:1")
	if err == nil || !strings.Contains(err.Error(), "asking "+url+" for a token") || !strings.Contains(err.Error(), "invalid_client") || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong secret: %v", err)
	}
}

// TestAWS signs with the credentials of the environment.
func TestAWS(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "hush")
	t.Setenv("AWS_SESSION_TOKEN", "session")
	message, err := first(t, mechanism(t, "sasl=aws-msk-iam&tls"), "b-1.demo.kafka.eu-west-1.amazonaws.com:9098")
	if err != nil || !strings.Contains(message, "kafka-cluster:Connect") || !strings.Contains(message, "AKIDEXAMPLE/") || !strings.Contains(message, "/eu-west-1/") ||
		!strings.Contains(message, "session") || strings.Contains(message, "hush") {
		t.Errorf("%s, %v", message, err)
	}
}

// TestKerberosFiles names the file that is missing.
func TestKerberosFiles(t *testing.T) {
	realms := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(realms, []byte("[libdefaults]\n default_realm = R\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]string{
		"&kerberos-config=/nowhere":       "reading the file of kerberos-config",
		"&kerberos-config=" + realms + "": "reading the keys of kerberos-keytab",
	} {
		_, err := first(t, mechanism(t, "sasl=kerberos&user=me@R&kerberos-keytab=/nowhere"+options), "a:1")
		if err == nil || !strings.Contains(err.Error(), want) || want != "reading the file of kerberos-config" && !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", options, err)
		}
	}
}
