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

	"pikabin/decode"
)

// Schema is the version of the state's form. A program reads that of its own and of all before it.
const Schema = 1

// State is what the state file holds: how far a source has been delivered to an output.
type State struct {
	Schema int    `json:"schema"`
	Saves  uint64 `json:"saves"` // how often it was saved

	Source      []string `json:"source"` // the folders of the source, absolute and without links; see Sources
	Output      string   `json:"output"` // as --output says it, a path absolute
	Format      string   `json:"format"`
	Compression string   `json:"compression,omitempty"`

	DBs  map[string]Mark `json:"dbs"`            // by decode.Log.String: "db0", "db0/3"
	Note json.RawMessage `json:"note,omitempty"` // the sink's own
}

// IsNew reports whether the state says nothing of any log, so that a run begins from its beginning.
func (s *State) IsNew() bool { return len(s.DBs) == 0 }

// Places are the positions for a line of text: "db0 12:4096, db1 3:500".
func (s *State) Places() string {
	places := make([]string, 0, len(s.DBs))
	for _, db := range slices.Sorted(maps.Keys(s.DBs)) {
		places = append(places, db+" "+s.DBs[db].Position.String())
	}
	return cmp.Or(strings.Join(places, ", "), "no position")
}

// markForm is the form of a Mark in the state.
type markForm struct {
	Position string       `json:"position"`
	Epoch    uint32       `json:"epoch"`
	Fence    decode.Fence `json:"fence,omitzero"`
}

// MarshalJSON writes the position as people do, "12:4096".
func (m Mark) MarshalJSON() ([]byte, error) {
	return json.Marshal(markForm{Position: m.Position.String(), Epoch: m.Epoch, Fence: m.Fence})
}

// UnmarshalJSON reads what MarshalJSON writes, and nothing that is more or less.
func (m *Mark) UnmarshalJSON(data []byte) error {
	var form markForm
	if err := unmarshal(data, &form); err != nil {
		return err
	}
	p, err := decode.ParsePosition(form.Position)
	*m = Mark{Position: p, Epoch: form.Epoch, Fence: form.Fence}
	return err
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

// appendState gives the text of the file.
func appendState(s *State) ([]byte, error) {
	sum, err := s.sum()
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(stateFile{State: *s, Checksum: sum}, "", "  ")
	return append(text, '\n'), err
}

// errNoState is a file that begins like none of ours.
var errNoState = errors.New("it is not a state of pikabin")

// parseState reads the text of a file. What is not the text of a state of this schema is an error, a *NewerError if it
// is one of a later schema.
func parseState(text []byte) (State, error) {
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
