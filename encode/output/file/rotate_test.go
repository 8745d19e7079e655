package file_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/decode"
	"pikabin/encode/frame"
	"pikabin/encode/output/file"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// rotated is a file on the disk of the machine, which is moved under a run.
type rotated struct {
	t    *testing.T
	path string
	env  sink.Env
	to   sink.Resumable
	done int // batches that are durable
}

func newRotated(t *testing.T, e sink.Env) *rotated {
	t.Helper()
	r := &rotated{t: t, path: filepath.Join(t.TempDir(), "out.jsonl"), env: e}
	r.env.Resume = true
	r.open()
	return r
}

func (r *rotated) open() {
	r.t.Helper()
	to, err := sinktest.Open(r.t, file.Type, r.path, nil, r.env)
	if err != nil {
		r.t.Fatal(err)
	}
	r.to = to.Sink.(sink.Resumable)
}

func (r *rotated) write(text string) {
	r.to.Write(context.Background(), &sink.Batch{Log: &decode.Log{DB: "db1"}, Data: []byte(text)}, func(err error) {
		if err == nil {
			r.done++
		}
	})
}

// save flushes, and keeps the note as a state does.
func (r *rotated) save(m sink.Moment) error {
	note, err := r.to.Flush(context.Background(), m)
	if err != nil {
		return err
	}
	if r.env.Note, err = json.Marshal(note); err != nil {
		return err
	}
	return r.to.Saved(context.Background(), note)
}

func (r *rotated) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rotated) want(path, want string) {
	r.t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		r.t.Errorf("%s holds %q, want %q (%v)", filepath.Base(path), got, want, err)
	}
}

// TestRotation moves the file again and again, before a hangup and at different times: each event is in one of the files, and the state
// is of the last one.
func TestRotation(t *testing.T) {
	for name, prepare := range map[string]func(path string) error{
		"moved":                 func(string) error { return nil },
		"moved, and made empty": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRotated(t, sink.Env{Header: func(log *decode.Log) []byte { return []byte("SELECT " + log.DB + "\n") }})
			old := r.path + ".1"
			r.write("a\n")
			r.must(r.save(sink.Roll)) // nothing has moved
			r.write("b\n")
			r.must(os.Rename(r.path, old))
			r.must(prepare(r.path))
			r.write("c\n")
			r.must(r.save(sink.Passing))
			if r.done != 1 {
				t.Errorf("%d batches are said to be durable in a file that was moved", r.done)
			}
			r.must(r.save(sink.Roll))
			r.write("d\n")
			r.must(r.save(sink.Passing))
			r.must(r.to.Close(t.Context()))
			r.open()
			r.write("e\n")
			r.must(r.save(sink.End))
			r.must(r.to.Close(t.Context()))
			r.want(old, "a\nb\nc\n")
			r.want(r.path, "SELECT db1\nd\ne\n")
			if r.done != 5 {
				t.Errorf("%d batches are durable", r.done)
			}
		})
	}
}

// TestRotationOfFrames begins a new file with a frame, though nothing comes after it.
func TestRotationOfFrames(t *testing.T) {
	compression, err := frame.Parse("zstd")
	if err != nil {
		t.Fatal(err)
	}
	frames, err := compression.NewCompressor()
	if err != nil {
		t.Fatal(err)
	}
	r := newRotated(t, sink.Env{Frames: frames, Live: true})
	r.to.Write(t.Context(), &sink.Batch{Log: &decode.Log{DB: "db0"}, Data: []byte("a\n"), Loose: true}, func(error) {})
	r.must(os.Rename(r.path, r.path+".1"))
	r.must(r.save(sink.Roll))
	r.must(r.to.Close(t.Context()))
	for path, want := range map[string]string{r.path + ".1": "a\n", r.path: ""} {
		data, err := os.ReadFile(path)
		if got := sinktest.Unpack(t, "zstd", [][]byte{data}); err != nil || string(got) != want || len(data) == 0 {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
}

// TestMoved ends a run whose file is out of its place, at once at its end, and after a while before that.
func TestMoved(t *testing.T) {
	for name, move := range map[string]func(path string) error{
		"moved": func(path string) error { return os.Rename(path, path+".1") }, "removed": os.Remove,
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, []byte("others"), 0o600))
		},
	} {
		for _, end := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				r := newRotated(t, sink.Env{})
				r.write("a\n")
				r.must(move(r.path))
				moment, saves := sink.End, 0
				if !end {
					moment = sink.Passing
				}
				err := r.save(moment)
				for ; err == nil; err = r.save(moment) {
					saves++
					time.Sleep(time.Second)
				}
				if moved := new(sink.MovedError); !errors.As(err, &moved) || (saves == 0) != end || saves > 12 || r.done > 0 {
					t.Errorf("%s, at the end %t: %v after %d saves, %d durable", name, end, err, saves, r.done)
				}
				r.must(r.to.Close(t.Context()))
			})
		}
	}
}

// TestHangupOfALostFile does not begin a new file when the events of the old one are nowhere, or another file is in its place.
func TestHangupOfALostFile(t *testing.T) {
	for name, move := range map[string]func(path string) error{
		"removed": os.Remove,
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, []byte("others"), 0o600))
		},
	} {
		r := newRotated(t, sink.Env{})
		r.write("a\n")
		r.must(move(r.path))
		err := r.save(sink.Roll)
		if moved := new(sink.MovedError); !errors.As(err, &moved) {
			t.Errorf("%s: %v", name, err)
		}
		r.must(r.to.Close(t.Context()))
	}
	r := newRotated(t, sink.Env{})
	r.write("a\n")
	r.must(r.save(sink.Passing))
	r.must(os.Remove(r.path)) // of which somebody has taken all
	r.must(r.save(sink.Roll))
	r.must(r.to.Close(t.Context()))
	r.want(r.path, "")
}

// TestFileThatIsCut is noticed before the position is saved.
func TestFileThatIsCut(t *testing.T) {
	r := newRotated(t, sink.Env{})
	r.write("a\n")
	r.must(os.Truncate(r.path, 0))
	err := r.save(sink.Passing)
	if lost := new(sink.LostOutputError); !errors.As(err, &lost) {
		t.Errorf("got %v", err)
	}
	r.must(r.to.Close(t.Context()))
}
