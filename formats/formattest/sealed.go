package formattest

import (
	"bytes"
	"testing"

	"pikabin/formats"
)

// Sealed is the file that a sealer makes of rows, which are messages one after the other.
func Sealed(tb testing.TB, s formats.Sealer, rows []byte) []byte {
	tb.Helper()
	var file bytes.Buffer
	if err := s.Seal(tb.Context(), bytes.NewReader(rows), &file); err != nil {
		tb.Fatal(err)
	}
	return file.Bytes()
}
