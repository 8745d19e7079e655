//go:build hdfs

package object_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pikabin/encode/output/object"
	"pikabin/encode/output/object/hdfstest"
	"pikabin/encode/output/object/store"
	"pikabin/encode/output/object/webhdfs"
	"pikabin/encode/sinktest"
)

// realHDFS is a folder on the server that scripts/hdfs.sh has started, with the output and what is staged for it. Nothing can be made to fail there.
type realHDFS struct {
	t        *testing.T
	consumer *hdfstest.Consumer
	root     string
	prefix   string
}

func newRealHDFS(t *testing.T) *realHDFS {
	t.Helper()
	h := &realHDFS{t: t, prefix: fmt.Sprintf("suite-%016x/", rand.Uint64())}
	h.consumer, h.root = hdfstest.Real(t)
	return h
}

// store is a folder below it as this program has it.
func (h *realHDFS) store(below string) *webhdfs.Folder {
	h.t.Helper()
	target, err := webhdfs.Parse(h.root + h.prefix + below)
	if err != nil {
		h.t.Fatal(err)
	}
	f := webhdfs.Open(target)
	h.t.Cleanup(f.Close)
	return f
}

// Target implements sinktest.Store.
func (h *realHDFS) Target() string { return h.root + h.prefix + prefix }

// Files implements sinktest.Store.
func (h *realHDFS) Files() map[string]string {
	files := map[string]string{}
	for name, err := range h.store(prefix).List(h.t.Context()) {
		if err != nil {
			h.t.Fatal(err)
		}
		if files[name], err = h.consumer.Read(h.t.Context(), h.prefix+prefix+name); err != nil {
			h.t.Fatal(err)
		}
	}
	return files
}

// Fork implements sinktest.Store.
func (h *realHDFS) Fork(t *testing.T) sinktest.Store {
	t.Helper()
	other := newRealHDFS(t)
	from, to := h.store(""), other.store("")
	for name, err := range from.List(t.Context()) {
		info, errHead := from.Head(t.Context(), name)
		content, errRead := h.consumer.Read(t.Context(), h.prefix+name)
		if err = errors.Join(err, errHead, errRead); err == nil {
			err = to.Put(t.Context(), name, blobOf(content, info.Meta))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return other
}

func blobOf(content string, meta map[string]string) *store.Blob {
	return &store.Blob{Content: strings.NewReader(content), Size: int64(len(content)), SHA256: sha256.Sum256([]byte(content)), Meta: meta}
}

// Requests implements sinktest.Store.
func (*realHDFS) Requests() int { return 0 }

// Fail implements sinktest.Store.
func (*realHDFS) Fail(int, int) string { return "" }

// Crash implements sinktest.Store.
func (*realHDFS) Crash(int, bool, func()) {}

// TestRealHDFSSuite is what every output has to do, with a real server.
func TestRealHDFSSuite(t *testing.T) {
	for _, s := range []sinktest.Suite{
		{Settings: map[string]string{"roll-size": "1500"}, Compress: "zstd"},
		{Settings: map[string]string{"roll-size": "1500", "spool": "spool"}, Shared: true},
	} {
		s.Type, s.Most = object.HDFS, 8
		s.Store = func(t *testing.T) sinktest.Store { t.Helper(); return newRealHDFS(t) }
		s.Run(t)
	}
}

// TestRealHDFSStore is the contract of stores, with a real server, for names that an address could change.
func TestRealHDFSStore(t *testing.T) {
	h := newRealHDFS(t)
	hdfstest.CheckStore(t, h.store(""), func(name, content string) {
		if err := h.consumer.Put(t.Context(), h.prefix+name, content); err != nil {
			t.Fatal(err)
		}
	})
}

// TestKerberosHDFS is the contract of stores where logins are by Kerberos. It logs in anew for each store, and one without a login is refused.
func TestKerberosHDFS(t *testing.T) {
	h := newRealHDFS(t)
	open := func(options string) *webhdfs.Folder {
		target, err := webhdfs.Parse(h.Target() + "?" + options)
		if err != nil {
			t.Fatal(err)
		}
		f := webhdfs.Open(target)
		t.Cleanup(f.Close)
		return f
	}
	login := os.Getenv("PIKABIN_TEST_HDFS_LOGIN")
	f := open(login)
	hdfstest.CheckStore(t, f, func(name, content string) {
		if err := open(login).Put(t.Context(), name, blobOf(content, nil)); err != nil {
			t.Fatal(err)
		}
	})
	for _, options := range []string{"user=pikabin", strings.ReplaceAll(login, "pikabin@", "nobody@"), strings.ReplaceAll(login, ".keytab", ".no-keytab")} {
		err := open(options).Check(t.Context())
		if _, refused := errors.AsType[*store.RefusedError](err); !refused || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", options, err)
		}
	}
}

// TestRealHDFSLarge writes a file of several blocks, reads it back, and refuses a wrong sum.
func TestRealHDFSLarge(t *testing.T) {
	f := newRealHDFS(t).store("")
	content := strings.Repeat("0123456789abcde\n", 150<<16)
	if err := f.Put(t.Context(), "large", blobOf(content, map[string]string{"pikabin-sha256": "sum"})); err != nil {
		t.Fatal(err)
	}
	if info, err := f.Head(t.Context(), "large"); err != nil || info.Size != int64(len(content)) || info.Meta["pikabin-sha256"] != "sum" {
		t.Errorf("%+v, %v", info, err)
	}
	file, err := os.Create(filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sum := sha256.New()
	size, err := f.Copy(t.Context(), "large", file)
	if _, errSum := io.Copy(sum, file); err != nil || errSum != nil || size != int64(len(content)) || [32]byte(sum.Sum(nil)) != sha256.Sum256([]byte(content)) {
		t.Errorf("%d bytes, %v", size, errors.Join(err, errSum))
	}
	wrong := blobOf(content, nil)
	wrong.SHA256[0]++
	if err := f.Put(t.Context(), "other", wrong); err == nil {
		t.Error("a wrong sum was taken")
	}
}
