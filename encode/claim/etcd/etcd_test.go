package etcd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"pikabin/encode/claim"
	"pikabin/encode/claim/claimtest"
)

// TestMain fails when a goroutine outlives the tests.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// gateway answers as the JSON gateway of etcd 3.4 does.
type gateway struct {
	mu       sync.Mutex
	revision int64
	changed  int64 // revision of the key, 0: there is none
	value    []byte
	size     int64
	user     string // who may read and write; empty: everybody
	token    int    // the present one
	refuse   []refusal
	deaf     bool // the next transaction is answered with an error, after it has taken effect
}

type refusal struct {
	status int
	text   string
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.refuse) > 0 {
		g.fail(w, g.refuse[0])
		g.refuse = g.refuse[1:]
		return
	}
	if g.user != "" && r.URL.Path != "/v3/auth/authenticate" && r.Header.Get("Authorization") != fmt.Sprint("token", g.token) {
		g.fail(w, refusal{http.StatusUnauthorized, "etcdserver: invalid auth token"})
		return
	}
	var request struct {
		Name, Password string
		Key            []byte
		Compare        []struct {
			Revision int64 `json:"mod_revision"`
		}
		Success []struct {
			Put struct{ Value []byte } `json:"request_put"`
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
		g.fail(w, refusal{http.StatusBadRequest, err.Error()})
		return
	}
	answer := map[string]any{"header": map[string]string{"revision": strconv.FormatInt(g.revision, 10)}}
	switch r.URL.Path {
	case "/v3/auth/authenticate":
		if request.Name != g.user || request.Password != "secret" {
			g.fail(w, refusal{http.StatusBadRequest, "etcdserver: authentication failed, invalid user ID or password"})
			return
		}
		g.token++
		answer["token"] = fmt.Sprint("token", g.token)
	case "/v3/kv/range":
		if g.changed > 0 && string(request.Key) == "/pikabin/state" {
			answer["kvs"] = []any{map[string]any{"value": g.value, "mod_revision": strconv.FormatInt(g.changed, 10)}}
		}
	case "/v3/kv/txn":
		if request.Compare[0].Revision == g.changed {
			g.revision++
			g.changed, g.value = g.revision, request.Success[0].Put.Value
			answer["header"], answer["succeeded"] = map[string]string{"revision": strconv.FormatInt(g.revision, 10)}, true
		}
		if g.deaf {
			g.deaf = false
			g.fail(w, refusal{http.StatusServiceUnavailable, "etcdserver: request timed out"})
			return
		}
	case "/v3/maintenance/status":
		answer["dbSize"] = strconv.FormatInt(g.size, 10)
	default:
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (*gateway) fail(w http.ResponseWriter, r refusal) {
	w.WriteHeader(r.status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": r.text, "message": r.text, "code": 14})
}

// start serves a gateway on some nodes, and gives the address of its key.
func (g *gateway) start(t *testing.T, nodes int) (address string) {
	t.Helper()
	var hosts []string
	for range nodes {
		server := httptest.NewServer(g)
		t.Cleanup(server.Close)
		hosts = append(hosts, strings.TrimPrefix(server.URL, "http://"))
	}
	return "etcd://" + strings.Join(hosts, ",") + "/pikabin/state"
}

func open(t *testing.T, address string) *Store {
	t.Helper()
	s, err := Open(address, func(text string) { t.Log(text) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestSuite is what every store has to do.
func TestSuite(t *testing.T) {
	g := &gateway{}
	address := g.start(t, 1)
	claimtest.Suite{
		Open: func(t *testing.T) claim.Store { t.Helper(); return open(t, address) },
		Lose: func(t *testing.T) claim.Store { t.Helper(); g.deaf = true; return open(t, address) },
	}.Run(t)
}

// TestNodes: another node is asked when one does not answer, and stays the one that is asked.
func TestNodes(t *testing.T) {
	g := &gateway{refuse: []refusal{{http.StatusServiceUnavailable, "etcdserver: no leader"}, {http.StatusGatewayTimeout, "etcdserver: request timed out"}}}
	s := open(t, g.start(t, 3))
	if _, err := s.Swap(t.Context(), "", []byte("one")); err != nil || s.begin() != 2 {
		t.Errorf("node %d: %v", s.begin(), err)
	}
	g.refuse = slicesOf(refusal{http.StatusServiceUnavailable, "etcdserver: no leader"}, 3)
	_, err := s.Swap(t.Context(), "1", []byte("two"))
	if _, refused := errors.AsType[*claim.RefusedError](err); err == nil || refused || errors.Is(err, claim.ErrConflict) || strings.Count(err.Error(), "no leader") != 3 {
		t.Errorf("no node has a leader: %v", err)
	}
}

func slicesOf(r refusal, n int) (list []refusal) {
	for range n {
		list = append(list, r)
	}
	return list
}

// TestUser: a token that has expired is renewed, and a wrong password is refused with what can be done, without being shown.
func TestUser(t *testing.T) {
	g := &gateway{user: "pikabin"}
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address := g.start(t, 1) + "?user=pikabin"
	s := open(t, address+"&password-file="+path)
	for range 2 {
		if _, _, err := s.Load(t.Context()); err != nil {
			t.Error(err)
		}
		g.token++
	}
	t.Setenv(PasswordVariable, "wrong")
	_, _, err := open(t, address).Load(t.Context())
	if _, refused := errors.AsType[*claim.RefusedError](err); !refused || !strings.Contains(err.Error(), PasswordVariable) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("a wrong password: %v", err)
	}
}

// TestRefusals: what does not change by asking again is said with what can be done about it.
func TestRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"etcdserver: user name is empty":            "give the option user",
		"etcdserver: mvcc: database space exceeded": "--auto-compaction-retention",
		"etcdserver: request is too large":          "--max-request-bytes",
		"etcdserver: authentication is not enabled": "leave out the option user",
	} {
		g := &gateway{refuse: slicesOf(refusal{http.StatusBadRequest, text}, 1)}
		_, err := open(t, g.start(t, 1)).Swap(t.Context(), "", nil)
		if _, refused := errors.AsType[*claim.RefusedError](err); !refused || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	_, _, err := open(t, "etcd://"+strings.TrimPrefix(server.URL, "http://")+"/key").Load(t.Context())
	if _, refused := errors.AsType[*claim.RefusedError](err); !refused {
		t.Errorf("a server of something else: %v", err)
	}
}

// TestOtherScheme: a node that speaks TLS, and one that does not, hang up on the other. The error says what that may be.
func TestOtherScheme(t *testing.T) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	hangsUp := make(chan struct{})
	go func() {
		defer close(hangsUp)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1))    // what it does not understand; before that it would be an idle connection that is closed
			_ = conn.(*net.TCPConn).CloseWrite() // a full close could reset the connection where something was not read
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	}()
	for name, want := range map[string]string{"etcds": "without it, for etcd://?)", "etcd": "want it, with etcds://?)"} {
		store, err := Open(name+"://"+listener.Addr().String()+"/pikabin/state", func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := store.Load(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
		store.Close()
	}
	_ = listener.Close()
	<-hangsUp
}

// TestGrowth: etcd that is half full is warned of, once an hour.
func TestGrowth(t *testing.T) {
	g := &gateway{size: 1 << 30}
	var said []string
	s, err := Open(g.start(t, 1), func(text string) { said = append(said, text) })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Swap(t.Context(), "", []byte("one")); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, _, err := s.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.checked = s.checked.Add(-time.Hour)
	g.size--
	if _, _, err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(said) != 1 || !strings.Contains(said[0], "--auto-compaction-retention=1h") {
		t.Errorf("said %q", said)
	}
}

// TestParse: addresses, and what is wrong with others.
func TestParse(t *testing.T) {
	got, err := parse("etcds://h1:23,h2,[::1]:24/a/b?tls-server-name=etcd")
	if err != nil || strings.Join(got.endpoints, " ") != "https://h1:23 https://h2:2379 https://[::1]:24" || got.key != "/a/b" || got.tls.ServerName != "etcd" {
		t.Errorf("%+v, %v", got, err)
	}
	for address, want := range map[string]string{
		"etcd://h1":                   "it names no key",
		"etcd://h1/a/":                "it names no key",
		"etcd:///a":                   "no host and port",
		"etcd://me:secret@h1/a":       PasswordVariable,
		"etcd://h1/a?tls-ca=x":        "etcds://",
		"etcd://h1/a?password=secret": "there is no option",
		"etcd://h1/a?user=me":         PasswordVariable,
		"etcds://h1/a?tls-ca=/none":   "no such file",
		"etcds://h1/a?tls-cert=/none": "tls-cert and tls-key",
	} {
		if _, err := parse(address); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}
