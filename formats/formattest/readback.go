package formattest

import (
	"bytes"
	"testing"

	"pikabin/encode/readback"
)

// Command is the command of a file with one event that was written with Options.Args, as verify-output reads it: the name, and all arguments.
func Command(t *testing.T, format string, file []byte) [][]byte {
	t.Helper()
	f, err := readback.Lookup(format)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := f.File(bytes.NewReader(file), "")
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Close()
	message, err := messages.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fields, err := f.Fields(message)
	if err != nil {
		t.Fatal(err)
	}
	cmd, _ := fields["cmd"].(string)
	argv := [][]byte{[]byte(cmd)}
	args, _ := fields["args"].([]any)
	for _, arg := range args {
		argv = append(argv, []byte(arg.(string)))
	}
	return argv
}
