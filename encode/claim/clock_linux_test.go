package claim

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// inNamespace is set for a process that this test starts.
const inNamespace = "PIKABIN_TEST_BOOT_CLOCK"

// TestClockCountsSuspensions: the clock is the one that continues while the machine is suspended. In a time namespace that one alone is ahead, as after a
// suspension.
func TestClockCountsSuspensions(t *testing.T) {
	const ahead = 1000 * time.Hour
	if os.Getenv(inNamespace) != "" {
		if up := (systemClock{}).Now().Sub(time.Unix(0, 0)); up < ahead {
			t.Errorf("%s since the machine was started", up)
		}
		return
	}
	args := []string{"--map-root-user", "--time", "--boottime", "3600000", "--fork"}
	if exec.CommandContext(t.Context(), "unshare", append(args, "true")...).Run() != nil {
		t.Skip("this machine has no time namespaces for a test: unshare --map-root-user --time")
	}
	cmd := exec.CommandContext(t.Context(), "unshare", append(args, os.Args[0], "-test.run", "^"+t.Name()+"$")...)
	cmd.Env = append(os.Environ(), inNamespace+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
