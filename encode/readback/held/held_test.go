package held_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/encode/output/object/s3test"
	"pikabin/encode/readback/compare"
	"pikabin/encode/readback/held"
)

// TestMain gives the credentials of the server of tests.
func TestMain(m *testing.M) {
	os.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
	os.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	os.Exit(m.Run())
}

const line = `{"db":"db0","segment":0,"offset":0,"end":50,"op":"set"}` + "\n"

// bucketOf is a server with objects, each of which has lines of its own.
func bucketOf(t *testing.T, keys ...string) *s3test.Server {
	t.Helper()
	s := s3test.Start(t)
	for _, key := range keys {
		s.Put(key, strings.Repeat(line, 3))
	}
	return s
}

func open(t *testing.T, target, format string) (*compare.Held, error) {
	t.Helper()
	h, closeAll, err := held.Open(t.Context(), target, format)
	if err == nil {
		t.Cleanup(closeAll)
	}
	return h, err
}

// lines counts the events of a part.
func lines(t *testing.T, p compare.Part) (n int, err error) {
	t.Helper()
	m, err := p.Open(t.Context(), &decode.Log{DB: "db0", Slot: -1})
	if err != nil {
		return 0, err
	}
	defer m.Close()
	for {
		if _, err := m.Next(t.Context()); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n++
	}
}

// TestBucket: the parts of a bucket are those that anybody sees below the prefix, over several pages of the listing, in the order of their positions.
func TestBucket(t *testing.T) {
	const a, b, c = "db0-0000000000-000000000000.jsonl", "db0-0000000001-000000000000.jsonl", "db=db0/dt=2025-06-01/hr=00/db0-0000000000-000000000700.jsonl"
	s := bucketOf(t, "p/"+a, "p/"+b, "p/"+c, "p/.pikabin.owner", "p/."+a, "p/_SUCCESS", "p/notes.txt", "p/.hidden/"+a, "p/more/"+a, "p/db=db0/more/"+a,
		"p.staged/"+a, "p2/"+a, a)
	s.Page = 2
	h, err := open(t, s.Target("p/", ""), "")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range h.Parts["db0"] {
		names = append(names, strings.TrimPrefix(p.Name, "s3://bucket/p/"))
		if n, err := lines(t, p); err != nil || n != 3 {
			t.Errorf("%s: %d events, %v", p.Name, n, err)
		}
	}
	if got := strings.Join(names, " "); got != strings.Join([]string{a, c, b}, " ") || len(h.Parts) != 1 || h.Format.Name != "jsonl" {
		t.Errorf("parts of %d logs: %s", len(h.Parts), got)
	}
}

// TestFilesUnread: what the system does not give is neither an output that is wrong nor a name that is: nothing is said of the output.
func TestFilesUnread(t *testing.T) {
	dir := t.TempDir() + "/"
	if err := os.Symlink("loop", dir+"loop"); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{dir + "loop", dir + "loop/"} {
		if _, err := open(t, target, "jsonl"); !isUnread(err) {
			t.Errorf("%s: %v", target, err)
		}
	}
	for _, target := range []string{dir + "events.jsonl", dir + "parts/"} {
		path := target
		if strings.HasSuffix(target, "/") {
			path += "db0-0000000000-000000000000.jsonl"
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(line), 0o600)); err != nil {
			t.Fatal(err)
		}
		h, err := open(t, target, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		for _, list := range h.Parts {
			if _, err := lines(t, list[0]); !isUnread(err) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

func isUnread(err error) bool {
	_, unread := errors.AsType[*held.UnreadError](err)
	return unread
}

// TestOthers are what is no part by its name, and read all the same by who reads the folder. Copies with names that no format has are neither.
func TestOthers(t *testing.T) {
	const part = "db0-0000000000-000000000000.jsonl"
	s := bucketOf(t, "p/"+part, "p/"+part+".bak", "p/copy.jsonl", "p/copy.avro", "p/db=db0/dt=2025-06-01/hr=00/part-00000.jsonl.gz", "p/_copy.jsonl", "p/.copy.jsonl", "p/."+part+".part", "p/more/copy.jsonl", "p/notes.txt")
	h, err := open(t, s.Target("p/", ""), "")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"s3://bucket/p/copy.jsonl", "s3://bucket/p/db=db0/dt=2025-06-01/hr=00/part-00000.jsonl.gz"}
	if !slices.Equal(h.Others, want) || len(h.Parts["db0"]) != 1 || !slices.Equal(h.Hidden, []string{"s3://bucket/p/." + part + ".part"}) {
		t.Errorf("%d parts, hidden %q, others %q", len(h.Parts["db0"]), h.Hidden, h.Others)
	}
}

// TestBucketAway lets the server fail a few times at each request: the next time is as if nothing had been.
func TestBucketAway(t *testing.T) {
	for _, way := range []s3test.Answer{s3test.SlowDown, s3test.Internal, s3test.Reset, s3test.Expired} {
		s := bucketOf(t, "p/db0-0000000000-000000000000.jsonl")
		asked := map[string]bool{}
		s.Script(func(_ int, what string) s3test.Answer {
			if !asked[what] {
				asked[what] = true
				return way
			}
			return s3test.Answer{}
		})
		h, err := open(t, s.Target("p/", ""), "")
		if err != nil {
			t.Fatal(err)
		}
		if n, err := lines(t, h.Parts["db0"][0]); err != nil || n != 3 || len(asked) != 2 {
			t.Errorf("%+v: %d events, %d kinds of requests, %v", way, n, len(asked), err)
		}
	}
}

// TestBucketRefused says what was asked for, of which object, and what can be done.
func TestBucketRefused(t *testing.T) {
	const name = "p/db0-0000000000-000000000000.jsonl"
	s := bucketOf(t, name)
	h, err := open(t, s.Target("p/", ""), "")
	if err != nil {
		t.Fatal(err)
	}
	refused := func(err error, texts ...string) {
		t.Helper()
		if _, unread := errors.AsType[*held.UnreadError](err); !unread {
			t.Errorf("%v", err)
			return
		}
		for _, text := range texts {
			if !strings.Contains(err.Error(), text) {
				t.Errorf("%q is not in: %v", text, err)
			}
		}
	}
	_, err = open(t, strings.Replace(s.Target("p/", ""), "bucket", "nobucket", 1), "")
	refused(err, "s3://nobucket/p/", "make the bucket, or name another one")
	s.Script(func(int, string) s3test.Answer { return s3test.Denied })
	_, err = open(t, s.Target("p/", ""), "")
	refused(err, "listing s3://bucket/p/", "s3:ListBucket")
	_, err = lines(t, h.Parts["db0"][0])
	refused(err, "reading s3://bucket/"+name, "s3:GetObject")
	s.Script(nil)
	s.Remove(name)
	_, err = lines(t, h.Parts["db0"][0])
	refused(err, "reading s3://bucket/"+name)
}

// TestBucketBroken: what is damaged from its beginning on is a part that cannot be read, and no failure of the store.
func TestBucketBroken(t *testing.T) {
	s := s3test.Start(t)
	for _, ext := range []string{"parquet", "avro"} {
		s.Put("p/db0-0000000000-000000000000."+ext, string(bytes.Repeat([]byte{7}, 300)))
		h, err := open(t, s.Target("p/", ""), ext)
		if err != nil {
			t.Fatal(err)
		}
		_, err = lines(t, h.Parts["db0"][0])
		if _, unread := errors.AsType[*held.UnreadError](err); err == nil || unread {
			t.Errorf("%s: %v", ext, err)
		}
	}
}

// TestOpenRefuses names that nothing can be read back from.
func TestOpenRefuses(t *testing.T) {
	for _, target := range []string{"-", "kafka://host/topic", "s3://bucket/prefix", "s3://user:secret@bucket/p/", t.TempDir(), t.TempDir() + "/none/", "events.what"} {
		_, err := open(t, target, "")
		if _, unread := errors.AsType[*held.UnreadError](err); err == nil || unread || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", target, err)
		}
	}
}
