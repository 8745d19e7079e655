package s3

import (
	"context"
	"io"
	"time"

	"github.com/minio/minio-go/v7"

	"pikabin/encode/output/object/store"
)

// Copy implements store.Place.
func (b *Bucket) Copy(ctx context.Context, name string, to io.WriterAt) (size int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, info, _, err := b.core.GetObject(ctx, b.target.Bucket, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		return 0, b.explain("reading", name, err)
	}
	defer body.Close()
	defer time.AfterFunc(store.Patience(info.Size), cancel).Stop()
	file := store.NewFileWriter(to)
	if size, err = io.Copy(file, body); err != nil && file.Err == nil {
		return 0, b.explain("reading", name, err)
	}
	return size, file.Err
}
