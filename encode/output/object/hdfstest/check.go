package hdfstest

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pikabin/encode/output/object/store"
)

// names are such that an address could change them, sorted.
var names = []string{"a.b", "a/b", "a/c=%2F/d", "a/c=1/e", "é ?&+%;#=.jsonl"}

// CheckStore checks what a store of files has to do, on an empty one. put makes a file as somebody else would.
func CheckStore(t *testing.T, s store.Place, put func(name, content string)) {
	t.Helper()
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("an empty one: %v", err)
	}
	for _, name := range names {
		if _, err := s.Head(t.Context(), name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s, before it is there: %v", name, err)
		}
		if err := s.Put(t.Context(), name, blob(name, map[string]string{"of": name})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if info, err := s.Head(t.Context(), name); err != nil || info.Size != int64(len(name)) || info.Meta["of"] != name {
			t.Errorf("%s: %+v, %v", name, info, err)
		}
		checkContent(t, s, name, name)
	}
	if list := listOf(t, s); !slices.Equal(list, names) {
		t.Errorf("%q", list)
	}
	checkOnce(t, s, put)
	checkMove(t, s)
}

func blob(content string, meta map[string]string) *store.Blob {
	return &store.Blob{Content: strings.NewReader(content), Size: int64(len(content)), SHA256: sha256.Sum256([]byte(content)), Meta: meta}
}

func listOf(t *testing.T, s store.Store) (list []string) {
	t.Helper()
	for name, err := range s.List(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, name)
	}
	return list
}

func checkContent(t *testing.T, s store.Place, name, want string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	size, err := s.Copy(t.Context(), name, file)
	err = errors.Join(err, file.Close())
	if text, _ := os.ReadFile(path); err != nil || size != int64(len(want)) || string(text) != want {
		t.Errorf("%s: %q, %d bytes, %v", name, text, size, err)
	}
}

// checkOnce checks that nothing is replaced: what this store has made, and what somebody else has.
func checkOnce(t *testing.T, s store.Place, put func(name, content string)) {
	t.Helper()
	put("other", "of somebody else")
	for name, content := range map[string]string{names[0]: names[0], "other": "of somebody else"} {
		if err := s.Put(t.Context(), name, blob("new", nil)); !errors.Is(err, store.ErrExists) {
			t.Errorf("%s, a second time: %v", name, err)
		}
		checkContent(t, s, name, content)
	}
	if info, err := s.Head(t.Context(), "other"); err != nil || len(info.Meta) > 0 {
		t.Errorf("of somebody else: %+v, %v", info, err)
	}
	if err := s.Put(t.Context(), "other/x", blob("", nil)); err == nil || errors.Is(err, store.ErrExists) {
		t.Errorf("below a file: %v", err)
	}
	if _, err := s.Head(t.Context(), "a"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder: %v", err)
	}
}

// checkMove checks what is done where several hosts share a state.
func checkMove(t *testing.T, s store.Place) {
	t.Helper()
	beside := s.Beside(strings.TrimSuffix(s.Prefix(), "/") + ".beside/")
	for _, content := range []string{"first", "second"} {
		if err := beside.Put(t.Context(), "x", blob(content, map[string]string{"of": content})); err != nil {
			t.Fatal(err)
		}
		if err := s.Move(t.Context(), beside, "x", "moved/y"); err != nil {
			t.Fatal(err)
		}
		checkContent(t, s, "moved/y", content)
		if info, err := s.Head(t.Context(), "moved/y"); err != nil || info.Meta["of"] != content {
			t.Errorf("moved: %+v, %v", info, err)
		}
	}
	if err := s.Move(t.Context(), beside, "x", "moved/y"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("moved once more: %v", err)
	}
	for range 2 {
		if err := s.Remove(t.Context(), "moved/y"); err != nil {
			t.Error(err)
		}
	}
	if list := listOf(t, beside); len(list) > 0 {
		t.Errorf("%q", list)
	}
}
