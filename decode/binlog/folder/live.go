package folder

import (
	"errors"
	"io/fs"
	"os"
)

// LiveManifest is a manifest that is read over and over: it stays open, so that a look at it is two reads. It belongs to one goroutine.
type LiveManifest struct {
	Path string
	file *os.File
	stat os.FileInfo // of the file, as it was opened
	bufs [2][ManifestSize]byte
}

// Read is the manifest's fields as they stood between two reads, valid until the next call. While there is no manifest,
// or while it is being created, it is ErrNoManifest.
func (m *LiveManifest) Read() ([]byte, error) {
	if m.file == nil {
		if err := m.open(); err != nil {
			return nil, err
		}
	}
	data, err := readStable(m.file, &m.bufs)
	if err == nil && len(data) < ManifestSize {
		return nil, ErrNoManifest
	}
	return data, err
}

func (m *LiveManifest) open() error {
	file, err := openManifest(m.Path)
	if err != nil {
		return err
	}
	if m.stat, err = file.Stat(); err != nil {
		return errors.Join(err, file.Close())
	}
	m.file = file
	return nil
}

// Renew looks whether the path still leads to the file that is open. A server that starts without a manifest creates
// another one; an unlinked one that is open is the only place that tells how far a running server is.
func (m *LiveManifest) Renew() (replaced bool, err error) {
	now, err := os.Stat(m.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, ErrNoManifest
	case err != nil || m.file == nil:
		return m.file == nil, err
	}
	if os.SameFile(now, m.stat) {
		return false, nil
	}
	return true, m.Close()
}

// IsOpen reports whether a manifest has been found.
func (m *LiveManifest) IsOpen() bool { return m.file != nil }

// Close lets go of the file. The next look opens the one at the path.
func (m *LiveManifest) Close() error {
	if m.file == nil {
		return nil
	}
	file := m.file
	m.file = nil
	return file.Close()
}
