package checkpoint

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/encode/vfs/vfstest"
)

// goldenState is the form that people and other programs read. What changes in it needs another schema.
const goldenState = `{
  "schema": 1,
  "saves": 7,
  "source": [
    "/data/pika/log"
  ],
  "output": "/backup/changes/",
  "format": "jsonl",
  "compression": "zstd",
  "dbs": {
    "db0": {
      "position": "12:7",
      "epoch": 1,
      "fence": {
        "bytes": "01070000000000000000000000000000"
      }
    },
    "db1/3": {
      "position": "7:0",
      "epoch": 0,
      "fence": {
        "bytes": "02000000000000000000000000000000",
        "record": 4000,
        "content": "03000000000000000000000000000000"
      }
    }
  },
  "note": {
    "parts": [
      {
        "name": "a\u003cb",
        "length": 7
      }
    ]
  },
  "checksum": "a44154d11178a567c4d486352eacf704"
}
`

func text(t *testing.T, s State) string {
	t.Helper()
	b, err := Text(&s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestStateText(t *testing.T) {
	if diff := cmp.Diff(goldenState, text(t, saved(7, 7))); diff != "" {
		t.Error(diff)
	}
	for name, reformatted := range map[string]string{
		"as it is":     goldenState,
		"in one line":  strings.Join(strings.Fields(goldenState), ""),
		"CRLF, spaces": strings.ReplaceAll(goldenState, "\n", " \r\n "),
	} {
		s, err := Parse([]byte(reformatted))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := sameState(t, s, saved(7, 7)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestFlippedBits: a state with any bit flipped says the same or is refused.
func TestFlippedBits(t *testing.T) {
	for i := range goldenState {
		for bit := range 8 {
			flipped := []byte(goldenState)
			flipped[i] ^= 1 << bit
			s, err := Parse(flipped)
			if err != nil {
				continue
			}
			if diff := sameState(t, s, saved(7, 7)); diff != "" {
				t.Fatalf("bit %d of byte %d: %s", bit, i, diff)
			}
		}
	}
}

// TestTornStates: every beginning of a state, and zeros in place of its end, are refused.
func TestTornStates(t *testing.T) {
	whole := strings.TrimSpace(goldenState)
	for n := range whole {
		for _, torn := range []string{whole[:n], whole[:n] + strings.Repeat("\x00", len(whole)-n)} {
			if s, err := Parse([]byte(torn)); err == nil {
				t.Fatalf("%q: %+v", torn, s)
			}
		}
	}
}

func TestParseStateErrors(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":              {"", "it holds 0 bytes and nothing in them"},
		"zeros":              {"\x00\x00\x00", "it holds 3 bytes and nothing in them"},
		"no JSON":            {"db0 12:4096", "invalid character 'd'"},
		"other JSON":         {`{"version":1,"data":[]}`, "it is not a state of pikabin"},
		"a list":             {`[1]`, "cannot unmarshal array"},
		"newer":              {`{"schema":3,"logs":[]}`, "its schema is 3, this one reads up to 2"},
		"edited":             {strings.Replace(goldenState, "12:7", "12:8", 1), "its checksum does not fit what it says"},
		"unknown member":     {strings.Replace(goldenState, `"epoch": 1,`, `"epoch": 1, "age": 3,`, 1), `unknown field "age" (if a newer pikabin has written it, take that one)`},
		"no position":        {strings.Replace(goldenState, "12:7", "12", 1), `"12" is not a position`},
		"half a fingerprint": {strings.Replace(goldenState, "0107", "01", 1), "is not a fingerprint"},
		"something after it": {goldenState + "{}", "after top-level value"},
	} {
		if s, err := Parse([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %+v, %v, want %q", name, s, err, c.want)
		}
	}
}

// TestOddPaths: a path that is no UTF-8 does not look like damage, and comes back as it does from any state.
func TestOddPaths(t *testing.T) {
	m := vfstest.New()
	f := openOnMem(t, m)
	s := sample(1)
	s.Output, s.Source = "/backup/\xff\xfe", []string{"/data/\xff"}
	if err := f.Save(s); err != nil {
		t.Fatal(err)
	}
	again := openOnMem(t, m.Restart())
	if got, _ := again.State(); got.Output != AsKept(s.Output) || !slices.Equal(got.Source, []string{AsKept(s.Source[0])}) {
		t.Errorf("output %q, source %q", got.Output, got.Source)
	}
}

func TestNoteMustBeJSON(t *testing.T) {
	f := openOnMem(t, vfstest.New())
	s := sample(1)
	s.Note = json.RawMessage("{")
	if err := f.Save(s); err == nil || !strings.Contains(err.Error(), "writing the state /var/state") {
		t.Error(err)
	}
}

// FuzzState: whatever state is saved, the same is read again. No other bytes are taken for one, nor do they end the program.
func FuzzState(f *testing.F) {
	for _, seed := range []string{
		goldenState, `{"schema":1,"saves":9,"source":null,"output":"","format":"","dbs":{"":{"position":"0:0","epoch":0}},"note":null}`,
		`{"schema":1,"source":["\ud800"],"dbs":{"\u003c":{"position":"01:0x10"}},"note":{"b":[1.0,1e3],"a":"<"}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := Parse(b); err == nil && !strings.Contains(string(b), "checksum") {
			t.Fatal("a state without a checksum")
		}
		var s State
		if unmarshal(b, &s) != nil {
			return
		}
		s.Schema = localSchema
		again, err := Parse([]byte(text(t, s)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(text(t, s), text(t, again)); diff != "" {
			t.Fatal(diff)
		}
	})
}
