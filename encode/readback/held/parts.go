package held

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/encode/output/folder"
	"pikabin/encode/readback"
	"pikabin/encode/readback/compare"
)

// inSeries puts parts in order.
func inSeries(f *readback.Format, parts []part, open func(p part, db string) (readback.Messages, error)) *compare.Held {
	slices.SortFunc(parts, func(a, b part) int {
		return cmp.Or(begin(a).Compare(begin(b)), cmp.Compare(a.Again, b.Again), strings.Compare(a.path, b.path))
	})
	held := &compare.Held{Format: f, Parts: map[string][]compare.Part{}, Series: folder.Series}
	for _, p := range parts {
		held.Parts[p.Series] = append(held.Parts[p.Series], compare.Part{
			Name: p.path, Begin: begin(p), Open: func(_ context.Context, log *decode.Log) (readback.Messages, error) { return open(p, log.DB) },
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

// open opens a file. One that is damaged at its beginning has no messages but the error.
func open(f *readback.Format, path, db string) (readback.Messages, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, cmp.Or(err, file.Close())
	}
	m, err := f.File(local{file, info.Size()}, db)
	if err != nil {
		m = readback.Broken(err)
	}
	return opened{m, file}, nil
}

// local is a file of this machine.
type local struct {
	*os.File
	size int64
}

// Size implements readback.File.
func (l local) Size() int64 { return l.size }

// opened are the messages of a file, which is closed after them.
type opened struct {
	readback.Messages
	file *os.File
}

// Close implements readback.Messages.
func (o opened) Close() {
	o.Messages.Close()
	o.file.Close() //nolint:gosec // nothing was written
}
