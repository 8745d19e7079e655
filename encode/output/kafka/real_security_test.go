//go:build kafka

package kafka_test

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pikabin/encode"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// unsignedToken is one that brokers take that check no signature.
func unsignedToken(user string, validFor time.Duration) string {
	now := time.Now()
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return encode(`{"alg":"none"}`) + "." + encode(fmt.Sprintf(`{"sub":%q,"iat":%d,"exp":%d}`, user, now.Unix(), now.Add(validFor).Unix())) + "."
}

// TestRealKafkaSecurity comes to each listener with what it wants, and with what it does not.
func TestRealKafkaSecurity(t *testing.T) {
	topic, dir := kafkatest.NewTopic(t), written(t, oneRecord())
	kafkatest.MakeTopic(t, kafkatest.Real(t), topic, 1, nil)
	inClear, tls, mutual, login := kafkatest.Real(t), kafkatest.Variable(t, "PIKABIN_TEST_KAFKA_TLS"), kafkatest.Variable(t, "PIKABIN_TEST_KAFKA_MTLS"), kafkatest.Variable(t, "PIKABIN_TEST_KAFKA_LOGIN")
	certs, password := kafkatest.Variable(t, "PIKABIN_TEST_KAFKA_CERTS"), kafkatest.Variable(t, "PIKABIN_TEST_KAFKA_PASSWORD")
	ca := "tls-ca=" + certs + "/ca.pem"
	pair := "&tls-cert=" + certs + "/cert.pem&tls-key=" + certs + "/key.pem"
	for name, c := range map[string]struct{ brokers, query, secret, want string }{
		"in clear":                 {inClear, "", "", ""},
		"TLS":                      {tls, ca, "", ""},
		"both certificates":        {mutual, ca + pair, "", ""},
		"PLAIN":                    {login, ca + "&sasl=plain&user=writer", password, ""},
		"SCRAM 256":                {login, ca + "&sasl=scram-sha-256&user=writer", password, ""},
		"SCRAM 512":                {login, ca + "&sasl=scram-sha-512&user=writer", password, ""},
		"a token":                  {login, ca + "&sasl=oauthbearer", unsignedToken("writer", time.Hour), ""},
		"once":                     {login, ca + "&sasl=scram-sha-512&user=writer&exactly-once&standby&create-topics&source=" + topic, password, ""},
		"unknown authority":        {tls, "tls", "", "certificate signed by unknown authority"},
		"another name":             {tls, ca + "&tls-server-name=elsewhere", "", "elsewhere"},
		"no certificate of ours":   {mutual, ca, "", "as it does when it wants a certificate of ours"},
		"no TLS":                   {tls, "start-timeout=10s", "", "plaintext connection speaking to a tls endpoint"},
		"TLS where there is none":  {inClear, ca + "&start-timeout=10s", "", "as it does when one side wants TLS"},
		"no login":                 {login, ca + "&start-timeout=10s", "", "or a login"},
		"wrong for PLAIN":          {login, ca + "&sasl=plain&user=writer", "no-" + password, "do not know this user with this secret"},
		"wrong for SCRAM 256":      {login, ca + "&sasl=scram-sha-256&user=writer", "no-" + password, "do not know this user with this secret"},
		"wrong for SCRAM 512":      {login, ca + "&sasl=scram-sha-512&user=writer", "no-" + password, "do not know this user with this secret"},
		"unknown user":             {login, ca + "&sasl=scram-sha-512&user=reader", password, "do not know this user with this secret"},
		"a token that has expired": {login, ca + "&sasl=oauthbearer", unsignedToken("writer", -time.Minute), "or do not take this token"},
		"a token that is none":     {login, ca + "&sasl=oauthbearer", "not-a-" + password, "or do not take this token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secret := ""
			if c.secret != "" {
				path := filepath.Join(t.TempDir(), "secret")
				if err := os.WriteFile(path, []byte(c.secret+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				secret = "&password-file=" + path + "&token-file=" + path
			}
			var told sinktest.Monitor
			_, err := toKafka(t, dir, c.brokers+"/"+topic+"?"+c.query+secret, 1<<16, sink.Env{Monitor: &told}, encode.Options{})
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if text := fmt.Sprintf("%v %s", err, told.String()); c.secret != "" && strings.Contains(text, strings.TrimRight(c.secret, ".")) {
				t.Errorf("the secret is shown: %s", text)
			}
		})
	}
}
