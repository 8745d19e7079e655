package s3_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"go.uber.org/goleak"

	"pikabin/encode/output/object/s3"
	"pikabin/encode/output/object/s3test"
	"pikabin/encode/output/object/store"
)

// TestMain gives the credentials of the server of tests, and lets nothing wait for long.
func TestMain(m *testing.M) {
	os.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
	os.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	s3.Small()
	minio.DefaultRetryUnit = time.Millisecond
	goleak.VerifyTestMain(m)
}

func open(t *testing.T, server *s3test.Server, options string) *s3.Bucket {
	t.Helper()
	target, err := s3.Parse(server.Target("p/", options))
	if err != nil {
		t.Fatal(err)
	}
	b, err := s3.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func blob(content []byte) *store.Blob {
	return &store.Blob{Content: bytes.NewReader(content), Size: int64(len(content)), SHA256: sha256.Sum256(content), Type: "text/plain", Meta: map[string]string{"pikabin-sha256": "sum"}}
}

// large is what is sent in pieces.
var large = bytes.Repeat([]byte("a row\n"), 12<<10)

// TestPieces lets each request of an object in pieces fail: the object is not there then, nor anything that is left of it, or it is there as a whole
// though the answer was lost. The next attempt has it there once.
func TestPieces(t *testing.T) {
	whole := s3test.Start(t)
	if err := open(t, whole, "").Put(t.Context(), "large", blob(large)); err != nil {
		t.Fatal(err)
	}
	for k := range len(whole.Calls()) {
		way := []s3test.Answer{s3test.SlowDown, s3test.NoSuchUpload, s3test.Conflict, s3test.LostAnswer}[k%4]
		server := s3test.Start(t)
		server.Script(func(call int, _ string) s3test.Answer {
			if call == k+1 {
				return way
			}
			return s3test.Answer{}
		})
		b := open(t, server, "")
		if err := b.Put(t.Context(), "large", blob(large)); err == nil {
			t.Errorf("request %d: no error", k+1)
		}
		if err := b.Put(t.Context(), "large", blob(large)); err != nil && !errors.Is(err, store.ErrExists) {
			t.Errorf("request %d, again: %v", k+1, err)
		}
		o := server.Objects()["p/large"]
		if !bytes.Equal(o.Content, large) || o.Writes != 1 || o.Header.Get("X-Amz-Meta-Pikabin-Sha256") != "sum" {
			t.Errorf("request %d: %d bytes, written %d times", k+1, len(o.Content), o.Writes)
		}
		if err := b.Abort(t.Context(), func(name string) bool { return name == "large" }); err != nil || server.Uploads() != 0 {
			t.Errorf("request %d: %d uploads are left, %v", k+1, server.Uploads(), err)
		}
	}
}

// TestOneWriter: a second object of a name is refused, whatever its size is and however it comes to be there.
func TestOneWriter(t *testing.T) {
	server := s3test.Start(t)
	b := open(t, server, "")
	for _, content := range [][]byte{nil, []byte("small"), large} {
		name := "x" + strings.Repeat("x", len(content)%7)
		server.Script(func(_ int, what string) s3test.Answer {
			if strings.HasPrefix(what, "HEAD") {
				return s3test.Answer{Before: func() { server.Put("p/"+name+"late", "other") }}
			}
			return s3test.Answer{}
		})
		for _, name := range []string{name, name + "late"} {
			server.Put("p/"+name, "other")
			if err := b.Put(t.Context(), name, blob(content)); !errors.Is(err, store.ErrExists) {
				t.Errorf("%d bytes: %v", len(content), err)
			}
			if got := string(server.Objects()["p/"+name].Content); got != "other" {
				t.Errorf("%d bytes have been overwritten", len(content))
			}
		}
	}
}

// TestDamage: what does not arrive as it was sent is not there.
func TestDamage(t *testing.T) {
	server := s3test.Start(t)
	o := blob([]byte("content"))
	o.Content = bytes.NewReader([]byte("damaged"))
	if err := open(t, server, "").Put(t.Context(), "x", o); err == nil || len(server.Objects()) > 0 {
		t.Errorf("%v, there are %v", err, slices.Collect(maps.Keys(server.Objects())))
	}
}

// TestList lists pages, below the prefix only, sorted.
func TestList(t *testing.T) {
	server := s3test.Start(t)
	server.Page = 3
	for _, key := range []string{"p/d", "p/a", "p/c/d=1/e", "p/b", "q/x", "p", "p/c/d=0/z", "p/é ?&+%.jsonl"} {
		server.Put(key, "")
	}
	var names []string
	for name, err := range open(t, server, "").List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if want := []string{"a", "b", "c/d=0/z", "c/d=1/e", "d", "é ?&+%.jsonl"}; !slices.Equal(names, want) {
		t.Errorf("%q", names)
	}
}

// TestHead tells what is not there from what cannot be asked for.
func TestHead(t *testing.T) {
	server := s3test.Start(t)
	b := open(t, server, "")
	if _, err := b.Head(t.Context(), "x"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	server.Script(func(int, string) s3test.Answer { return s3test.Denied })
	_, err := b.Head(t.Context(), "x")
	if _, ok := errors.AsType[*store.RefusedError](err); !ok || errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
