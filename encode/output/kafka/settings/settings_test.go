package settings

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"pikabin/encode/output/options"
)

// TestReadme finds every option in the README.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	v := &options.Values{}
	(&Options{}).read(v)
	for _, name := range append(v.Known(), "properties") {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the option %s is not there", name)
		}
	}
}

// TestTargets reads what a user may write.
func TestTargets(t *testing.T) {
	t.Setenv("PIKABIN_KAFKA_LINGER", "7ms")
	t.Setenv("PIKABIN_KAFKA_CLIENT_ID", "env")
	o, err := Parse("kafka://a:1,[::1]:2/pika.{db}?client-id=url&create-topics=false&partitions=6&topic-config=retention.ms=1,cleanup.policy=compact,delete",
		map[string]string{"create-topics": "true"})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(o.Brokers, o.Topic, o.ClientID, o.Linger, o.Create, o.Partitions, o.Replication, o.Config)
	if want := "[a:1 [::1]:2]pika.{db}url7mstrue6-1map[cleanup.policy:compact,delete retention.ms:1]"; strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got %s, want %s", got, want)
	}
	for target, want := range map[string]string{
		"a/t":                                  `number 1 is not the address of a broker`,
		"a:1,/t":                               `number 2 is not the address`,
		"a:1":                                  `"" is not the name of a topic`,
		"a:1/x/y":                              `"x/y" is not the name of a topic`,
		"a:1/pika.{key}":                       `is not the name of a topic`,
		"u:hush?x@a:1/t":                       "number 1 is not the address of a broker",
		"a:1/t&password=hush":                  "options come after a question mark",
		"u:hush@a:1/t":                         "does not belong into the address",
		"a:1/t?password=hush":                  "set PIKABIN_KAFKA_PASSWORD in the environment",
		"a:1/t?acks=1":                         `there is no option "acks", only batch`,
		"a:1/t?linger=5":                       "option linger: expected a duration",
		"a:1/t?partitions=x":                   "option partitions: expected a number",
		"a:1/t?partitions=0":                   "numbers from 1 on",
		"a:1/t?create-topics=perhaps":          "true or false",
		"a:1/t?compression=rar":                "option compression: expected zstd, lz4, snappy, gzip, none",
		"a:1/t?source=a/b":                     "option source: a slash",
		"a:1/t?on-refused=dlq:t":               "topic t is that of the events",
		"a:1/t?on-oversize=dlq:t":              "topic t is that of the events",
		"a:1/t?exactly-once&positions-topic=t": "topic t is that of the positions",
		"a:1/pikabin-positions?exactly-once":   "topic pikabin-positions is that of the positions",
		"a:1/t?exactly-once&on-refused=dlq:pikabin-positions":        "is that of the positions",
		"a:1/t?exactly-once&positions-topic=p&on-oversize=dlq:p":     "topic p is that of the positions",
		"a:1/t?on-oversize=dlq":                                      "option on-oversize: expected fail, dlq:TOPIC",
		"a:1/t?on-oversize=blob:":                                    "option on-oversize: expected fail, dlq:TOPIC",
		"a:1/t?topic-config=x":                                       "expected KEY=VALUE",
		"a:1/t?sasl=kerberos&user=me":                                "needs the option user, such as pikabin@EXAMPLE.COM",
		"a:1/t?sasl=oauthbearer&oauth-url=https://o&oauth-client=me": "its secret in PIKABIN_KAFKA_OAUTH_SECRET",
		"a:1/t?oauth-secret=hush":                                    "set PIKABIN_KAFKA_OAUTH_SECRET in the environment",
		"a:1/t?properties=nowhere":                                   "option properties: open nowhere",
		"a:1/t?registry=registry:8081":                               "option registry: expected http://HOST:PORT",
		"a:1/t?registry=http://a,ftp://b":                            "option registry: expected http://HOST:PORT",
		"a:1/t?registry=http://me:hush@a":                            "set the option registry-user, and PIKABIN_KAFKA_REGISTRY_PASSWORD in the environment",
		"a:1/t?registry=http://a&registry-password=hush":             "set PIKABIN_KAFKA_REGISTRY_PASSWORD in the environment",
		"a:1/t?registry=http://a&registry-user=me":                   "needs a password in PIKABIN_KAFKA_REGISTRY_PASSWORD",
		"a:1/t?registry=http://a&registry-tls-key=x":                 "registry-tls-cert and registry-tls-key go together",
		"a:1/t?registry=http://a&on-oversize=blob:/b":                "on-oversize=blob puts records into the topic that are of no schema",
		"a:1/t?register-schemas":                                     "option register-schemas goes with registry",
		"a:1/t?sasl=plain":                                           "sasl=plain needs the option user, and a password in PIKABIN_KAFKA_PASSWORD",
		"a:1/t?sasl=oauthbearer":                                     "needs a token",
		"a:1/t?tls-cert=x":                                           "tls-cert and tls-key go together",
		"a:1/t?sasl=kerberos&buffer=hush%zz":                         "the options after the question mark cannot be read",
	} {
		want := strings.Replace(want, "only batch", "only", 1)
		if _, err := Parse("kafka://"+target, nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v, want %s", target, err, want)
		}
	}
}

// TestProperties reads the files that others have for their clients.
func TestProperties(t *testing.T) {
	for text, want := range map[string]string{
		"security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-512\nsasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\\n  username=\"me\" password=\"hush=1\";\nlinger.ms=7\nretries=3\n":                                    "true scram-sha-512 me hush=1 7ms",
		"security.protocol=sasl_ssl\nsasl.mechanisms=PLAIN\nsasl.username=me\nsasl.password=hush\nssl.ca.location=/ca.pem\n# a comment\nbatch.size=5000\n":                                                                                                    "true plain me hush 5ms",
		"security.protocol=SASL_PLAINTEXT\nsasl.mechanism=OAUTHBEARER\nsasl.oauthbearer.token.endpoint.url=https://o/t\nsasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required clientId=\"me\" clientSecret=\"hush\";": "false oauthbearer   5ms",
		"sasl.mechanism=GSSAPI\nsasl.kerberos.service.name=k\nsasl.kerberos.keytab=/k\nsasl.kerberos.principal=me@R":                                                                                                                                          "false kerberos me@R  5ms",
		"sasl.mechanism=NTLM":                                           "there is no mechanism",
		"ssl.truststore.location=/a.jks":                                "keytool",
		"ssl.endpoint.identification.algorithm=":                        "certificates are always checked",
		"ssl.engine.factory.class=x":                                    "does not know this one",
		"security.protocol=QUIC":                                        "there is no protocol",
		"sasl.mechanism=PLAIN\nsasl.username=me\nsecurity.protocol=SSL": "needs the option user, and a password",
	} {
		path := t.TempDir() + "/client.properties"
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		o, err := Parse("kafka://a:1/t?properties="+path, nil)
		if err != nil {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%s: got %v, want %s", text, err, want)
			}
			continue
		}
		s := &o.Security
		if got := fmt.Sprint(s.TLS, " ", s.Mechanism, " ", s.User, " ", s.Password, " ", o.Linger); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}
