package evidence

import (
	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// View is one look at the folder of a log: what manifest and listing said at one moment, manifest first. It is never changed.
type View struct {
	Segments    []folder.Segment // all of the folder that the manifest admits, by number
	Manifest    folder.Manifest
	ManifestErr error // folder.ErrNoManifest, or a *folder.ManifestError when it is not believed
	Generation  decode.Generation
	Before35    bool // a server of 3.3 or 3.4, by the commands that it has logged
}

// Reader reads single records here and there, to learn about the segments of a view. It belongs to one goroutine.
type Reader struct {
	dir        *folder.Dir
	generation decode.Generation // that the user has named; else unknown
	scanner    *decode.Scanner
	decoder    *decode.Decoder
	openings   map[uint32]Opening // that have been read
	samples    map[uint32]sample
}

// NewReader reads the segments of a folder. The generation is what the user says; GenerationUnknown: it is found from the bytes.
func NewReader(dir *folder.Dir, g decode.Generation) (*Reader, error) {
	d, err := decode.NewDecoder(decode.DecoderOptions{Pika: g})
	return &Reader{dir: dir, generation: g, scanner: new(decode.Scanner), decoder: d, openings: map[uint32]Opening{}, samples: map[uint32]sample{}}, err
}

// Reset forgets what was read: the folder has been listed anew.
func (r *Reader) Reset() {
	clear(r.openings)
	clear(r.samples)
}

// Forget forgets what was read of one segment.
func (r *Reader) Forget(number uint32) {
	delete(r.openings, number)
	delete(r.samples, number)
}

// present passes over an error for something that has vanished.
func present(err error) error {
	if folder.Vanished(err) {
		return nil
	}
	return err
}
