package follow

import (
	"errors"
	"io/fs"
	"os"

	"pikabin/decode/binlog/folder"
)

// liveManifest is a manifest that is read over and over: it stays open, so that a look at it is two reads.
type liveManifest struct {
	path string
	file *os.File
	stat os.FileInfo // of the file, as it was opened
	bufs [2][folder.ManifestSize]byte
}

// read is the manifest's fields as they stood between two reads, valid until the next call. While there is no manifest,
// or while it is being created, it is folder.ErrNoManifest.
func (m *liveManifest) read() ([]byte, error) {
	if m.file == nil {
		if err := m.open(); err != nil {
			return nil, err
		}
	}
	data, err := folder.ReadStable(m.file, &m.bufs)
	if err == nil && len(data) < folder.ManifestSize {
		return nil, folder.ErrNoManifest
	}
	return data, err
}

func (m *liveManifest) open() error {
	file, err := os.Open(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return folder.ErrNoManifest
	}
	if err != nil {
		return err
	}
	if m.stat, err = file.Stat(); err != nil {
		return errors.Join(err, file.Close())
	}
	m.file = file
	return nil
}

// renew looks whether the path still leads to the file that is open. A server that starts without a manifest creates
// another one; an unlinked one that is open is the only place to learn from where a running server stands.
func (m *liveManifest) renew() (replaced bool, err error) {
	now, err := os.Stat(m.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, folder.ErrNoManifest
	case err != nil || m.file == nil:
		return m.file == nil, err
	}
	if os.SameFile(now, m.stat) {
		return false, nil
	}
	return true, m.close()
}

func (m *liveManifest) close() error {
	if m.file == nil {
		return nil
	}
	file := m.file
	m.file = nil
	return file.Close()
}
