package held

import (
	"cmp"
	"context"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/encode/output/folder"
	"pikabin/encode/readback"
	"pikabin/encode/readback/compare"
)

// inSeries puts parts in order.
func inSeries(f *readback.Format, parts []part, open func(ctx context.Context, p part, db string) (readback.Messages, error)) *compare.Held {
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(a.Compare(&b.PartName), strings.Compare(a.path, b.path))
	})
	held := &compare.Held{Format: f, Parts: map[string][]compare.Part{}, Series: folder.Series}
	for _, p := range parts {
		held.Parts[p.Series] = append(held.Parts[p.Series], compare.Part{
			Name: p.path, Begin: begin(p), Open: func(ctx context.Context, log *decode.Log) (readback.Messages, error) { return open(ctx, p, log.DB) },
		})
	}
	for _, list := range held.Parts {
		joinParts(list)
	}
	return held
}

// joinParts says of each part of a log that it ends where the next one in its folder begins.
func joinParts(list []compare.Part) {
	before := map[string]*compare.Part{} // by folders
	for i := range list {
		dir := filepath.Dir(list[i].Name)
		if last := before[dir]; last != nil && last.Begin.Epoch == list[i].Begin.Epoch {
			last.Ends = &list[i].Begin.At
		}
		before[dir] = &list[i]
	}
}

// begin is where a part begins: with a range of the log, if there is one at the position.
func begin(p part) readback.Key { return readback.Key{Epoch: p.Epoch, At: p.At} }

// read begins to read what was opened. What is damaged at its beginning has no messages but the error.
func read(f *readback.Format, c content, db string, err error) (readback.Messages, error) {
	if err != nil {
		return nil, err
	}
	m, err := f.File(c, db)
	if err != nil {
		m = readback.Broken(err)
	}
	return opened{m, c}, nil
}

// opened are the messages of a part, which is closed after them.
type opened struct {
	readback.Messages
	content io.Closer
}

// Close implements readback.Messages.
func (o opened) Close() {
	o.Messages.Close()
	o.content.Close() //nolint:gosec // nothing was written
}
