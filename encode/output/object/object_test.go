package object_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/encode/output/object"
	"pikabin/encode/output/object/s3test"
	"pikabin/encode/sink"
	"pikabin/encode/vfs/vfstest"
)

const (
	first  = "db0-0000000000-000000000000.jsonl"
	second = "db0-0000000000-000000000100.jsonl"
)

// away is a bucket that does not answer, but for what the start asks.
func away(_ int, what string) s3test.Answer {
	if strings.HasPrefix(what, "PUT ") && !strings.HasSuffix(what, ".owner") {
		return s3test.SlowDown
	}
	return s3test.Answer{}
}

// TestRefusedAtStart: what asking again does not mend ends the start, with what can be done, and nothing has been made.
func TestRefusedAtStart(t *testing.T) {
	for name, test := range map[string]struct {
		answer s3test.Answer
		want   string
	}{
		"no bucket":          {s3test.Answer{Status: 404, Code: "NoSuchBucket"}, "make the bucket"},
		"no right":           {s3test.Denied, "and for writing s3:PutObject"},
		"another key":        {s3test.Answer{Status: 403, Code: "InvalidAccessKeyId"}, "the credentials are not those of this server"},
		"another secret":     {s3test.Answer{Status: 403, Code: "SignatureDoesNotMatch"}, "the credentials are not those of this server"},
		"another region":     {s3test.Answer{Status: 400, Code: "AuthorizationHeaderMalformed"}, "name the region"},
		"a clock gone wrong": {s3test.Answer{Status: 403, Code: "RequestTimeTooSkewed"}, "set the clock"},
	} {
		d := newDriver(t, s3test.Start(t))
		d.server.Script(func(int, string) s3test.Answer { return test.answer })
		if err := d.open(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
		if files := d.mem.Files(); len(files) > 0 {
			t.Errorf("%s: there are %v", name, files)
		}
	}
}

// TestRehearsal: the bucket is looked at, and nothing is made.
func TestRehearsal(t *testing.T) {
	d := newDriver(t, s3test.Start(t))
	o, _, err := object.Type.Parse(d.server.Target(prefix, ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	e := sink.Env{Resume: true, State: filepath.Join(t.TempDir(), "state")}
	found, err := o.(sink.Rehearser).Rehearse(t.Context(), e)
	if err != nil || !strings.Contains(found.Text, "objects would be added, from the spool "+e.State+".spool") {
		t.Errorf("%+v, %v", found, err)
	}
	d.server.Script(func(_ int, what string) s3test.Answer {
		if !strings.HasPrefix(what, "GET ") {
			t.Errorf("it asks for %s", what)
		}
		return s3test.Denied
	})
	if _, err := o.(sink.Rehearser).Rehearse(t.Context(), e); err == nil || !strings.Contains(err.Error(), "need the rights") {
		t.Errorf("a bucket that denies: %v", err)
	}
}

// TestWaitsAtStart: a server that is away is waited for, until the run is to end.
func TestWaitsAtStart(t *testing.T) {
	d := newDriver(t, s3test.Start(t))
	d.server.Script(func(call int, _ string) s3test.Answer {
		if call == 3 {
			close(d.stop)
		}
		return s3test.Internal
	})
	err := d.open()
	if _, ok := errors.AsType[*sink.StoppedError](err); !ok || !strings.Contains(d.monitor.String(), "trying on for as long as it takes") {
		t.Errorf("%v, told %q", err, d.monitor)
	}
}

// TestAnotherState: a prefix belongs to one state, also while it has no parts, and a new state does not write among parts of others.
func TestAnotherState(t *testing.T) {
	d := newDriver(t, s3test.Start(t))
	d.mustOpen()
	d.end()
	other := newDriver(t, d.server)
	other.state = "other"
	if err := other.open(); err == nil || !strings.Contains(err.Error(), ":state, which its object .pikabin.owner says") {
		t.Error(err)
	}
	full := newDriver(t, s3test.Start(t))
	full.server.Put(prefix+"db=db0/dt=2025-01-01/hr=00/"+first, "of others")
	if err := full.open(); err == nil || !strings.Contains(err.Error(), first+" is there already, and the state is a new one") {
		t.Error(err)
	}
}

// TestAnotherWriter: an object that is there already and holds other bytes ends the run. It stays as it is, and so does the part.
func TestAnotherWriter(t *testing.T) {
	for _, other := range []string{"other", "same length"} {
		d := newDriver(t, s3test.Start(t))
		d.mustOpen()
		d.server.Put(prefix+first, other)
		d.part("of our own.")
		if err := d.failure(); err == nil || !strings.Contains(err.Error(), "another run writes below the same prefix") {
			t.Error(err)
		}
		d.write("after that")
		if len(d.errs) != 1 {
			t.Errorf("what comes after it: %v", d.errs)
		}
		_ = d.sink.Close(t.Context())
		if diff := cmp.Diff(map[string]string{first: other}, d.objects()); diff != "" || d.mem.Files()["state.spool/"+first] != "of our own." {
			t.Errorf("%s, and the spool has %v", diff, d.mem.Files())
		}
	}
}

// waiting is a driver with a part that was not sent, after a crash.
func waiting(t *testing.T) *driver {
	t.Helper()
	d := newDriver(t, s3test.Start(t))
	d.mustOpen()
	d.server.Script(away)
	d.part("an event")
	d.save(sink.Passing)
	d.leave()
	d.server = d.server.Fork(t) // what was under way comes too late, and is answered by the script
	return d
}

// TestSpool: what waits in the spool is sent by the next run, and a spool that is not as the state says is refused: nothing is sent or removed.
func TestSpool(t *testing.T) {
	for name, test := range map[string]struct {
		change func(mem *vfstest.Mem)
		want   string
	}{
		"as it was":      {func(*vfstest.Mem) {}, ""},
		"lost":           {func(mem *vfstest.Mem) { remove(mem, "state.spool/") }, "there is none, or it is empty"},
		"of another one": {func(mem *vfstest.Mem) { mem.WriteFile("state.spool/.pikabin.spool", []byte("OTHER\n")) }, "it is that of another one"},
		"without a part": {func(mem *vfstest.Mem) { remove(mem, "state.spool/"+first) }, first + ", which was complete and not sent yet, is not there"},
		"with one more":  {func(mem *vfstest.Mem) { mem.WriteFile("state.spool/"+second, []byte("x")) }, second + " waits in it, which the state knows nothing of"},
		"longer":         {func(mem *vfstest.Mem) { mem.WriteFile("state.spool/"+first, []byte("an event, and more")) }, "was changed after it was complete (it had 8 bytes"},
		"changed":        {func(mem *vfstest.Mem) { mem.WriteFile("state.spool/"+first, []byte("AN EVENT")) }, "was changed after it was complete (it had 8 bytes"},
	} {
		d := waiting(t)
		test.change(d.mem)
		err := d.open()
		if err == nil && test.want != "" {
			err = d.failure()
			_ = d.sink.Close(t.Context())
		}
		if test.want == "" {
			if err != nil {
				t.Fatal(err)
			}
			d.end()
			if diff := cmp.Diff(map[string]string{first: "an event"}, d.objects()); diff != "" {
				t.Error(diff)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), test.want) || len(d.objects()) > 0 {
			t.Errorf("%s: %v, sent %v", name, err, d.objects())
		}
	}
}

func remove(mem *vfstest.Mem, begin string) {
	for name := range mem.Files() {
		if strings.HasPrefix(name, begin) {
			_ = mem.Remove(name)
		}
	}
}

// TestServersWithoutConditions: one that overwrites is found out, one that says so needs the option, and with it names are asked for.
func TestServersWithoutConditions(t *testing.T) {
	for options, want := range map[string]string{"": "overwrites objects in spite of If-None-Match", "&conditional=off": ""} {
		d := newDriver(t, s3test.Start(t))
		d.options, d.server.Ignorant = options, true
		d.mustOpen()
		if told := d.monitor.String(); (want == "") != (told == "") || !strings.Contains(told, want) {
			t.Errorf("%q: told %q", options, told)
		}
		d.server.Put(prefix+second, "other")
		d.part("one")
		d.part("two")
		if err := d.failure(); !strings.Contains(err.Error(), second+" is there already") {
			t.Errorf("%q: %v", options, err)
		}
		_ = d.sink.Close(t.Context())
		if diff := cmp.Diff(map[string]string{first: "one", second: "other"}, d.objects()); diff != "" {
			t.Errorf("%q: %s", options, diff)
		}
	}
	d := newDriver(t, s3test.Start(t))
	d.server.Script(func(_ int, what string) s3test.Answer {
		if strings.HasPrefix(what, "PUT") {
			return s3test.Answer{Status: 501, Code: "NotImplemented"}
		}
		return s3test.Answer{}
	})
	if err := d.open(); err == nil || !strings.Contains(err.Error(), "conditional=off does without") {
		t.Error(err)
	}
}

// TestAway: while nothing can be sent events are delivered to the spool, up to its limit. The end says what waits, and the next run sends it, in
// the order of the log.
func TestAway(t *testing.T) {
	d := newDriver(t, s3test.Start(t))
	d.flags = map[string]string{"spool-limit": "15"}
	d.mustOpen()
	d.server.Script(away)
	d.part("ten bytes.")
	d.part("ten more..")
	waits := make(chan error, 1)
	d.monitor.OnWait = func(why error) {
		if why != nil {
			waits <- why
			close(d.stop)
		}
	}
	d.write("no room for this")
	if why := <-waits; !strings.Contains(why.Error(), "at its limit") {
		t.Error(why)
	}
	if len(d.errs) != 1 || !sink.EndedFull(d.errs[0]) {
		t.Errorf("a batch without room: %v", d.errs)
	}
	d.end()
	if told := d.monitor.String(); !strings.Contains(told, "2 parts, 20 B, were not sent") || !strings.Contains(told, "the next run with this state sends them") {
		t.Errorf("told %q", told)
	}
	d.server = d.server.Fork(t) // what was under way comes too late, and is answered by the script
	d.monitor.OnWait, d.stop, d.mem = nil, make(chan struct{}), d.mem.Restart()
	before := len(d.server.Calls())
	d.mustOpen()
	d.end()
	var puts []string
	for _, call := range d.server.Calls()[before:] {
		if put, ok := strings.CutPrefix(call, "PUT "+prefix); ok && put != ".pikabin.owner" {
			puts = append(puts, put)
		}
	}
	if diff := cmp.Diff([]string{first, second}, puts); diff != "" {
		t.Error(diff)
	}
}

// TestSlowServer: what is slow holds up nothing but itself.
func TestSlowServer(t *testing.T) {
	d := newDriver(t, s3test.Start(t))
	d.mustOpen()
	answer := make(chan struct{})
	d.server.Script(func(_ int, what string) s3test.Answer {
		if strings.HasSuffix(what, first) {
			return s3test.Answer{Before: func() { <-answer }}
		}
		return s3test.Answer{}
	})
	d.part("slow")
	d.part("next")
	d.save(sink.Passing)
	if len(d.errs) > 0 || len(d.objects()) > 0 {
		t.Errorf("%v, %v", d.errs, d.objects())
	}
	close(answer)
	d.end()
	if diff := cmp.Diff(map[string]string{first: "slow", second: "next"}, d.objects()); diff != "" {
		t.Error(diff)
	}
}

// TestParse refuses what makes no sense, and shows no secret.
func TestParse(t *testing.T) {
	for target, want := range map[string]string{
		"s3://bucket/prefix/":              "",
		"s3://bucket":                      "",
		"s3://bucket/prefix":               "has to end in a slash",
		"s3://bucket/a//b/":                "empty part",
		"s3://bucket/../b/":                "empty part",
		"s3://UPPER/":                      "is no name of a bucket",
		"s3:///x/":                         "is no name of a bucket",
		"s3://key:hunter2@bucket/":         "do not belong into the address",
		"s3://bucket/?endpoint=ftp://host": "option endpoint",
		"s3://bucket/?endpoint=https://key:hunter2@host":  "option endpoint",
		"s3://bucket/?endpoint=localhost:9000&style=path": "",
		"s3://bucket/?style=other":                        "option style: expected auto, path, virtual",
		"s3://bucket/?conditional=on":                     "option conditional: expected auto, off",
		"s3://bucket/?secret=hunter2":                     `there is no option "secret", only conditional, endpoint, region, style`,
		"s3://buc%ket/?hunter2":                           "this is no URL",
	} {
		_, ok, err := object.Type.Parse(target, nil)
		if !ok || (want == "") != (err == nil) || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %t, %v", target, ok, err)
		}
	}
}
