//go:build unix

package cli_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pikabin/encode/checkpoint"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/cli/exit"
	"pikabin/encode/output/object/s3test"
)

// pair is two runs with one state and one folder.
type pair struct {
	*growing
	state, out string
	first      *clitest.Program // works
	second     *clitest.Program // stands by
}

func (p *pair) args() []string {
	return []string{
		"tail", p.dir, "--from", "start", "--state", p.state, "--standby", "-o", p.out + "/", "--roll-size", "5KiB", "--roll-interval", "200ms",
	}
}

// stateReport is what "pikabin state --json" prints, in part.
type stateReport struct {
	State checkpoint.State
	Age   *float64 `json:"age_seconds"`
}

func readState(t *testing.T, state string) (r stateReport) {
	t.Helper()
	if err := json.Unmarshal(runs(t, "state", state, "--json"), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// isCounted waits until a run has counted all of the log in a state.
func (g *growing) isCounted(t *testing.T, p *clitest.Program, state string) {
	t.Helper()
	p.Until("all is counted", func() bool { return readState(t, state).State.DBs["db0"].Position == g.end() })
}

// endsWhole has a run end once it has counted all.
func (g *growing) endsWhole(t *testing.T, p *clitest.Program, state string) {
	t.Helper()
	g.isCounted(t, p, state)
	p.Signal(syscall.SIGTERM)
	p.Exits(0)
}

func newPair(t *testing.T) *pair {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	p := &pair{growing: newGrowing(t), state: s3test.Start(t).Target("state.json", "&ttl=5s"), out: filepath.Join(t.TempDir(), "out")}
	p.put(t, 200)
	p.first = clitest.Start(t, nil, p.args()...)
	p.first.Until("a part", func() bool { return len(shownParts(t, p.out)) > 0 })
	p.second = clitest.Start(t, nil, p.args()...)
	p.second.Says("standing by")
	return p
}

// shown is all that is shown.
func (p *pair) shown(t *testing.T) (have []byte) {
	t.Helper()
	for _, part := range shownParts(t, p.out) {
		text, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		have = append(have, text...)
	}
	return have
}

// TestStateFences: a position that is set takes the state from the run that works, which ends with exit code 6 and shows nothing more; the one that stands by
// continues from there.
func TestStateFences(t *testing.T) {
	p := newPair(t)
	report := readState(t, p.state)
	if report.State.Run.Term != 1 || report.Age == nil || *report.Age > clitest.Patience.Seconds() || time.Since(report.State.Run.Saved) > clitest.Patience {
		t.Errorf("%+v, %v", report.State.Run, report.Age)
	}
	if text := string(runs(t, "state", p.state)); !strings.Contains(text, "term 1 of ") || !strings.Contains(text, " ago, at 2") {
		t.Error(text)
	}
	p.isCounted(t, p.first, p.state)
	runs(t, "state", p.state, "--db", "db0", p.end().String())
	p.first.Exits(exit.Locked)
	if !p.first.Says("was taken over by") {
		t.Error(&p.first.Messages)
	}
	p.second.Says("term 3")
	p.put(t, 200)
	p.endsWhole(t, p.second, p.state)
	have := p.shown(t)
	if want := runs(t, "convert", p.dir); !bytes.Equal(have, want) {
		t.Errorf("%s, want %s", counts(have), counts(want))
	}
}

// TestStateClears: a state that is cleared ends the run that works. What is shown belongs to the state that was, and the one that stands by does not write it
// once more.
func TestStateClears(t *testing.T) {
	p := newPair(t)
	runs(t, "state", p.state, "--clear")
	p.first.Exits(exit.Locked)
	before := p.shown(t)
	code := p.second.Wait()
	if after := p.shown(t); code == 0 || !bytes.HasPrefix(after, before) {
		t.Errorf("exit code %d, %s were shown, and then %s:\n%s", code, counts(before), counts(after), &p.second.Messages)
	}
}
