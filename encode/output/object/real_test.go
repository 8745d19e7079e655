//go:build s3

package object_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"pikabin/encode/output/object"
	"pikabin/encode/output/object/s3"
	"pikabin/encode/output/object/s3test"
	"pikabin/encode/output/object/store"
	"pikabin/encode/sinktest"
)

// realBucket is a prefix on the server that scripts/s3.sh has started. Nothing can be made to fail there.
type realBucket struct {
	t      *testing.T
	client *minio.Client
	url    string
	prefix string
}

func newRealBucket(t *testing.T) *realBucket {
	t.Helper()
	url := s3test.Real(t)
	client, err := minio.New(strings.TrimPrefix(url, "http://"), &minio.Options{Creds: credentials.NewEnvAWS(), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	return &realBucket{t: t, client: client, url: url, prefix: fmt.Sprintf("suite-%016x/", rand.Uint64())}
}

// Target implements sinktest.Store.
func (b *realBucket) Target() string {
	return "s3://bucket/" + b.prefix + "?region=us-east-1&endpoint=" + b.url
}

// Files implements sinktest.Store.
func (b *realBucket) Files() map[string]string {
	files := map[string]string{}
	for o := range b.client.ListObjectsIter(b.t.Context(), "bucket", minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
		if o.Err != nil {
			b.t.Fatal(o.Err)
		}
		r, err := b.client.GetObject(b.t.Context(), "bucket", o.Key, minio.GetObjectOptions{})
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err = errors.Join(err, r.Close()); err != nil {
			b.t.Fatal(err)
		}
		files[strings.TrimPrefix(o.Key, b.prefix)] = string(text)
	}
	return files
}

// Fork implements sinktest.Store.
func (b *realBucket) Fork(t *testing.T) sinktest.Store {
	t.Helper()
	other := newRealBucket(t)
	for o := range b.client.ListObjectsIter(t.Context(), "bucket", minio.ListObjectsOptions{Prefix: b.prefix, Recursive: true}) {
		from := minio.CopySrcOptions{Bucket: "bucket", Object: o.Key}
		to := minio.CopyDestOptions{Bucket: "bucket", Object: other.prefix + strings.TrimPrefix(o.Key, b.prefix)}
		if _, err := b.client.CopyObject(t.Context(), to, from); err != nil {
			t.Fatal(err)
		}
	}
	return other
}

// Requests implements sinktest.Store.
func (*realBucket) Requests() int { return 0 }

// Fail implements sinktest.Store.
func (*realBucket) Fail(int, int) string { return "" }

// Crash implements sinktest.Store.
func (*realBucket) Crash(int, bool, func()) {}

// TestRealS3Suite is what every output has to do, with a real server.
func TestRealS3Suite(t *testing.T) {
	sinktest.Suite{
		Type: object.Type, Settings: map[string]string{"roll-size": "1500"}, Compress: "zstd", Most: 8,
		Store: func(t *testing.T) sinktest.Store { t.Helper(); return newRealBucket(t) },
	}.Run(t)
}

// TestRealS3Pieces sends an object in pieces. It is there as a whole or not at all, and once: a second one of the name is refused.
func TestRealS3Pieces(t *testing.T) {
	target, err := s3.Parse(newRealBucket(t).Target())
	if err != nil {
		t.Fatal(err)
	}
	b, err := s3.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if _, err := b.Head(t.Context(), "large"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("before: %v", err)
	}
	content := make([]byte, 70<<20)
	blob := &store.Blob{Content: bytes.NewReader(content), Size: int64(len(content)), SHA256: sha256.Sum256(content), Meta: map[string]string{"pikabin-sha256": "sum"}}
	if err := b.Put(t.Context(), "large", blob); err != nil {
		t.Fatal(err)
	}
	if info, err := b.Head(t.Context(), "large"); err != nil || info.Size != blob.Size || info.Meta["pikabin-sha256"] != "sum" {
		t.Errorf("%+v, %v", info, err)
	}
	if err := b.Put(t.Context(), "large", blob); !errors.Is(err, store.ErrExists) {
		t.Errorf("the second one: %v", err)
	}
	if err := b.Put(t.Context(), "other", &store.Blob{Content: blob.Content, Size: 100, SHA256: blob.SHA256}); err == nil {
		t.Error("a wrong sum was taken")
	}
}
