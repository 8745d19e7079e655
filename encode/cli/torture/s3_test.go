//go:build (s3 || etcd) && unix

package torture

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"pikabin/encode/output/object/s3test"
)

// s3Consumer reads a prefix of the real server.
type s3Consumer struct {
	client *minio.Client
	prefix string
}

// newS3Rig is a prefix of what scripts/s3.sh has started.
func newS3Rig(t *testing.T) *rig {
	t.Helper()
	endpoint := s3test.Real(t)
	client, err := minio.New(strings.TrimPrefix(endpoint, "http://"), &minio.Options{Creds: credentials.NewEnvAWS(), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	c := &s3Consumer{client: client, prefix: fmt.Sprintf("torture-%08x/", rand.Uint32())}
	return newRig(c, "s3://bucket/"+c.prefix+"?endpoint="+endpoint+"&region=us-east-1")
}

// list implements reader.
func (c *s3Consumer) list(ctx context.Context) (map[string]string, error) {
	there := map[string]string{}
	for o := range c.client.ListObjectsIter(ctx, "bucket", minio.ListObjectsOptions{Prefix: c.prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, o.Err
		}
		there[strings.TrimPrefix(o.Key, c.prefix)] = o.ETag
	}
	return there, nil
}

// open implements reader.
func (c *s3Consumer) open(ctx context.Context, name string) (io.ReadCloser, error) {
	return c.client.GetObject(ctx, "bucket", c.prefix+name, minio.GetObjectOptions{})
}

// TestRealS3Torture is the torture of a bucket.
func TestRealS3Torture(t *testing.T) { newS3Rig(t).torture(t) }
