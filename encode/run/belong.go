package run

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// SourceFolders gives what State.Source holds for the paths of a source: folders, each once, absolute and without links. For a
// file it is the folder that the file is in, so that a state outlives the segments it was begun with. A server is named by its address.
func SourceFolders(paths []string) ([]string, error) {
	var folders []string
	for _, path := range paths {
		if strings.Contains(path, "://") { // a server, which is named as it is
			folders = append(folders, path)
			continue
		}
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

// sameSource reports whether a state was made with these folders.
func sameSource(s *checkpoint.State, source []string) bool {
	now := make([]string, len(source))
	for i, folder := range source {
		now[i] = checkpoint.AsKept(folder)
	}
	return slices.Equal(slices.Sorted(slices.Values(s.Source)), slices.Sorted(slices.Values(now)))
}

// checkSource refuses a state that holds positions and none of any of these logs, with an *OtherLogError. Logs of other folders
// have the same names everywhere: then their fences decide. That the place of a mark is merely gone is no contradiction. With the
// folders of the state a contradiction is a new history of its own log, which is found when the reading of the log starts.
func (p *places) checkSource(ctx context.Context, logs []Log) error {
	s, ok := p.store.State()
	if !ok {
		return nil
	}
	other := &OtherLogError{Path: p.store.Path(), State: s, Source: p.state.Source}
	same, known := sameSource(&s, p.state.Source), false
	for _, l := range logs {
		other.Logs = append(other.Logs, l.ID().String())
		mark, ok := s.DBs[l.ID().String()]
		known = known || ok
		if !ok || same {
			continue
		}
		if err := l.CheckFence(ctx, mark.Position, mark.Fence); contradicts(err) && !p.ofReplica(err) {
			other.Err = err
			return other
		} else if err != nil && !isGone(err) && !p.ofReplica(err) {
			return err
		}
	}
	if !known {
		return other
	}
	return nil
}

// ofReplica tells a log that has the same records at the same places, or not all of them yet, where the state may be of another server.
func (p *places) ofReplica(err error) bool {
	_, lags := errors.AsType[*decode.BeyondError](err)
	rewritten, ok := errors.AsType[*decode.RewrittenError](err)
	return p.shared && (lags || ok && rewritten.SameRecord)
}

// isGone tells a place that is in no file any more from another history.
func isGone(err error) bool {
	var hole decode.Hole
	var rewritten decode.Rewritten
	return errors.As(err, &hole) && !errors.As(err, &rewritten)
}

// contradicts tells what a log says from an error of the disk, and from the end of the run.
func contradicts(err error) bool {
	return err != nil && !isGone(err) && !ofTheDisk(err) && !errors.Is(err, context.Canceled)
}

// ofTheDisk tells an error of the files, or of the network, from what they say.
func ofTheDisk(err error) bool {
	var hole decode.Hole
	var path *fs.PathError
	var call *os.SyscallError
	var network net.Error
	return !errors.As(err, &hole) && (errors.As(err, &path) || errors.As(err, &call) || errors.As(err, &network))
}

// checkOutput refuses a state of another output, with an *OtherOutputError. One that was set by hand has none yet.
func (p *places) checkOutput(output, format, compression string) error {
	s, ok := p.store.State()
	if !ok || s.Output == "" {
		return nil
	}
	for _, e := range []OtherOutputError{
		{What: "output", State: s.Output, Present: checkpoint.AsKept(output)},
		{What: "format", State: s.Format, Present: format},
		{What: "compression", State: s.Compression, Present: compression},
	} {
		if e.State != e.Present {
			e.Path = p.store.Path()
			return &e
		}
	}
	return nil
}

// settle refuses a state that was made with other settings, and makes it one of these. One of which they were forgotten has none.
func (p *places) settle(settings map[string]string) error {
	if s, ok := p.store.State(); ok && s.Settings != nil {
		names := maps.Clone(s.Settings)
		maps.Copy(names, settings)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			if s.Settings[name] != settings[name] {
				return &OtherOutputError{Path: p.store.Path(), What: "setting --" + name, State: s.Settings[name], Present: settings[name]}
			}
		}
	}
	p.state.Settings = settings
	return nil
}
