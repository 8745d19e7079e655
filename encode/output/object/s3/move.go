package s3

import (
	"context"
	"errors"
	"io/fs"

	"github.com/minio/minio-go/v7"
)

// Beside gives the same bucket below another prefix.
func (b *Bucket) Beside(prefix string) *Bucket {
	target, other := *b.target, *b
	target.Prefix = prefix
	other.target = &target
	return &other
}

// Prefix is where the objects are.
func (b *Bucket) Prefix() string { return b.target.Prefix }

// Move gives an object of another prefix a name here, with what it tells of itself, in place of what is there. It fails with fs.ErrNotExist if
// there is no such object.
func (b *Bucket) Move(ctx context.Context, from *Bucket, name, to string) error {
	call, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	_, err := b.core.CopyObject(call, b.target.Bucket, from.key(name), b.target.Bucket, b.key(to), nil, minio.CopySrcOptions{}, minio.PutObjectOptions{})
	if err != nil {
		return b.explain("copying "+from.key(name)+" to", to, err)
	}
	return from.Remove(ctx, name)
}

// Remove removes an object, if it is there.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	err := b.core.RemoveObject(ctx, b.target.Bucket, b.key(name), minio.RemoveObjectOptions{})
	if err != nil {
		if err = b.explain("removing", name, err); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return err
}
