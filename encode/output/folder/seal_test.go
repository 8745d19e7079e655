package folder_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/encode/output/folder"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs"
	"pikabin/encode/vfs/vfstest"
)

// copies seals by copying, and waits before that as it is told.
type copies struct{ wait func(rows string) }

func (c copies) Seal(_ context.Context, rows io.Reader, file io.Writer) error {
	data, err := io.ReadAll(rows)
	if err != nil {
		return err
	}
	c.wait(string(data))
	_, err = file.Write(data)
	return err
}

// writeSealed opens a folder of parts that are sealed, and writes one of each text, of a DB of its own.
func writeSealed(t *testing.T, disk vfs.FS, state string, settings map[string]string, s sink.Sealer, parts ...string) sink.Resumable {
	t.Helper()
	seal := func(bool) (sink.Sealer, error) { return s, nil }
	to, err := sinktest.Open(t, folder.Type, "out/", settings, sink.Env{Ext: ".txt", Disk: disk, State: state, Resume: state != "", Seal: seal})
	if err != nil {
		t.Fatal(err)
	}
	for i, text := range parts {
		b := &sink.Batch{Log: &decode.Log{DB: fmt.Sprintf("db%d", i), Slot: -1}, Data: []byte(text), End: decode.Position{Offset: 1}}
		to.Sink.Write(t.Context(), b, func(error) {})
	}
	return to.Sink.(sink.Resumable)
}

// TestSealsAhead: no file can be made here before the file of the next part starts. Files are published in the order of their parts all the same.
func TestSealsAhead(t *testing.T) {
	parts := []string{"0", "1", "2", "3"}
	begun := map[string]chan struct{}{}
	wait := func(rows string) {
		close(begun[rows])
		if next := slices.Index(parts, rows) + 1; next < len(parts) {
			<-begun[parts[next]]
		}
	}
	for _, state := range []string{"", "state"} {
		for _, p := range parts {
			begun[p] = make(chan struct{})
		}
		mem := vfstest.New()
		out := writeSealed(t, mem, state, nil, copies{wait}, parts...)
		note, err := out.Flush(t.Context(), sink.End)
		if err != nil {
			t.Fatal(err)
		}
		if err := out.Saved(t.Context(), note); err != nil {
			t.Fatal(err)
		}
		var shown, want []string
		for _, call := range mem.Calls() {
			if words := strings.Fields(call); words[0] == "rename" && strings.HasSuffix(words[2], ".txt") {
				shown = append(shown, words[2])
			}
		}
		for i := range parts {
			want = append(want, fmt.Sprintf("db%d-0000000000-000000000000.txt", i))
		}
		if !slices.Equal(shown, want) {
			t.Errorf("state %q: shown are %q, want %q", state, shown, want)
		}
	}
}

// TestSealsBeforeASave makes the file of a part as soon as that is complete. It is not shown, and the spool stays, until the state counts it.
func TestSealsBeforeASave(t *testing.T) {
	mem, made := vfstest.New(), make(chan struct{})
	out := writeSealed(t, mem, "state", map[string]string{"roll-size": "1"}, copies{func(string) { close(made) }}, "0")
	<-made
	if err := out.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	files := mem.Files()
	if _, shown := files["out/db0-0000000000-000000000000.txt"]; shown || files["out/.db0-0000000000-000000000000.txt.part"] != "0" {
		t.Errorf("%q", files)
	}
}

// TestSealFails shows the parts before one of which no file can be made, and neither that one nor those after it.
func TestSealFails(t *testing.T) {
	mem, broken := vfstest.New(), errors.New("the format is broken")
	out := writeSealed(t, mem, "state", nil, failing{at: "1", err: broken}, "0", "1", "2")
	note, err := out.Flush(t.Context(), sink.End)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Saved(t.Context(), note); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	if err := out.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if got := visibleOf(mem); !slices.Equal(got, []string{"out/db0-0000000000-000000000000.txt"}) {
		t.Errorf("shown are %q", got)
	}
	for _, db := range []string{"1", "2"} {
		if got := mem.Files()["out/.db"+db+"-0000000000-000000000000.txt.part"]; got != db {
			t.Errorf("the spool of db%s has %q", db, got)
		}
	}
}

// failing is a sealer that fails at some rows.
type failing struct {
	at  string
	err error
}

func (f failing) Seal(ctx context.Context, rows io.Reader, file io.Writer) error {
	var text strings.Builder
	if err := (copies{func(rows string) { text.WriteString(rows) }}).Seal(ctx, rows, file); err != nil {
		return err
	}
	if text.String() == f.at {
		return f.err
	}
	return nil
}

// TestCloseEndsSealing does not wait for a file that takes for ever.
func TestCloseEndsSealing(t *testing.T) {
	begun := make(chan struct{})
	out := writeSealed(t, vfstest.New(), "", map[string]string{"roll-size": "1"}, endless{begun}, "0")
	<-begun
	if err := out.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// endless is a sealer that makes no file before its context ends.
type endless struct{ begun chan struct{} }

func (e endless) Seal(ctx context.Context, _ io.Reader, _ io.Writer) error {
	close(e.begun)
	<-ctx.Done()
	return context.Cause(ctx)
}
