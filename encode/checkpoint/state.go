package checkpoint

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"pikabin/decode"
)

// Schema is the version of the state's form. A program reads that of its own and of all before it. States of one host are written in the
// form of before there were others.
const (
	Schema      = 2
	localSchema = 1
)

// State is what the state file holds: how far a source has been delivered to an output.
type State struct {
	Schema int    `json:"schema"`
	Saves  uint64 `json:"saves"` // how often it was saved

	Source []string `json:"source"` // the folders of the source, absolute and without links
	Output string   `json:"output"` // as --output says it, a path absolute
	Format string   `json:"format"`

	// Group is the replication id of the servers that the logs are of, as a source over the network tells it; empty: it is not known.
	Group string `json:"replication_id,omitempty"`

	Compression string `json:"compression,omitempty"`

	// Settings are what else names and bytes of the output depend on, by the names of the flags; Run is who writes the state. Only states
	// have them that several hosts share.
	Settings map[string]string `json:"settings,omitempty"`
	Run      *Run              `json:"run,omitempty"`

	DBs  map[string]Mark `json:"dbs"`            // by decode.Log.String: "db0", "db0/3"
	Note json.RawMessage `json:"note,omitempty"` // the sink's own
}

// Run is who writes a state that several hosts share.
type Run struct {
	Term   uint64 `json:"term"`   // how often somebody has begun to write it
	Holder string `json:"holder"` // host and process
	TTL    string `json:"ttl"`    // how long the holder may not be heard of, as time.ParseDuration takes it
	Ended  bool   `json:"ended"`  // the holder writes no more

	// Saved is when that was, by the clock of the holder; zero: by a program that did not say.
	Saved time.Time `json:"saved,omitzero"`
}

// IsNew reports whether the state says nothing of any log, so that a run begins from its beginning.
func (s *State) IsNew() bool { return len(s.DBs) == 0 }

// AsKept is a text as it comes back from a state: JSON has none that is no UTF-8.
func AsKept(text string) string { return strings.ToValidUTF8(text, "\ufffd") }

// Places are the positions for a line of text: "db0 12:4096, db1 3:500".
func (s *State) Places() string {
	places := make([]string, 0, len(s.DBs))
	for _, db := range slices.Sorted(maps.Keys(s.DBs)) {
		places = append(places, db+" "+s.DBs[db].Position.String())
	}
	return cmp.Or(strings.Join(places, ", "), "no position")
}

// UnmarshalJSON takes nothing that is more or less than a mark.
func (m *Mark) UnmarshalJSON(data []byte) error {
	var form struct {
		Position *decode.Position
		Epoch    uint32
		Fence    decode.Fence
	}
	if err := unmarshal(data, &form); err != nil {
		return err
	}
	if form.Position == nil {
		return errors.New("there is no position")
	}
	*m = Mark{Position: *form.Position, Epoch: form.Epoch, Fence: form.Fence}
	return nil
}

// Kept is a state as it comes back when it was saved.
func (s *State) Kept() State {
	kept := *s
	kept.Output = AsKept(s.Output)
	kept.Source = make([]string, len(s.Source))
	for i, folder := range s.Source {
		kept.Source[i] = AsKept(folder)
	}
	kept.DBs = map[string]Mark{}
	maps.Copy(kept.DBs, s.DBs)
	return kept
}

// stateFile is the form of the file: the state, and a checksum over its compact form, so that neither a flipped bit nor half an
// edit passes for a position, while it does not matter how the text is laid out.
type stateFile struct {
	State
	Checksum decode.Sum `json:"checksum"`
}

// sum is the checksum of a state, as it is when it has been read again: a path that is no UTF-8 changes on the way.
func (s *State) sum() (decode.Sum, error) {
	compact, err := json.Marshal(s)
	if err != nil {
		return decode.Sum{}, err
	}
	var again State
	if err := json.Unmarshal(compact, &again); err != nil {
		return decode.Sum{}, err
	}
	if compact, err = json.Marshal(again); err != nil {
		return decode.Sum{}, err
	}
	all := sha256.Sum256(compact)
	return decode.Sum(all[:len(decode.Sum{})]), nil
}

// Text is what is kept of a state.
func Text(s *State) ([]byte, error) {
	sum, err := s.sum()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(stateFile{State: *s, Checksum: sum}, "", "  ")
	return append(text, '\n'), err
}

// errNoState is a file that begins like none of ours.
var errNoState = errors.New("it is not a state of pikabin")

// isForeign tells the text of another file from that of a damaged state. Of that, a crash leaves a part or zeros, and a flipped bit
// spoils one word.
func isForeign(text []byte) bool {
	return len(bytes.Trim(text, " \t\r\n\x00")) > 0 && !bytes.Contains(text, []byte(`"schema": `)) && !bytes.Contains(text, []byte(`"checksum": "`))
}

// Parse reads the text of a state. What is not the text of a state of this schema is an error, a *NewerError if it
// is one of a later schema.
func Parse(text []byte) (State, error) {
	if len(bytes.Trim(text, " \t\r\n\x00")) == 0 {
		return State{}, fmt.Errorf("it holds %d bytes and nothing in them", len(text))
	}
	var version struct{ Schema int }
	if err := json.Unmarshal(text, &version); err != nil {
		return State{}, err
	}
	switch {
	case version.Schema > Schema:
		return State{}, &NewerError{Schema: version.Schema}
	case version.Schema < 1:
		return State{}, errNoState
	}
	var f stateFile
	if err := unmarshal(text, &f); err != nil {
		if strings.Contains(err.Error(), "unknown field") { // encoding/json has no type for it
			err = fmt.Errorf("%w (if a newer pikabin has written it, take that one)", err)
		}
		return State{}, err
	}
	sum, err := f.sum()
	if err == nil && sum != f.Checksum {
		err = errors.New("its checksum does not fit what it says: bits were flipped, or it was edited, which is what " +
			"\"pikabin state FILE --db db0 12:4096\" is for")
	}
	return f.State, err
}

// unmarshal reads one JSON value with all its members known and nothing after it.
func unmarshal(data []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the end")
	}
	return nil
}
