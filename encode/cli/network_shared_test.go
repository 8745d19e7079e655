//go:build unix

package cli_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pikabin/encode/cli/clitest"
	"pikabin/encode/output/object/s3test"
)

// TestNetworkStandby has two runs read one server with a state that they share. The one that stands by is not attached to the server, and goes on where the other
// one was when that is killed: each event is in one part.
func TestNetworkStandby(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
	t.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	g := newGrowing(t)
	out := filepath.Join(t.TempDir(), "out")
	state := s3test.Start(t).Target("state.json", "&ttl=3s")
	args := []string{
		"tail", g.address, "--from", "start", "--state", state, "--standby",
		"-o", out + "/", "--roll-size", "5KiB", "--roll-interval", "200ms",
	}
	stop := g.grow(t)
	first := clitest.Start(t, nil, args...)
	first.Until("a part", func() bool { return len(shownParts(t, out)) > 0 })
	second := clitest.Start(t, nil, args...)
	second.Says("standing by")
	first.Event(out, rand.New(rand.NewPCG(1, 2)), 3)
	for _, entry := range g.Entries() {
		if !strings.Contains(entry, fmt.Sprintf("-%d-", first.Cmd.Process.Pid)) {
			t.Errorf("%s is attached, which stands by", entry)
		}
	}
	first.Kill()
	second.Says("is claimed by")
	g.put(t, 200)
	stop()
	g.endsWhole(t, second, state)
	var have []byte
	for _, part := range shownParts(t, out) {
		text, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		have = append(have, text...)
	}
	if want := runs(t, "convert", g.dir); !bytes.Equal(have, want) {
		t.Errorf("%s, want %s", counts(have), counts(want))
	}
}

// shownParts are the files of a folder that are shown, in the order of their names.
func shownParts(t *testing.T, dir string) []string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "db*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}
