package s3

import (
	"context"
	"io"
	"time"

	"github.com/minio/minio-go/v7"
)

// Copy copies an object to the beginning of a place that holds nothing, or what an earlier call that failed has copied of it, and gives its size. It
// fails with fs.ErrNotExist if there is no such object. Errors of the place come as they are.
func (b *Bucket) Copy(ctx context.Context, name string, to io.WriterAt) (size int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	body, info, _, err := b.core.GetObject(ctx, b.target.Bucket, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		return 0, b.explain("reading", name, err)
	}
	defer body.Close()
	defer time.AfterFunc(patience(info.Size), cancel).Stop()
	place := &placeWriter{Writer: io.NewOffsetWriter(to, 0)}
	if size, err = io.Copy(place, body); err != nil && place.err == nil {
		return 0, b.explain("reading", name, err)
	}
	return size, place.err
}

// placeWriter keeps apart what fails at the place from what fails at the store.
type placeWriter struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (w *placeWriter) Write(p []byte) (n int, err error) {
	n, w.err = w.Writer.Write(p)
	return n, w.err
}
