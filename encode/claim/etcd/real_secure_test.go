//go:build etcd

package etcd

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pikabin/encode/claim"
	"pikabin/encode/claim/claimtest"
)

// secured is a node of etcd that wants certificates, and a user with a password.
type secured struct {
	dir, address string
}

// write keeps a certificate, or a key, as PEM.
func (s *secured) write(t *testing.T, name, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// certify makes an authority, and certificates of it that are for both sides: etcd's gateway shows that of the node to the node itself.
func (s *secured) certify(t *testing.T) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	nameless := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotAfter: ca.NotAfter, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	named := *nameless
	named.Subject.CommonName = "root"
	for name, template := range map[string]*x509.Certificate{"ca.pem": ca, "leaf.pem": nameless, "named.pem": &named} {
		der, err := x509.CreateCertificate(rand.Reader, template, ca, &key.PublicKey, key)
		if err != nil {
			t.Fatal(err)
		}
		s.write(t, name, "CERTIFICATE", der)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "key.pem", "EC PRIVATE KEY", der)
}

// start starts the node, which ends with the test.
func (s *secured) start(t *testing.T) {
	t.Helper()
	file := func(name string) string { return filepath.Join(s.dir, name) }
	var (
		hosts []string
		held  []net.Listener // at once, so that they differ
	)
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		hosts, held = append(hosts, l.Addr().String()), append(held, l)
	}
	for _, l := range held {
		_ = l.Close()
	}
	s.address = hosts[0]
	client, peer := "https://"+hosts[0], "http://"+hosts[1]
	cmd := exec.CommandContext(t.Context(), "etcd", "--data-dir", file("data"), "--unsafe-no-fsync", "--logger", "zap", "--listen-client-urls", client, "--advertise-client-urls", client,
		"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", "default="+peer,
		"--client-cert-auth", "--trusted-ca-file", file("ca.pem"), "--cert-file", file("leaf.pem"), "--key-file", file("key.pem"))
	cmd.WaitDelay = time.Minute
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, cmd, out)
}

func (s *secured) run(t *testing.T, cmd *exec.Cmd, out io.Reader) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() })
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "serving client traffic") { // when it has joined, which is after it has a leader
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	t.Fatal(said.String())
}

// target is an address of a key, with the options that are left when those named are taken away.
func (s *secured) target(user string, without ...string) string {
	options := url.Values{}
	for option, name := range map[string]string{"tls-ca": "ca.pem", "tls-cert": "leaf.pem", "tls-key": "key.pem", "password-file": "password"} {
		options.Set(option, filepath.Join(s.dir, name))
	}
	options.Set("user", user)
	for _, option := range without {
		options.Del(option)
	}
	return fmt.Sprintf("etcds://%s/secured/state?%s", s.address, options.Encode())
}

// TestRealEtcdSecured: with certificates of both sides, a user and a password a store does all that it has to. Without any of these it says what is missing.
func TestRealEtcdSecured(t *testing.T) {
	s := &secured{dir: t.TempDir()}
	s.certify(t)
	s.start(t)
	if err := os.WriteFile(filepath.Join(s.dir, "password"), []byte("let-me-in\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	admin := open(t, s.target("", "user", "password-file"))
	for _, call := range []struct {
		path    string
		request map[string]any
	}{
		{"/v3/auth/user/add", map[string]any{"name": "root", "password": "let-me-in"}},
		{"/v3/auth/user/grant", map[string]any{"user": "root", "role": "root"}},
		{"/v3/auth/user/add", map[string]any{"name": "stranger", "password": "let-me-in"}},
		{"/v3/auth/enable", map[string]any{}},
	} {
		if err := admin.ask(t.Context(), call.path, call.request, &struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	claimtest.Suite{Open: func(t *testing.T) claim.Store { t.Helper(); return open(t, s.target("root")) }}.Run(t)
	for name, c := range map[string]struct{ address, want string }{
		"no user":              {s.target("", "user", "password-file"), "whom the option user names"},
		"another user":         {s.target("nobody"), "see the option user"},
		"a user without right": {s.target("stranger"), "the right to read and write the key"},
		"no certificate":       {s.target("root", "tls-cert", "tls-key"), "etcd at https://"}, // at which step the connection ends differs
		"a certificate's name": {strings.Replace(s.target("root"), "leaf.pem", "named.pem", 1), "without a common name"},
		"no authority":         {s.target("root", "tls-ca"), "certificate"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, _, err := open(t, c.address).Load(ctx)
		cancel()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "let-me-in") || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
