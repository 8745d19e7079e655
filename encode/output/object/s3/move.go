package s3

import (
	"context"
	"errors"
	"io/fs"

	"github.com/minio/minio-go/v7"

	"pikabin/encode/output/object/store"
)

// Beside implements store.Place.
func (b *Bucket) Beside(prefix string) store.Place {
	target, other := *b.target, *b
	target.Prefix = prefix
	other.target = &target
	return &other
}

// Prefix implements store.Place.
func (b *Bucket) Prefix() string { return b.target.Prefix }

// Move implements store.Place.
func (b *Bucket) Move(ctx context.Context, from store.Place, name, to string) error {
	key := from.Prefix() + name
	call, cancel := context.WithTimeout(ctx, store.AnswerTime)
	defer cancel()
	_, err := b.core.CopyObject(call, b.target.Bucket, key, b.target.Bucket, b.key(to), nil, minio.CopySrcOptions{}, minio.PutObjectOptions{})
	if err != nil {
		return b.explain("copying "+key+" to", to, err)
	}
	return from.Remove(ctx, name)
}

// Remove implements store.Place.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, store.AnswerTime)
	defer cancel()
	err := b.core.RemoveObject(ctx, b.target.Bucket, b.key(name), minio.RemoveObjectOptions{})
	if err != nil {
		if err = b.explain("removing", name, err); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return err
}
