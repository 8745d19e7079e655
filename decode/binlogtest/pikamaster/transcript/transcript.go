// Package transcript reads recorded sessions with real servers, from testdata/replication.
package transcript

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"pikabin/decode/binlogtest"
)

// Who has sent bytes.
const (
	FromReplica = ">"
	FromMaster  = "<"
	Note        = "#"
)

// Line is what one side wrote at once, or a note of what was done beside it.
type Line struct {
	T     float64 `json:"t"` // seconds since the start
	From  string  `json:"dir"`
	Bytes []byte  `json:"base64"`
	Note  string  `json:"note"`
}

// Session is one recording. It has several connections, if there are several such notes.
type Session struct {
	Name  string
	Lines []Line
}

// All are the sessions, by name.
func All(tb testing.TB) []Session {
	tb.Helper()
	paths, err := filepath.Glob(binlogtest.Testdata(tb, "replication", "*.jsonl.zst"))
	if err != nil || len(paths) == 0 {
		tb.Fatal("no transcripts: ", err)
	}
	list := make([]Session, len(paths))
	for i, path := range paths {
		list[i] = read(tb, path)
	}
	return list
}

// Named is one session.
func Named(tb testing.TB, name string) Session {
	tb.Helper()
	return read(tb, binlogtest.Testdata(tb, "replication", name+".jsonl.zst"))
}

func read(tb testing.TB, path string) Session {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	unpacked, err := zstd.NewReader(file)
	if err != nil {
		tb.Fatal(err)
	}
	defer unpacked.Close()
	s := Session{Name: strings.TrimSuffix(filepath.Base(path), ".jsonl.zst")}
	for lines := json.NewDecoder(unpacked); lines.More(); {
		var l Line
		if err := lines.Decode(&l); err != nil {
			tb.Fatal(err)
		}
		s.Lines = append(s.Lines, l)
	}
	return s
}

// Streams are what one side sent, each connection by itself.
func (s *Session) Streams(from string) [][]byte {
	var streams [][]byte
	for _, l := range s.Lines {
		if l.IsConnect() || len(streams) == 0 {
			streams = append(streams, nil)
		}
		if l.From == from {
			streams[len(streams)-1] = append(streams[len(streams)-1], l.Bytes...)
		}
	}
	return streams
}

// IsConnect tells where a connection begins.
func (l *Line) IsConnect() bool {
	return l.From == Note && (strings.HasPrefix(l.Note, "connect to") || l.Note == "replica connects")
}
