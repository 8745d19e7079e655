package folder

import "context"

// Gathers implements sink.Gatherer.
func (f *folder) Gathers() bool { return f.frames != nil }

// add appends to the part: to the frame that is open, or, if it is whole frames already, after the end of that.
func (p *part) add(ctx context.Context, data []byte, loose bool) error {
	if loose {
		if full := p.loose.Add(data); !full {
			return nil
		}
		return p.end(ctx)
	}
	if err := p.end(ctx); err != nil {
		return err
	}
	return p.Write(ctx, data)
}

// end ends the frame that is open.
func (p *part) end(ctx context.Context) error {
	if p.loose.Len() == 0 {
		return nil
	}
	return p.Write(ctx, p.loose.Take())
}

// size is how long the part is, with what has no frame yet.
func (p *part) size() int64 { return p.Length() + int64(p.loose.Len()) }

func (p *part) mark() {
	p.Mark()
	p.loose.Mark()
}

// rewind takes out what was added since the last mark.
func (p *part) rewind() error {
	p.loose.Rewind()
	return p.Rewind()
}
