package kafka_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/output/kafka/kafkatest"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// TestSASL logs in, from the environment and from a file, and with the wrong secret.
func TestSASL(t *testing.T) {
	cluster := kafkatest.Fake(t, kfake.SeedTopics(1, "pika"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "me", "hush"),
		kfake.Superuser("SCRAM-SHA-256", "me", "hush"), kfake.Superuser("SCRAM-SHA-512", "me", "hush"))
	dir := written(t, oneRecord())
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("hush\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		query, password, want string
	}{
		"plain":            {"sasl=plain&user=me", "hush", ""},
		"scram 256":        {"sasl=scram-sha-256&user=me", "hush", ""},
		"scram 512":        {"sasl=scram-sha-512&user=me", "hush", ""},
		"from a file":      {"sasl=scram-sha-512&user=me&password-file=" + file, "", ""},
		"no file":          {"sasl=plain&user=me&password-file=nowhere", "", "reading the secret: open nowhere"},
		"wrong":            {"sasl=plain&user=me", "hush!", ""},
		"wrong for scram":  {"sasl=scram-sha-256&user=me", "hush!", ""},
		"unknown to them":  {"sasl=oauthbearer", "hush!", "the brokers do not take the mechanism"},
		"nothing is given": {"", "", "asking the brokers who they are"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PIKABIN_KAFKA_PASSWORD", c.password)
			t.Setenv("PIKABIN_KAFKA_TOKEN", c.password)
			fails := c.want != "" || strings.HasPrefix(name, "wrong")
			target := kafkatest.Brokers(cluster) + "/pika?" + c.query
			if fails {
				target += "&start-timeout=1500ms"
			}
			var told sinktest.Monitor
			_, err := toKafka(t, dir, target, 1<<16, sink.Env{Monitor: &told}, encode.Options{})
			if (err != nil) != fails || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "hush") || strings.Contains(told.String(), "hush") {
				t.Errorf("the secret is shown: %v, %s", err, told.String())
			}
			if shown := strings.Contains(told.String(), "shows the secret"); shown != (strings.Contains(c.query, "plain") || strings.Contains(c.query, "oauth")) {
				t.Errorf("told %q", told.String())
			}
		})
	}
}

func oneRecord() *binlogtest.Writer {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "k", "v")
	return w
}

// TestTLS knows the brokers by their authority, and is known to them by a certificate.
func TestTLS(t *testing.T) {
	dir := t.TempDir()
	pool, pair := certificates(t, dir)
	cluster := kafkatest.Fake(t, kfake.SeedTopics(1, "pika"), kfake.TLS(&tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}))
	log := written(t, oneRecord())
	ca, cert, key := dir+"/ca.pem", dir+"/cert.pem", dir+"/key.pem"
	for name, c := range map[string]struct{ query, want string }{
		"both sides are known":      {"tls-ca=" + ca + "&tls-cert=" + cert + "&tls-key=" + key, ""},
		"the authority is missing":  {"tls&tls-cert=" + cert + "&tls-key=" + key, "certificate signed by unknown authority"},
		"another name":              {"tls-ca=" + ca + "&tls-server-name=elsewhere&tls-cert=" + cert + "&tls-key=" + key, "elsewhere"},
		"no certificate of our own": {"tls-ca=" + ca, "certificate required"},
		"no TLS":                    {"start-timeout=300ms", "asking the brokers"},
		"no authority in the file":  {"tls-ca=" + key, "no certificate in"},
		"no file":                   {"tls-ca=nowhere", "reading the authorities of tls-ca: open nowhere"},
		"no pair":                   {"tls-cert=" + cert + "&tls-key=" + cert, "reading the client's certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := toKafka(t, log, kafkatest.Brokers(cluster)+"/pika?"+c.query, 1<<16, sink.Env{}, encode.Options{})
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// certificates makes an authority and a certificate of it, for both sides, as files.
func certificates(t *testing.T, dir string) (*x509.CertPool, tls.Certificate) {
	t.Helper()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "leaf"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	authorityKey, err1 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	leafKey, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ca, err3 := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	cert, err4 := x509.CreateCertificate(rand.Reader, leaf, authority, &leafKey.PublicKey, authorityKey)
	key, err5 := x509.MarshalPKCS8PrivateKey(leafKey)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: ca}, "cert.pem": {Type: "CERTIFICATE", Bytes: cert}, "key.pem": {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pair, err := tls.LoadX509KeyPair(dir+"/cert.pem", dir+"/key.pem")
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca}))
	return pool, pair
}
