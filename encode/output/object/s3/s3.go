// Package s3 is a store of objects behind the protocol of Amazon S3.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"pikabin/encode/output/object/store"
)

// Bucket is a store below a prefix of a bucket.
type Bucket struct {
	target    *Target
	core      *minio.Core
	transport *http.Transport
	creds     *credentials.Credentials
}

var _ store.Place = (*Bucket)(nil)

// Open makes a bucket of what was asked for. Nothing is sent yet.
func Open(t *Target) (*Bucket, error) {
	transport, err := minio.DefaultTransport(t.Secure)
	if err != nil {
		return nil, err
	}
	b := &Bucket{target: t, transport: transport, creds: chain(transport)}
	b.core, err = minio.NewCore(t.Endpoint, &minio.Options{
		Creds: b.creds, Secure: t.Secure, Transport: transport, Region: t.Region, BucketLookupViaURL: t.lookup, MaxRetries: 1,
	})
	return b, err
}

// Close implements store.Store.
func (b *Bucket) Close() { b.transport.CloseIdleConnections() }

// String is the name of the bucket and the prefix.
func (b *Bucket) String() string { return Scheme + b.target.Bucket + "/" + b.target.Prefix }

// Check implements store.Store.
func (b *Bucket) Check(ctx context.Context) error {
	value, err := b.creds.GetWithContext(b.core.CredContext())
	if err != nil || value.SignerType.IsAnonymous() {
		return &store.RefusedError{Err: errors.New("no credentials were found"), Advice: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, write " +
			"~/.aws/credentials (its profile: AWS_PROFILE), or give the machine a role"}
	}
	for _, err := range b.List(ctx) {
		return err // the first one tells
	}
	return nil
}

// roleTimeout is how long a machine that may have a role is asked for it. One that is no machine of a cloud does not answer.
const roleTimeout = 5 * time.Second

// chain is where credentials are looked for: the environment, the file of AWS's own programs, and the role of the machine, the container or
// the pod, which are fetched again before they expire.
func chain(transport http.RoundTripper) *credentials.Credentials {
	return credentials.NewChainCredentials([]credentials.Provider{
		&credentials.EnvAWS{},
		&credentials.FileAWSCredentials{Profile: os.Getenv("AWS_PROFILE")},
		&credentials.IAM{Client: &http.Client{Timeout: roleTimeout, Transport: transport}},
	})
}

// virtual are the ends of the hosts that take the name of a bucket as a part of theirs only.
var virtual = []string{".aliyuncs.com", ".myqcloud.com", ".myhuaweicloud.com", ".volces.com"}

// lookup says how the bucket is named in a request.
func (t *Target) lookup(u url.URL, _ string) minio.BucketLookupType {
	switch t.Style {
	case "path":
		return minio.BucketLookupPath
	case "virtual":
		return minio.BucketLookupDNS
	}
	for _, end := range virtual {
		if strings.HasSuffix(u.Hostname(), end) {
			return minio.BucketLookupDNS
		}
	}
	return minio.BucketLookupAuto
}

// key is the name of an object in the bucket.
func (b *Bucket) key(name string) string { return b.target.Prefix + name }

// Head implements store.Store.
func (b *Bucket) Head(ctx context.Context, name string) (store.Info, error) {
	ctx, cancel := context.WithTimeout(ctx, store.AnswerTime)
	defer cancel()
	info, err := b.core.StatObject(ctx, b.target.Bucket, b.key(name), minio.StatObjectOptions{})
	if err != nil {
		return store.Info{}, b.explain("asking for", name, err)
	}
	meta := map[string]string{}
	for name, value := range info.UserMetadata {
		meta[strings.ToLower(name)] = value
	}
	return store.Info{Size: info.Size, Meta: meta}, nil
}

// List implements store.Store.
func (b *Bucket) List(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for o := range b.core.ListObjectsIter(ctx, b.target.Bucket, minio.ListObjectsOptions{Prefix: b.target.Prefix, Recursive: true}) {
			if o.Err != nil {
				yield("", b.explain("listing", "", o.Err))
				return
			}
			if !yield(strings.TrimPrefix(o.Key, b.target.Prefix), nil) {
				return
			}
		}
	}
}

// Abort implements store.Store. Who may not list uploads leaves them to a rule of the bucket.
func (b *Bucket) Abort(ctx context.Context, ours func(name string) bool) error {
	for u := range b.core.ListIncompleteUploads(ctx, b.target.Bucket, b.target.Prefix, true) {
		if u.Err != nil {
			return aborting(b.explain("listing the unfinished uploads in", "", u.Err))
		}
		name := strings.TrimPrefix(u.Key, b.target.Prefix)
		if !ours(name) {
			continue
		}
		if err := b.core.AbortMultipartUpload(ctx, b.target.Bucket, u.Key, u.UploadID); err != nil {
			if err = b.explain("aborting an upload of", name, err); !errors.Is(err, fs.ErrNotExist) {
				return aborting(err)
			}
		}
	}
	return nil
}

// aborting says what else removes unfinished uploads.
func aborting(err error) error {
	return fmt.Errorf("%w; a rule of the bucket that aborts unfinished uploads after a day does it, too", err)
}

// explain says what was done, and what can be done about the answer.
func (b *Bucket) explain(doing, name string, err error) error {
	response, ok := errors.AsType[minio.ErrorResponse](err)
	what := fmt.Sprintf("%s %s", doing, Scheme+b.target.Bucket+"/"+b.key(name))
	if !ok {
		return store.Unreachable(fmt.Errorf("%s at %s: %w", what, b.target.Endpoint, err), "the endpoint does not speak TLS: ?endpoint=http://…")
	}
	err = fmt.Errorf("%s at %s: %s (%s, HTTP %d)", what, b.target.Endpoint, strings.TrimRight(response.Error(), "."), response.Code, response.StatusCode)
	switch code := response.Code; {
	case code == minio.NoSuchBucket || code == "InvalidBucketName":
		return &store.RefusedError{Err: err, Advice: "make the bucket, or name another one"}
	case code == minio.NoSuchKey, code == "NoSuchUpload", response.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%w: %w", err, fs.ErrNotExist)
	case response.StatusCode == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", err, store.ErrExists)
	}
	if advice := adviceOn(&response); advice != "" {
		return &store.RefusedError{Err: err, Advice: advice}
	}
	return err
}

// adviceOn is what can be done about an answer that does not change by itself. Expired credentials do: they are fetched again.
func adviceOn(r *minio.ErrorResponse) string {
	switch {
	case r.Code == "InvalidAccessKeyId" || r.Code == "SignatureDoesNotMatch" || r.Code == "InvalidToken":
		return "the credentials are not those of this server: see AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile AWS_PROFILE in ~/.aws/credentials"
	case r.Code == "RequestTimeTooSkewed":
		return "set the clock of this machine"
	case r.Code == "AuthorizationHeaderMalformed" || r.Code == "PermanentRedirect" || r.Code == "IllegalLocationConstraintException" || r.StatusCode == http.StatusMovedPermanently:
		return "name the region of the bucket, and its endpoint if it has one: ?region=" + r.Region
	case r.StatusCode == http.StatusForbidden && r.Code != "ExpiredToken":
		return "the credentials need the rights s3:GetObject and s3:ListBucket here, and for writing s3:PutObject, s3:AbortMultipartUpload and s3:ListBucketMultipartUploads, too"
	case r.Code == "NotImplemented":
		return "the server does not know conditional requests: the option conditional=off does without"
	}
	return ""
}
