package s3

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"

	"github.com/minio/minio-go/v7"

	"pikabin/encode/output/object/store"
)

// What is sent in one request, and how large the pieces of anything larger are. Tests make them small.
var single, piece int64 = 64 << 20, 16 << 20

// pieces is how many S3 takes of one object.
const pieces = 10_000

// Put implements store.Store.
func (b *Bucket) Put(ctx context.Context, name string, o *store.Blob) error {
	if o.Size > single { // not every server knows conditions of the last request
		if _, err := b.Head(ctx, name); err == nil {
			return fmt.Errorf("%s%s/%s: %w", Scheme, b.target.Bucket, b.key(name), store.ErrExists)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := b.put(ctx, b.key(name), o)
	if err != nil {
		return b.explain("writing", name, err)
	}
	return nil
}

func (b *Bucket) put(ctx context.Context, key string, o *store.Blob) error {
	if o.Size > single {
		return b.putPieces(ctx, key, o)
	}
	options := b.options(o)
	options.UserMetadata["X-Amz-Checksum-Sha256"] = base64.StdEncoding.EncodeToString(o.SHA256[:])
	ctx, cancel := context.WithTimeout(ctx, store.Patience(o.Size))
	defer cancel()
	_, err := b.core.PutObject(ctx, b.target.Bucket, key, io.NewSectionReader(o.Content, 0, o.Size), o.Size, "", hex.EncodeToString(o.SHA256[:]), options)
	return err
}

// options are those of an object that must not be there yet.
func (b *Bucket) options(o *store.Blob) minio.PutObjectOptions {
	options := minio.PutObjectOptions{ContentType: o.Type, UserMetadata: map[string]string{}, DisableContentSha256: true} // it is given
	maps.Copy(options.UserMetadata, o.Meta)
	if !b.target.Checked {
		options.SetMatchETagExcept("*")
	}
	return options
}

// putPieces sends an object in pieces, which nobody sees until the last request. What cannot be completed is aborted.
func (b *Bucket) putPieces(ctx context.Context, key string, o *store.Blob) error {
	size := max(piece, (o.Size+pieces-1)/pieces)
	begin := minio.PutObjectOptions{ContentType: o.Type, UserMetadata: o.Meta}
	id, err := b.core.NewMultipartUpload(ctx, b.target.Bucket, key, begin)
	if err != nil {
		return err
	}
	var parts []minio.CompletePart
	for at := int64(0); at < o.Size && err == nil; at += size {
		var part minio.CompletePart
		part, err = b.putPiece(ctx, key, id, len(parts)+1, io.NewSectionReader(o.Content, at, min(size, o.Size-at)))
		parts = append(parts, part)
	}
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, store.Patience(0))
		defer cancel()
		_, err = b.core.CompleteMultipartUpload(ctx, b.target.Bucket, key, id, parts, b.condition())
	}
	if err != nil {
		b.abort(ctx, key, id)
	}
	return err
}

// condition is that of the last request of an upload.
func (b *Bucket) condition() (options minio.PutObjectOptions) {
	if !b.target.Checked {
		options.SetMatchETagExcept("*")
	}
	return options
}

// putPiece sends a piece with its checksum.
func (b *Bucket) putPiece(ctx context.Context, key, id string, number int, content *io.SectionReader) (minio.CompletePart, error) {
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return minio.CompletePart{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, store.Patience(content.Size()))
	defer cancel()
	part, err := b.core.PutObjectPart(ctx, b.target.Bucket, key, id, number, content, content.Size(), minio.PutObjectPartOptions{
		Sha256Hex: hex.EncodeToString(sum.Sum(nil)), CustomHeader: http.Header{}, DisableContentSha256: true,
	})
	return minio.CompletePart{PartNumber: number, ETag: part.ETag}, err
}

// abort gives up an upload. What stays is aborted at the next start, or by a rule of the bucket.
func (b *Bucket) abort(ctx context.Context, key, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), store.AnswerTime/6)
	defer cancel()
	_ = b.core.AbortMultipartUpload(ctx, b.target.Bucket, key, id)
}
