package object_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"pikabin/encode/output/object/s3test"
	"pikabin/encode/sink"
	"pikabin/encode/vfs/vfstest"
)

// onHost is another host with a disk of its own, whose run has the term of a shared state, and goes on from its note.
func (d *driver) onHost(term uint64, settings ...map[string]string) *driver {
	d.Helper()
	other := newDriver(d.T, d.server)
	other.term, other.state, other.note, other.at, other.flags = term, "etcd:/state", d.note, d.at, map[string]string{"spool": "spool"}
	for _, of := range settings {
		maps.Copy(other.flags, of)
	}
	other.mem = vfstest.New()
	other.mustOpen()
	return other
}

// counted completes a part, and leaves it at that: the state counts it, and nobody has shown it.
func (d *driver) counted(text string) any {
	d.Helper()
	d.write(text)
	n, err := d.sink.Flush(d.Context(), sink.Roll)
	if err != nil {
		d.Fatal(err)
	}
	d.count(n)
	return n
}

// count saves a note.
func (d *driver) count(note any) {
	d.Helper()
	var err error
	if d.note, err = json.Marshal(note); err != nil {
		d.Fatal(err)
	}
}

// allOf are the names of all objects with their contents, but for the owner.
func allOf(s *s3test.Server) (list []string) {
	objects := s.Objects()
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		if !strings.HasSuffix(name, ".owner") {
			list = append(list, name+" "+string(objects[name].Content))
		}
	}
	return list
}

func (d *driver) sees(when string, want ...string) {
	d.Helper()
	if have := allOf(d.server); !slices.Equal(have, want) {
		d.Errorf("%s: there are\n%s\nwant\n%s", when, strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

// stagedName is where a part is until it is counted.
func stagedName(part, term string) string {
	return strings.TrimSuffix(prefix, "/") + ".staged/." + part + "." + term + ".part"
}

// TestSharedBucket: a part is put beside the prefix, counted, and copied to its place, by whichever host comes to it. What no state counts goes, but for what
// runs of later terms have put there.
func TestSharedBucket(t *testing.T) {
	start := newDriver(t, s3test.Start(t))
	start.server.Put(stagedName(second, "t9"), "later")
	later := stagedName(second, "t9") + " later"
	a := start.onHost(3)
	a.part("one")
	a.sees("after a save", later, prefix+first+" one")
	saved := a.counted("two")
	a.sees("before it is shown", stagedName(second, "t3")+" two", later, prefix+first+" one")

	b := a.onHost(4)
	b.sees("after the change", later, prefix+first+" one", prefix+second+" two")
	b.part("three")
	third := strings.Replace(second, "100.", "200.", 1)
	if err := a.sink.Saved(a.Context(), saved); err != nil { // it wakes up, and does what it was about to do
		t.Error(err)
	}
	b.sees("after the old one has woken up", later, prefix+first+" one", prefix+second+" two", prefix+third+" three")

	a.at = b.at
	a.counted("four by a run that was taken over")
	c := b.onHost(5)
	c.sees("what nobody counts has gone", later, prefix+first+" one", prefix+second+" two", prefix+third+" three")
	for _, d := range []*driver{a, b, c} {
		if err := d.sink.Close(d.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestSharedLostAnswers: a part whose answers are lost is there once, and is waited for.
func TestSharedLostAnswers(t *testing.T) {
	d := newDriver(t, s3test.Start(t)).onHost(3)
	lost := map[string]bool{}
	d.server.Script(func(_ int, what string) s3test.Answer {
		if strings.HasPrefix(what, "PUT ") && !lost[what] {
			lost[what] = true
			return s3test.LostAnswer
		}
		return s3test.Answer{}
	})
	d.part("one")
	d.sees("in the end", prefix+first+" one")
	if len(lost) != 2 {
		t.Errorf("lost were %v", lost)
	}
	if err := d.sink.Close(d.Context()); err != nil {
		t.Error(err)
	}
}

// TestSharedOwner: a prefix belongs to one state, whichever hosts share it.
func TestSharedOwner(t *testing.T) {
	a := newDriver(t, s3test.Start(t)).onHost(3)
	a.part("one")
	other := newDriver(t, a.server)
	other.term, other.state, other.flags = 1, "etcd:/other", map[string]string{"spool": "spool"}
	if err := other.open(); err == nil || !strings.Contains(err.Error(), "belongs to the state") {
		t.Errorf("another state: %v", err)
	}
	if err := a.sink.Close(a.Context()); err != nil {
		t.Error(err)
	}
}
