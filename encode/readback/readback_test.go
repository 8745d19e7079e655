package readback_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/encode/frame"
	"pikabin/encode/readback"
	"pikabin/formats"
	"pikabin/formats/formattest"
)

// changes are those of formattest, and some of real servers.
func changes(t *testing.T) []*decode.Change {
	t.Helper()
	var list []*decode.Change
	for i, c := range formattest.FixtureChanges(t) {
		if i%13 == 0 {
			list = append(list, c)
		}
	}
	for _, c := range formattest.Changes() {
		list = append(list, c.Change)
	}
	return list
}

// fileOf is a file of messages.
func fileOf(t *testing.T, format *formats.Format, codec string, messages []byte, noDB bool) []byte {
	t.Helper()
	switch {
	case format.Seal != nil:
		s, err := format.Seal(formats.SealOptions{Codec: codec, Level: 1, NoDB: noDB, Timestamps: true})
		var file bytes.Buffer
		if err = errors.Join(err, s.Seal(t.Context(), bytes.NewReader(messages), &file)); err != nil {
			t.Fatal(err)
		}
		return file.Bytes()
	case format.File != nil:
		f, err := format.File(codec, 1)
		if err != nil {
			t.Fatal(err)
		}
		return f.AppendFrame(f.AppendHead(nil), messages)
	}
	c, err := frame.Parse(codec)
	if err != nil {
		t.Fatal(err)
	}
	if frames, err := c.NewCompressor(); err != nil || frames != nil {
		half := bytes.IndexByte(messages, '\n') + 1
		if format.Head != "" {
			messages, half = slices.Concat([]byte(format.Head), messages), len(format.Head)
		}
		return frames.AppendFrame(frames.AppendFrame(nil, messages[:half]), messages[half:])
	}
	return append([]byte(format.Head), messages...)
}

func codecsOf(format *formats.Format) []string {
	if format.Codecs != nil {
		return format.Codecs
	}
	return []string{"none", "zstd", "gzip"}
}

// eachFormat runs over the formats that can be read back.
func eachFormat(t *testing.T, run func(t *testing.T, format *formats.Format, f *readback.Format)) {
	t.Helper()
	for _, format := range formats.All() {
		if f, err := readback.Lookup(format.Name); err == nil {
			t.Run(format.Name, func(t *testing.T) { run(t, &format, f) })
		} else if !strings.Contains(err.Error(), "do not say where in the log") {
			t.Error(err)
		}
	}
}

func bare(t *testing.T, format string, c *decode.Change) []byte {
	t.Helper()
	as, ok := formats.Lookup(format)
	if !ok {
		t.Fatalf("no format %s", format)
	}
	return as.New(formats.Options{Bare: true}).AppendChange(nil, c)
}

// TestFile: what was written comes back with the same bytes, whatever the compression.
func TestFile(t *testing.T) {
	eachFormat(t, func(t *testing.T, format *formats.Format, f *readback.Format) {
		t.Helper()
		list := changes(t)
		var messages []byte
		for _, c := range list {
			messages = format.New(formats.Options{}).AppendChange(messages, c)
		}
		for _, codec := range codecsOf(format) {
			for _, noDB := range []bool{false, format.Seal != nil} {
				m, err := f.File(bytes.NewReader(fileOf(t, format, codec, messages, noDB)), list[0].Log.DB)
				if err != nil {
					t.Fatal(err)
				}
				for i, c := range list {
					if noDB {
						c = new(*c)
						c.Log = &decode.Log{DB: list[0].Log.DB, Slot: c.Log.Slot}
					}
					got, err := m.Next(t.Context())
					if want := bare(t, f.As, c); err != nil || !bytes.Equal(got, want) {
						t.Fatalf("%s: event %d (%.50q): %v\n got  %.300q\n want %.300q", codec, i, c.Argv, err, got, want)
					}
				}
				if _, err := m.Next(t.Context()); err != io.EOF {
					t.Errorf("%s: at the end: %v", codec, err)
				}
				m.Close()
			}
		}
	})
}

// TestLargeRecord: a record of more than 64 MiB, which is what Avro's library takes for the largest block, comes back as well.
func TestLargeRecord(t *testing.T) {
	if testing.Short() {
		t.Skip("the race detector takes nine seconds for it")
	}
	format, _ := formats.Lookup("avro")
	f, err := readback.Lookup("avro")
	if err != nil {
		t.Fatal(err)
	}
	c := *formattest.Changes()[0].Change
	c.Value = bytes.Repeat([]byte("v"), 64<<20)
	message := format.New(formats.Options{}).AppendChange(nil, &c)
	for _, codec := range []string{"none", "zstd"} {
		m, err := f.File(bytes.NewReader(fileOf(t, &format, codec, message, false)), "")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Next(t.Context()); err != nil || !bytes.Equal(got, bare(t, f.As, &c)) {
			t.Errorf("%s: %d bytes, %v", codec, len(got), err)
		}
		m.Close()
	}
}

// TestFields: fields say what JSON lines say, in whatever form, and another one names itself.
func TestFields(t *testing.T) {
	eachFormat(t, func(t *testing.T, _ *formats.Format, f *readback.Format) {
		t.Helper()
		for _, c := range changes(t) {
			fields, err := f.Fields(bare(t, f.As, c))
			if err != nil {
				t.Fatal(err)
			}
			key, err := fields.Key()
			want := readback.Key{Epoch: c.Epoch, At: decode.Position{Segment: c.Segment, Offset: c.Offset}, Command: c.Op < decode.OpGap, Part: c.Part}
			if err != nil || key != want {
				t.Fatalf("%.50q is at %v (%v), want %v", c.Argv, key, err, want)
			}
			if text := readback.Difference(fields, maps.Clone(fields)); text != "" {
				t.Fatalf("an event is another one than itself: %s", text)
			}
			for name := range fields {
				other := maps.Clone(fields)
				delete(other, name)
				if text := readback.Difference(fields, other); !strings.HasPrefix(text, name) {
					t.Fatalf("without %s: %q", name, text)
				}
			}
		}
	})
}

// TestAllFields: JSON lines and messages give the same fields, so that a field is named alike in all formats.
func TestAllFields(t *testing.T) {
	lines, _ := readback.Lookup("jsonl")
	messages, _ := readback.Lookup("protobuf")
	for _, c := range changes(t) {
		a, errA := lines.Fields(bare(t, "jsonl", c))
		b, errB := messages.Fields(bare(t, "protobuf", c))
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"segment", "offset", "end"} { // which a message leaves out where they are 0
			if a[name] == int64(0) {
				delete(a, name)
			}
		}
		if c.Parts > 0 && c.Part == 0 {
			delete(a, "part")
		}
		if c.Cmd == "" {
			delete(a, "cmd")
		}
		if text := readback.Difference(a, b); text != "" {
			t.Errorf("%.50q: jsonl and protobuf: %s", c.Argv, text)
		}
	}
}

// TestDamage: no damage makes a reader panic, or give an event that it has not read.
func TestDamage(t *testing.T) {
	eachFormat(t, func(t *testing.T, format *formats.Format, f *readback.Format) {
		t.Helper()
		if testing.Short() && format.Name == "parquet" {
			t.Skip("the race detector checks pointers and ends the process, where otherwise the library's panic is caught")
		}
		var messages []byte
		for _, c := range formattest.Changes()[:10] {
			messages = format.New(formats.Options{}).AppendChange(messages, c.Change)
		}
		for _, codec := range codecsOf(format) {
			file := fileOf(t, format, codec, messages, false)
			step := max(len(file)/30, 1)
			for i := 0; i < len(file); i += step {
				damaged := bytes.Clone(file)
				damaged[i] ^= 0x55
				readAll(t, f, damaged)
				readAll(t, f, file[:i])
			}
		}
	})
}

func readAll(t *testing.T, f *readback.Format, file []byte) {
	t.Helper()
	m, err := f.File(bytes.NewReader(file), "db0")
	if err != nil {
		return
	}
	defer m.Close()
	for range 1000 {
		message, err := m.Next(t.Context())
		if err == nil {
			_, err = f.Fields(message)
		}
		var one *readback.EventError
		if err != nil && !errors.As(err, &one) {
			return
		}
	}
	t.Error("a damaged file does not end")
}
