package disk

import (
	"context"

	"pikabin/encode/frame"
)

// Framed is a file in which small batches are put together into one frame, see frame.Gather.
type Framed struct {
	*File
	gather *frame.Gather
}

// NewFramed makes one of a file that is not written yet. frames is nil where nothing is compressed.
func NewFramed(f *File, frames frame.Compressor) Framed {
	return Framed{File: f, gather: frame.NewGather(frames)}
}

// Add appends to the frame that is open or, if the data are not loose but whole frames already, after the end of that.
func (f *Framed) Add(ctx context.Context, data []byte, loose bool) error {
	if loose {
		if full := f.gather.Add(data); !full {
			return nil
		}
		return f.EndFrame(ctx)
	}
	if err := f.EndFrame(ctx); err != nil || len(data) == 0 {
		return err
	}
	return f.Write(ctx, data)
}

// EndFrame ends the frame that is open.
func (f *Framed) EndFrame(ctx context.Context) error {
	if f.gather.Len() == 0 {
		return nil
	}
	return f.Write(ctx, f.gather.Take())
}

// Size is how many bytes there are, with those that have no frame yet.
func (f *Framed) Size() int64 { return f.Length() + int64(f.gather.Len()) }

// Mark notes the end of the file and of the frame that is open, for Rewind.
func (f *Framed) Mark() {
	f.File.Mark()
	f.gather.Mark()
}

// Rewind takes out what was added after the last Mark.
func (f *Framed) Rewind() error {
	f.gather.Rewind()
	return f.File.Rewind()
}
