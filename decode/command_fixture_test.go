package decode

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// fixtures is where the records of real servers are, in the form of loggedLine.
const fixtures = "testdata"

// loggedLine is one line of a fixture: a record of the log, or what became of a key by the end of it.
type loggedLine struct {
	Pika     string   `json:"pika"`
	Time     int64    `json:"time"`
	ArgvB64  []string `json:"argv_b64"`
	Key      string   `json:"key"`
	Exists   bool     `json:"exists"`
	Deadline int64    `json:"deadline_ms"` // 0 for none

	Argv [][]byte `json:"-"`
}

func loadRecords(tb testing.TB, name string) []loggedLine {
	tb.Helper()
	file, err := os.Open(filepath.Join(fixtures, name))
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	var lines []loggedLine
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		lines = append(lines, parseLine(tb, scanner.Bytes()))
	}
	if err := scanner.Err(); err != nil {
		tb.Fatal(err)
	}
	return lines
}

func parseLine(tb testing.TB, b []byte) loggedLine {
	tb.Helper()
	var line loggedLine
	if err := json.Unmarshal(b, &line); err != nil {
		tb.Fatal(err)
	}
	for _, text := range line.ArgvB64 {
		arg, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			tb.Fatal(err)
		}
		line.Argv = append(line.Argv, arg)
	}
	return line
}
