package webhdfs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"pikabin/encode/output/object/hdfstest"
	"pikabin/encode/output/object/scripted"
	"pikabin/encode/output/object/store"
	"pikabin/encode/output/object/webhdfs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, address string) *webhdfs.Folder {
	t.Helper()
	target, err := webhdfs.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	f := webhdfs.Open(target)
	t.Cleanup(f.Close)
	return f
}

func blob(content string) *store.Blob {
	return &store.Blob{Content: strings.NewReader(content), Size: int64(len(content)), SHA256: sha256.Sum256([]byte(content)), Meta: map[string]string{"pikabin-sha256": "sum"}}
}

// TestStore is the contract of stores. The same holds for a real server.
func TestStore(t *testing.T) {
	server := hdfstest.Start(t)
	server.Page = 2
	hdfstest.CheckStore(t, open(t, server.Target("p/")), func(name, content string) { server.Put("/p/"+name, content) })
}

// TestTrouble lets each request of a file fail: it is not there then, or as a whole though the answer was lost. The next attempt has it there once, and
// nothing of the first one is left once a run has started again.
func TestTrouble(t *testing.T) {
	whole := hdfstest.Start(t)
	if err := open(t, whole.Target("p/")).Put(t.Context(), "d/x", blob("content")); err != nil {
		t.Fatal(err)
	}
	for k := range len(whole.Calls()) {
		for _, way := range []scripted.Answer{hdfstest.SafeMode, hdfstest.Broken, hdfstest.Reset, hdfstest.LostAnswer} {
			server := hdfstest.Start(t)
			server.Script(func(call int, what string) scripted.Answer {
				if call == k+1 {
					return way
				}
				if call > k+1 && strings.HasPrefix(what, "DELETE") && k%2 == 0 {
					return hdfstest.Reset
				}
				return scripted.Answer{}
			})
			f := open(t, server.Target("p/"))
			if err := f.Put(t.Context(), "d/x", blob("content")); errors.Is(err, store.ErrExists) || errors.Is(err, fs.ErrNotExist) { // what only reads is asked for again at once
				t.Errorf("request %d, %+v: %v", k+1, way, err)
			}
			server.Script(nil)
			if err := f.Put(t.Context(), "d/x", blob("content")); err != nil && !errors.Is(err, store.ErrExists) {
				t.Errorf("request %d, %+v, again: %v", k+1, way, err)
			}
			if err := f.Abort(t.Context(), func(name string) bool { return name == "d/x" }); err != nil {
				t.Error(err)
			}
			if files := server.Files(); len(files) != 1 || files["/p/d/x"].Content != "content" || files["/p/d/x"].Writes != 1 {
				t.Errorf("request %d, %+v: %+v", k+1, way, files)
			}
		}
	}
}

// TestAbort leaves alone what others write.
func TestAbort(t *testing.T) {
	server := hdfstest.Start(t)
	server.Script(func(_ int, what string) scripted.Answer {
		if strings.HasPrefix(what, "RENAME") || strings.HasPrefix(what, "DELETE") {
			return hdfstest.Reset
		}
		return scripted.Answer{}
	})
	f, long := open(t, server.Target("p/")), strings.Repeat("dir=é/", 40)+"x"
	for _, name := range []string{"d=1/ours%", "theirs", long} {
		if err := f.Put(t.Context(), name, blob("content")); err == nil {
			t.Error("no error")
		}
	}
	server.Script(nil)
	var asked []string
	err := f.Abort(t.Context(), func(name string) bool { asked = append(asked, name); return name != "theirs" })
	if slices.Sort(asked); err != nil || !slices.Equal(asked, []string{"d=1/ours%", "theirs", "x"}) {
		t.Errorf("%q, %v", asked, err)
	}
	if files := server.Files(); len(files) != 1 {
		t.Errorf("%v", files)
	}
}

// TestDamage: what does not arrive as it was sent is not there.
func TestDamage(t *testing.T) {
	server := hdfstest.Start(t)
	o := blob("content")
	o.Content = bytes.NewReader([]byte("damaged"))
	if err := open(t, server.Target("p/")).Put(t.Context(), "x", o); err == nil || len(server.Files()) > 0 {
		t.Errorf("%v, there are %v", err, server.Files())
	}
}

// TestNamenodes: the active one is found, wherever it is in the list, and after it has changed.
func TestNamenodes(t *testing.T) {
	one, two := hdfstest.Start(t), hdfstest.Start(t)
	stands := func(int, string) scripted.Answer { return hdfstest.Standby }
	f := open(t, "webhdfs://127.0.0.1:1,"+one.Host()+","+two.Host()+"/p/")
	one.Script(stands)
	if err := f.Put(t.Context(), "x", blob("content")); err != nil || len(two.Files()) != 1 {
		t.Errorf("the second one: %v", err)
	}
	if asked := len(one.Calls()); asked != 1 {
		t.Errorf("the one that stands by was asked %d times", asked)
	}
	one.Script(nil)
	two.Script(stands)
	if err := f.Put(t.Context(), "x", blob("content")); err != nil || len(one.Files()) != 1 {
		t.Errorf("the first one: %v", err)
	}
	one.Script(stands)
	_, err := f.Head(t.Context(), "x")
	if _, refused := errors.AsType[*store.RefusedError](err); err == nil || refused || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("none: %v", err)
	}
	_, err = open(t, one.Target("p/")).Head(t.Context(), "x")
	if _, refused := errors.AsType[*store.RefusedError](err); err == nil || refused || !strings.Contains(err.Error(), "becomes active") {
		t.Errorf("one that stands by: %v", err)
	}
}

// TestGateway: a server that does not tell why it has not renamed a file is refused.
func TestGateway(t *testing.T) {
	server := hdfstest.Start(t)
	server.Gateway = true
	f := open(t, server.Target("p/"))
	if err := f.Put(t.Context(), "x", blob("content")); err != nil {
		t.Fatal(err)
	}
	err := f.Put(t.Context(), "x", blob("other"))
	if _, refused := errors.AsType[*store.RefusedError](err); !refused || server.Files()["/p/x"].Content != "content" {
		t.Error(err)
	}
}

// TestLogin: a server that asks for one is told of, and files that are not there say nothing of what is in the folder.
func TestLogin(t *testing.T) {
	server := hdfstest.Start(t)
	server.Script(func(int, string) scripted.Answer {
		return scripted.Answer{Status: http.StatusUnauthorized, Code: "AuthenticationException"}
	})
	realms := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(realms, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for options, want := range map[string]string{
		"": "the options user=NAME@REALM and kerberos-keytab=FILE",
		"?user=me@R&kerberos-keytab=/nowhere&kerberos-config=/nowhere":  "reading the file of kerberos-config",
		"?user=me@R&kerberos-keytab=/nowhere&kerberos-config=" + realms: "reading the keys of kerberos-keytab",
	} {
		err := open(t, server.Target("p/")+options).Check(t.Context())
		if _, refused := errors.AsType[*store.RefusedError](err); !refused || !strings.Contains(err.Error(), want) || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", options, err)
		}
	}
}

// TestMoveOrNot: a folder that was not there is no object that was not there.
func TestMoveOrNot(t *testing.T) {
	server := hdfstest.Start(t)
	f := open(t, server.Target("p/"))
	if err := f.Put(t.Context(), "x", blob("content")); err != nil {
		t.Fatal(err)
	}
	server.Script(func(_ int, what string) scripted.Answer {
		if strings.HasPrefix(what, "RENAME") {
			return scripted.Answer{Status: 404, Code: "FileNotFoundException"}
		}
		return scripted.Answer{}
	})
	if err := f.Move(t.Context(), f, "x", "d/y"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

// TestRefused: what waiting does not mend is told as such, without the token of an address.
func TestRefused(t *testing.T) {
	for code, want := range map[string]string{
		"AccessControlException":   "the user me needs the right",
		"NSQuotaExceededException": "raise the quota",
		"SafeModeException":        "",
		"IOException":              "",
	} {
		server := hdfstest.Start(t)
		server.Script(func(_ int, what string) scripted.Answer {
			if strings.HasPrefix(what, "CREATE@datanode") {
				return scripted.Answer{Status: 403, Code: code}
			}
			return scripted.Answer{}
		})
		err := open(t, server.Target("p/?user=me")).Put(t.Context(), "x", blob("content"))
		_, refused := errors.AsType[*store.RefusedError](err)
		if err == nil || refused != (want != "") || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "as the script says ("+code) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", code, err)
		}
	}
}

// TestUnreachable: what is said of a server that is away holds no token either.
func TestUnreachable(t *testing.T) {
	server := hdfstest.Start(t)
	f := open(t, server.Target("p/"))
	server.Script(func(_ int, what string) scripted.Answer {
		if strings.HasPrefix(what, "CREATE@datanode") {
			return hdfstest.Reset
		}
		return scripted.Answer{}
	})
	if err := f.Put(t.Context(), "x", blob("content")); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "writing webhdfs://"+server.Host()+"/p/x: "+server.Host()) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Head(ctx, "x"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
