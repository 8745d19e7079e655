//go:build unix

package torture

import (
	"os"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode/cli/clitest"
)

// TestNullDevice has the null device as standard output, opened as the runtime opens it in the place of a closed one: events, which a state might
// count, are refused there, and what a command reports is not.
func TestNullDevice(t *testing.T) {
	log := binlogtest.FixtureLog(t, "3.5.5-everytype/log/log_db0").Dir
	for flag, want := range map[int]int{os.O_RDWR: 5, os.O_WRONLY: 0} {
		null, err := os.OpenFile(os.DevNull, flag, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { null.Close() })
		p := clitest.Start(t, null, "convert", log)
		if p.Exits(want); want != 0 && p.Messages.Count("standard output is closed") == 0 {
			t.Errorf("it says %s", &p.Messages)
		}
		clitest.Start(t, null, "verify", log).Exits(0)
		clitest.Start(t, null, "info", log).Exits(0)
	}
}
