package checkpoint

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
)

// Sources gives what State.Source holds for the paths of a source: folders, each once, absolute and without links. For a
// file it is the folder that it lies in, so that a state outlives the segments it was begun with.
func Sources(paths []string) ([]string, error) {
	var folders []string
	for _, path := range paths {
		resolved, err := filepath.EvalSymlinks(path)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(resolved)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			resolved = filepath.Dir(resolved)
		}
		if resolved, err = filepath.Abs(resolved); err != nil {
			return nil, err
		}
		if !slices.Contains(folders, resolved) {
			folders = append(folders, resolved)
		}
	}
	return folders, nil
}

// SameSource reports whether the state was made with the same folders.
func (s *State) SameSource(source []string) bool {
	now := make([]string, len(source))
	for i, folder := range source {
		now[i] = asKept(folder)
	}
	return slices.Equal(slices.Sorted(slices.Values(s.Source)), slices.Sorted(slices.Values(now)))
}

// asKept is a text as it comes back from the file: what is no UTF-8 does not.
func asKept(text string) string { return strings.ToValidUTF8(text, "\ufffd") }

// CheckSource says whether the state is one of these logs: an *OtherLogError if it holds positions and none is of any of them.
// Logs of other folders have the same names everywhere; then check is asked of each what in the log contradicts the mark.
// That the place of a mark is merely gone (decode.Hole) is none. With the folders of the state a contradiction is a new history of
// its own log, which is left to whoever reads it.
func (f *File) CheckSource(source []string, logs []*decode.Log, check func(log *decode.Log, m Mark) error) error {
	s := &f.state
	if s.IsNew() {
		return nil
	}
	other := &OtherLogError{Path: f.path, State: *s, Source: source}
	known := 0
	for _, l := range logs {
		other.Logs = append(other.Logs, l.String())
		mark, ok := s.DBs[l.String()]
		if !ok {
			continue
		}
		known++
		if s.SameSource(source) {
			continue
		}
		if err := check(l, mark); contradicts(err) {
			other.Err = err
			return other
		} else if err != nil && !isGone(err) {
			return err
		}
	}
	if known == 0 {
		return other
	}
	return nil
}

// isGone tells that a place is in no file any more from another history.
func isGone(err error) bool {
	var hole decode.Hole
	var rewritten decode.Rewritten
	return errors.As(err, &hole) && !errors.As(err, &rewritten)
}

// contradicts tells what the log says from an error of the disk, and from the end of the run.
func contradicts(err error) bool {
	var disk *fs.PathError
	return err != nil && !isGone(err) && !errors.As(err, &disk) && !errors.Is(err, context.Canceled)
}

// CheckOutput says whether the state is that of this output: an *OtherOutputError if it holds positions of another one. One
// that was set by hand has none yet.
func (f *File) CheckOutput(output, format, compression string) error {
	s := &f.state
	if s.IsNew() || s.Output == "" {
		return nil
	}
	for _, e := range []OtherOutputError{
		{What: "output", State: s.Output, Present: asKept(output)},
		{What: "format", State: s.Format, Present: format},
		{What: "compression", State: s.Compression, Present: compression},
	} {
		if e.State != e.Present {
			e.Path = f.path
			return &e
		}
	}
	return nil
}
