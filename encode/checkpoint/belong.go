package checkpoint

import (
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

// CheckLogs says whether the state is one of these logs: an *OtherLogError if it holds positions and none is of any of them. With
// another source it is not enough that they have the same names: then the caller compares the fences, too.
func (f *File) CheckLogs(source []string, logs []*decode.Log) error {
	s := &f.state
	names := make([]string, len(logs))
	for i, l := range logs {
		names[i] = l.String()
		if _, ok := s.DBs[names[i]]; ok {
			return nil
		}
	}
	if s.IsNew() {
		return nil
	}
	return &OtherLogError{Path: f.path, State: *s, Source: source, Logs: names}
}

// CheckOutput says whether the state is that of this output: an *OtherOutputError if it holds positions of another one.
func (f *File) CheckOutput(output, format, compression string) error {
	s := &f.state
	if s.IsNew() {
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
