package inspect

import (
	"encoding/base64"
	"io"
	"time"
	"unicode/utf8"

	"pikabin/decode"
)

// InfoReport says what is in some logs. The field names of its JSON are stable: fields are added, never changed.
// Sizes are bytes, times unix seconds, positions as in INFO replication (12:4096). Keys are text, or under the
// name with _b64 standard base64 where they are not UTF-8.
type InfoReport struct {
	Logs  []LogInfo `json:"logs"`
	Total Totals    `json:"total"`

	zone *time.Location
}

// LogInfo is one log: that of a DB, or of a slot.
type LogInfo struct {
	DB         string        `json:"db"`
	Slot       *int          `json:"slot,omitempty"` // only in sharding mode
	Path       string        `json:"path"`
	Generation string        `json:"generation"` // "G0" to "G5", "" when no record tells
	Pika       string        `json:"pika"`       // the versions it can be from
	Segments   SegmentsInfo  `json:"segments"`
	Committed  *ManifestInfo `json:"manifest,omitempty"` // absent without a manifest that is believed
	End        string        `json:"end"`                // where what may be read ends
	Notes      []string      `json:"notes,omitempty"`
	Totals
}

// SegmentsInfo counts a log's files. Bytes are those on the disk, so packed for an archive.
type SegmentsInfo struct {
	Count      int    `json:"count"`
	First      uint32 `json:"first"`
	Last       uint32 `json:"last"`
	Bytes      int64  `json:"bytes"`
	Compressed int    `json:"compressed"`
	Stale      int    `json:"stale"` // above the manifest's, and not read
}

// ManifestInfo is the server's commit point.
type ManifestInfo struct {
	Position decode.Position `json:"position"`
	LogicID  *uint64         `json:"logic_id,omitempty"` // 3.0 and later
}

// Totals count the records of one log, or of all.
type Totals struct {
	Records  int64 `json:"records"` // all that can be read, those passed over included
	Bytes    int64 `json:"bytes"`   // of them, with their headers
	Commands int64 `json:"commands"`
	Events   int64 `json:"events"`

	// Passed over: records of padding, of what a full sync leaves, and without content; commands that
	// change nothing; and, in sharding mode, keys of other slots.
	Padding    int64 `json:"padding"`
	Filler     int64 `json:"filler"`
	Empty      int64 `json:"empty"`
	NoEffect   int64 `json:"no_effect"`
	OtherSlots int64 `json:"other_slots"`

	// Damage: ranges that could not be read, and what is missing as a whole.
	Lost      int64 `json:"lost"`
	LostBytes int64 `json:"lost_bytes"`
	Holes     int64 `json:"holes"`

	First    *RecordInfo `json:"first,omitempty"`
	Last     *RecordInfo `json:"last,omitempty"`
	LogicIDs *RangeInfo  `json:"logic_ids,omitempty"`

	ByCommand []GroupInfo  `json:"by_command"` // most bytes first
	ByType    []GroupInfo  `json:"by_type"`
	Largest   []RecordInfo `json:"largest"` // the largest ten
	Prefixes  []PrefixInfo `json:"prefixes"`

	// PrefixError is by how much the counts of the prefixes can be too low; 0 when there were few.
	PrefixError int64 `json:"prefix_error"`
}

// RangeInfo is the lowest and highest of something.
type RangeInfo struct {
	Min uint64 `json:"min"`
	Max uint64 `json:"max"`
}

// RecordInfo is one record: its first command, and the key of that.
type RecordInfo struct {
	DB       string `json:"db"`
	Slot     *int   `json:"slot,omitempty"`
	Position string `json:"position"`
	End      string `json:"end"`
	Time     *int64 `json:"time,omitempty"`
	Bytes    int64  `json:"bytes"`
	Command  string `json:"command,omitempty"`
	Key      string `json:"key,omitempty"` // at most keyShown bytes of it
	KeyB64   string `json:"key_b64,omitempty"`
}

// GroupInfo counts the commands of one name, or the events of one type. The bytes are those of the
// records that begin with one.
type GroupInfo struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
	Bytes int64  `json:"bytes"`
}

// PrefixInfo counts the events whose keys begin alike: with the same text up to the first colon, or with the
// same eight bytes.
type PrefixInfo struct {
	Prefix    string `json:"prefix,omitempty"`
	PrefixB64 string `json:"prefix_b64,omitempty"`
	Events    int64  `json:"events"`
	Bytes     int64  `json:"bytes"`
}

// WriteJSON writes the report as one JSON object and a line end.
func (r *InfoReport) WriteJSON(w io.Writer) error { return writeJSON(w, r) }

// textOrBytes gives bytes as text, or as base64 where they are not UTF-8.
func textOrBytes(b []byte) (text, b64 string) {
	if utf8.Valid(b) {
		return string(b), ""
	}
	return "", base64.StdEncoding.EncodeToString(b)
}
