package compact_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/compact"
	"pikabin/encode/output/object/s3"
	"pikabin/encode/output/object/s3test"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
	"pikabin/encode/vfs/vfstest"
)

// copied copies all partitions of out below p/, and gives what became of them by their folders.
func copied(ctx context.Context, t *testing.T, fsys vfs.FS, target string, change func(o *compact.Options)) (map[string]compact.Outcome, []string, error) {
	t.Helper()
	outcomes, warnings := map[string]compact.Outcome{}, []string(nil)
	o := options(fsys, outcomes)
	o.Warn = func(text string) { warnings = append(warnings, text) }
	if change != nil {
		change(&o)
	}
	to, err := s3.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := s3.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	return outcomes, warnings, compact.Copy(ctx, o, bucket, to.Checked)
}

// mustCopy is copied, which has to copy all of it.
func mustCopy(t *testing.T, fsys vfs.FS, s *s3test.Server, change func(o *compact.Options)) map[string]compact.Outcome {
	t.Helper()
	outcomes, warnings, err := copied(t.Context(), t, fsys, s.Target("p/", ""), change)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%v, %q", err, warnings)
	}
	for dir, p := range outcomes {
		if p.Why != nil {
			t.Fatalf("%s: %v", dir, p.Why)
		}
	}
	return outcomes
}

// objects are those of the copy, by the names that its parts would have in out. Each was written once.
func objects(t *testing.T, s *s3test.Server) map[string]string {
	t.Helper()
	files := map[string]string{}
	for key, o := range s.Objects() {
		files["out/"+strings.TrimPrefix(key, "p/")] = string(o.Content)
		if o.Writes != 1 && !s.Ignorant {
			t.Errorf("%s was written %d times", key, o.Writes)
		}
	}
	return files
}

// without is a table without some of its parts: those that come later in their partitions.
func without(t *testing.T, whole *vfstest.Mem, later func(i int) bool) *vfstest.Mem {
	t.Helper()
	some := whole.Restart()
	n := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(visible(some.Files()))) {
		if n[filepath.Dir(name)]++; later(n[filepath.Dir(name)]) {
			if err := some.Remove(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	return some
}

// TestCopyEveryFormat copies what there is of each format and compression, and later what has come to it, and was merged with what is copied.
func TestCopyEveryFormat(t *testing.T) {
	for _, c := range everyFormat {
		t.Run(fmt.Sprint(c[0], " ", c[1]), func(t *testing.T) {
			mem, s := vfstest.New(), s3test.Start(t)
			write(t, mem, c[0], c[1])
			before, want := mem.Files(), events(t, mem.Files())
			some := without(t, mem, func(i int) bool { return i > 2 })
			mustCopy(t, some, s, nil)
			same(t, "some", events(t, some.Files()), events(t, objects(t, s)))
			n := parts(objects(t, s))
			for dir := range parts(some.Files()) {
				if n[dir] != 1 {
					t.Errorf("%d objects in %s", n[dir], dir)
				}
			}
			merged := mem.Restart()
			if _, err := run(t, merged, nil); err != nil {
				t.Fatal(err)
			}
			mustCopy(t, merged, s, nil)
			same(t, "all", want, events(t, objects(t, s)))
			made := objects(t, s)
			for dir, p := range mustCopy(t, merged, s, nil) {
				t.Errorf("the next run copies %s: %+v", dir, p)
			}
			if !maps.Equal(made, objects(t, s)) || !maps.Equal(before, mem.Files()) {
				t.Error("the next run changes something, or the folder has changed")
			}
		})
	}
}

// TestCopyPlan: a dry run changes nothing, and tells what a run does.
func TestCopyPlan(t *testing.T) {
	mem, s := vfstest.New(), s3test.Start(t)
	write(t, mem, "jsonl", "zstd")
	planned := mustCopy(t, mem, s, func(o *compact.Options) { o.DryRun = true })
	if n := len(s.Objects()); n > 0 {
		t.Errorf("%d objects", n)
	}
	done := mustCopy(t, mem, s, nil)
	for dir, p := range done {
		plan := planned[dir]
		if plan.Parts != p.Parts || plan.Merged != p.Merged || plan.Bytes != p.Bytes || p.Parts < 2 || p.Merged != 1 || p.After == 0 {
			t.Errorf("%s: planned %+v, done %+v", dir, plan, p)
		}
	}
	if len(done) == 0 || len(planned) != len(done) {
		t.Errorf("%d partitions planned, %d done", len(planned), len(done))
	}
}

// small makes several objects of a partition.
func small(o *compact.Options) { o.Target = 50_000 }

// TestCopyCrash ends the process at each call of the bucket, which may have done what it was to do: the next run copies what is not there.
func TestCopyCrash(t *testing.T) {
	mem := vfstest.New()
	write(t, mem, "jsonl", "none")
	want := events(t, mem.Files())
	whole := s3test.Start(t)
	mustCopy(t, mem, whole, small)
	for _, call := range sample.Of(sample.Numbers(1, len(whole.Calls()), 1), 5) {
		for _, done := range []bool{false, true} {
			s := s3test.Start(t)
			ctx, crash := context.WithCancel(t.Context())
			s.Script(func(n int, _ string) s3test.Answer {
				if n < call {
					return s3test.Answer{}
				}
				return s3test.Answer{Reset: true, Done: done && n == call, Before: crash}
			})
			if _, _, err := copied(ctx, t, mem, s.Target("p/", ""), small); err == nil && call < len(whole.Calls()) {
				t.Fatalf("call %d: no crash", call)
			}
			crash()
			s.Script(nil)
			when := fmt.Sprintf("crash at call %d, done %t", call, done)
			unique(t, when, s)
			mustCopy(t, mem, s, nil)
			same(t, when, want, events(t, objects(t, s)))
		}
	}
}

// only answers one call in its own way, and all others as a bucket does.
func only(call int, way s3test.Answer) func(n int, what string) s3test.Answer {
	return func(n int, _ string) s3test.Answer {
		if n != call {
			return s3test.Answer{}
		}
		return way
	}
}

// TestCopyTrouble answers each call badly once: the run continues.
func TestCopyTrouble(t *testing.T) {
	mem := vfstest.New()
	write(t, mem, "jsonl", "none")
	want := events(t, mem.Files())
	whole := s3test.Start(t)
	mustCopy(t, mem, whole, small)
	ways := []s3test.Answer{s3test.SlowDown, s3test.Conflict, s3test.Internal, s3test.Reset, s3test.LostAnswer}
	for _, call := range sample.Of(sample.Numbers(1, len(whole.Calls()), 1), 5) {
		s, way := s3test.Start(t), ways[call%len(ways)]
		s.Script(only(call, way))
		mustCopy(t, mem, s, small)
		same(t, fmt.Sprintf("call %d, %+v", call, way), want, events(t, objects(t, s)))
	}
}

// TestCopyTwice lets another run copy all at each call of a run, with more parts and into other objects.
func TestCopyTwice(t *testing.T) {
	mem := vfstest.New()
	write(t, mem, "jsonl", "none")
	want := events(t, mem.Files())
	some := func() *vfstest.Mem { return without(t, mem, func(i int) bool { return i > 3 }) }
	whole := s3test.Start(t)
	mustCopy(t, some(), whole, small)
	for call := range sample.Count(len(whole.Calls()), 12) {
		s, some := s3test.Start(t), some()
		s.Script(only(call+1, s3test.Answer{Before: func() {
			for name, data := range mem.Files() {
				some.WriteFile(name, []byte(data))
			}
			mustCopy(t, some, s, func(o *compact.Options) { o.Target = 90_000 })
		}}))
		mustCopy(t, some, s, small)
		same(t, fmt.Sprint("beside call ", call+1), want, events(t, objects(t, s)))
	}
}

// TestCopyBesideARun does what a run, merges and copies may do, in random order, with crashes of all: what is copied is never there twice, and in the
// end each event is.
func TestCopyBesideARun(t *testing.T) {
	overtaken := 0
	for seed := range sample.Count(uint64(16), 4) {
		mem, s := vfstest.New(), s3test.Start(t)
		l := newTail(t, seed, mem)
		for range 60 {
			switch l.rng.IntN(9) {
			case 0, 1, 2, 3:
				l.write()
			case 4, 5:
				l.flush([]sink.Moment{sink.Passing, sink.Roll}[l.rng.IntN(2)])
				l.save(true)
			case 6:
				mergedBeside(t, mem, nil)
			case 7:
				mem = crash(l, mem)
			default:
				overtaken += copyBeside(t, l, mem, s)
			}
			unique(t, fmt.Sprint("seed ", seed), s)
		}
		l.flush(sink.End)
		l.save(true)
		mustCopy(t, mem, s, nil)
		same(t, fmt.Sprint("seed ", seed), events(t, mem.Files()), unique(t, fmt.Sprint("seed ", seed), s))
		if err := l.sink.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if overtaken == 0 {
		t.Error("no run was overtaken by another one")
	}
}

// copyBeside copies with some target, and crashes at some call, or another run copies all there.
func copyBeside(t *testing.T, l *tail, mem *vfstest.Mem, s *s3test.Server) (overtaken int) {
	t.Helper()
	ctx, crash := context.WithCancel(t.Context())
	defer crash()
	target := func(size int64) func(o *compact.Options) { return func(o *compact.Options) { o.Target = size } }
	own, other := target(60+l.rng.Int64N(400)), target(60+l.rng.Int64N(400))
	calls, call, kind, done := 0, 1+l.rng.IntN(12), l.rng.IntN(3), l.rng.IntN(2) == 0
	s.Script(func(_ int, what string) s3test.Answer {
		calls++
		switch {
		case calls < call || kind == 0 || calls > call && kind == 1:
			return s3test.Answer{}
		case kind == 2:
			return s3test.Answer{Reset: true, Done: calls == call && done, Before: crash}
		}
		return s3test.Answer{Before: func() {
			if strings.HasPrefix(what, "PUT p/db=") {
				overtaken++
			}
			if _, _, err := copied(t.Context(), t, mem, s.Target("p/", ""), other); err != nil {
				t.Error(err)
			}
		}}
	})
	defer s.Script(nil)
	if _, _, err := copied(ctx, t, mem, s.Target("p/", ""), own); err != nil && ctx.Err() == nil {
		t.Fatal(err)
	}
	return overtaken
}

// unique refuses events that are in the bucket twice, and gives them.
func unique(t *testing.T, when string, s *s3test.Server) []string {
	t.Helper()
	all := events(t, objects(t, s))
	if n := len(slices.Compact(slices.Clone(all))); n != len(all) {
		t.Fatalf("%s: %d events are there twice", when, len(all)-n)
	}
	return all
}

// TestCopyRefuses what is of something else, and changes nothing of it.
func TestCopyRefuses(t *testing.T) {
	const object = "p/db=db0/dt=2025-06-01/hr=12/db0-0000000012-000000000000-c0001.jsonl"
	dir := strings.TrimSuffix(strings.TrimPrefix(hour, "out/"), "/")
	for name, c := range map[string]struct {
		put  func(t *testing.T, s *s3test.Server)
		want string
	}{
		"parts of a run": {func(_ *testing.T, s *s3test.Server) { s.Put(object, lineAt("db0", 0)) }, "it does not tell where it begins and ends"},
		"another table": {func(t *testing.T, s *s3test.Server) {
			t.Helper()
			mustCopy(t, table(map[string]string{hour + "db0-0000000012-000000000005.jsonl": lineAt("db0", 66)}), s, nil)
		}, "the objects are of another table"},
		"a table that continues": {func(t *testing.T, s *s3test.Server) {
			t.Helper()
			mustCopy(t, table(map[string]string{hour + "db0-0000000012-000000000009.jsonl": lineAt("db0", 9)}), s, nil)
		}, "the bucket has 4 events from 12:0 to 12:9"},
	} {
		t.Run(name, func(t *testing.T) {
			s := s3test.Start(t)
			c.put(t, s)
			before := s.Objects()
			outcomes, _, err := copied(t.Context(), t, table(nil), s.Target("p/", ""), nil)
			if p := outcomes[dir]; err != nil || p.Why == nil || p.Waits || !strings.Contains(p.Why.Error(), c.want) {
				t.Errorf("%v, %+v; want %q", err, p, c.want)
			}
			for key, o := range before {
				if string(s.Objects()[key].Content) != string(o.Content) {
					t.Errorf("%s has changed", key)
				}
			}
		})
	}
}

// TestCopyPrefixOfAState is refused.
func TestCopyPrefixOfAState(t *testing.T) {
	s := s3test.Start(t)
	s.Put("p/.pikabin.owner", "")
	_, _, err := copied(t.Context(), t, table(nil), s.Target("p/", ""), nil)
	if _, ok := errors.AsType[*sink.TargetError](err); !ok || !strings.Contains(err.Error(), "name another prefix") {
		t.Error(err)
	}
	if n := len(s.Objects()); n != 1 {
		t.Errorf("%d objects", n)
	}
}

// TestCopyAway ends with the error of the output where nobody answers as he should, and nothing is said of partitions.
func TestCopyAway(t *testing.T) {
	s := s3test.Start(t)
	mustCopy(t, table(nil), s, nil)
	for _, denied := range []string{"", "HEAD p/db="} {
		s.Script(func(_ int, what string) s3test.Answer {
			if strings.HasPrefix(what, denied) {
				return s3test.Denied
			}
			return s3test.Answer{}
		})
		outcomes, _, err := copied(t.Context(), t, table(nil), s.Target("p/", ""), nil)
		if _, ok := errors.AsType[*sink.Error](err); !ok || len(outcomes) > 0 || !strings.Contains(err.Error(), "s3:PutObject") {
			t.Errorf("%q: %v, %v", denied, err, outcomes)
		}
	}
}

// TestCopyWithoutPlace ends where there is no folder for what is merged, which is no part that has gone.
func TestCopyWithoutPlace(t *testing.T) {
	s := s3test.Start(t)
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "nowhere"))
	outcomes, _, err := copied(t.Context(), t, table(nil), s.Target("p/", ""), nil)
	if err == nil || !strings.Contains(err.Error(), "TMPDIR") || len(outcomes) > 0 || len(s.Objects()) > 0 {
		t.Errorf("%v, %v, %d objects", err, outcomes, len(s.Objects()))
	}
}

// TestCopySuccess says of a partition that it is complete, after its objects are there.
func TestCopySuccess(t *testing.T) {
	mem, s := table(map[string]string{hour + "_SUCCESS": ""}), s3test.Start(t)
	for range 2 {
		mustCopy(t, mem, s, small)
	}
	var put []string
	for _, call := range s.Calls() {
		if name, ok := strings.CutPrefix(call, "PUT p/"); ok && !strings.HasPrefix(name, ".") {
			put = append(put, filepath.Base(name))
		}
	}
	if want := []string{"db0-0000000012-000000000000-c0001.jsonl", "_SUCCESS"}; !slices.Equal(put, want) {
		t.Errorf("%q", put)
	}
}

// TestCopyCareless warns of a server that overwrites objects.
func TestCopyCareless(t *testing.T) {
	mem, s := table(nil), s3test.Start(t)
	s.Ignorant = true
	for range 2 {
		_, warnings, err := copied(t.Context(), t, mem, s.Target("p/", ""), nil)
		if err != nil || len(warnings) != 1 || !strings.Contains(warnings[0], "overwrites objects") {
			t.Errorf("%v, %q", err, warnings)
		}
	}
	same(t, "copied", events(t, mem.Files()), events(t, objects(t, s)))
}
