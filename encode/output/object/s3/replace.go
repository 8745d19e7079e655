package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"io"

	"github.com/minio/minio-go/v7"

	"pikabin/encode/output/object/store"
)

// Read gives an object and its version. It fails with fs.ErrNotExist if there is none.
func (b *Bucket) Read(ctx context.Context, name string) (content []byte, version string, err error) {
	ctx, cancel := context.WithTimeout(ctx, store.AnswerTime)
	defer cancel()
	body, info, _, err := b.core.GetObject(ctx, b.target.Bucket, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, "", b.explain("reading", name, err)
	}
	defer body.Close()
	if content, err = io.ReadAll(body); err != nil {
		return nil, "", b.explain("reading", name, err)
	}
	return content, info.ETag, nil
}

// Replace replaces the version of an object, or makes it if that is empty, and gives the version that came of it. The error wraps
// store.ErrExists if another version is there, and fs.ErrNotExist if none is.
func (b *Bucket) Replace(ctx context.Context, name, version string, content []byte) (next string, err error) {
	sum := sha256.Sum256(content)
	options := minio.PutObjectOptions{
		ContentType: "application/json", DisableContentSha256: true, // it is given
		UserMetadata: map[string]string{"X-Amz-Checksum-Sha256": base64.StdEncoding.EncodeToString(sum[:])},
	}
	if version == "" {
		options.SetMatchETagExcept("*")
	} else {
		options.SetMatchETag(version)
	}
	ctx, cancel := context.WithTimeout(ctx, store.Patience(int64(len(content))))
	defer cancel()
	info, err := b.core.PutObject(ctx, b.target.Bucket, b.key(name), bytes.NewReader(content), int64(len(content)), "", hex.EncodeToString(sum[:]), options)
	if err != nil {
		return "", b.explain("replacing", name, err)
	}
	return info.ETag, nil
}
