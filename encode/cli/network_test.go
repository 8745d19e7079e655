package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/cli"
	"pikabin/encode/cli/exit"
)

// serve serves log folders as a server of a version would, and gives its address.
func serve(tb testing.TB, o pikamaster.Options, options string) (*pikamaster.Master, string) {
	tb.Helper()
	o.Forbidden = func(text string) { tb.Errorf("forbidden: %s", text) }
	m := pikamaster.New(o)
	tb.Cleanup(m.Stop)
	address, replica, err := m.Listen()
	if err != nil {
		tb.Fatal(err)
	}
	_, port, err := net.SplitHostPort(replica)
	if err != nil {
		tb.Fatal(err)
	}
	return m, fmt.Sprintf("pika://%s?repl-port=%s%s", address, port, options)
}

// networkCases are the log folders of fixtures that can be read over the network.
func networkCases(t *testing.T, run func(t *testing.T, version, dir string, dbs []pikamaster.DB)) {
	t.Helper()
	fixtures := slices.DeleteFunc(binlogtest.Fixtures(t), func(f binlogtest.Fixture) bool {
		return f.Generation < decode.G3 || strings.HasPrefix(f.Version, "3.0") || strings.Contains(f.Name, "sharding") || strings.Contains(f.Name, "crash")
	})
	for _, f := range sample.Of(fixtures, 3) {
		for _, name := range logFolders(t, f) {
			t.Run(f.Name+"-"+name, func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(f.Unpack(t), name)
				var dbs []pikamaster.DB
				for _, l := range f.Logs {
					if rest, ok := strings.CutPrefix(l.Name, f.Name+"/"+name+"/"); ok {
						dbs = append(dbs, pikamaster.DB{Name: l.DB, Dir: filepath.Join(dir, rest)})
					}
				}
				if strings.Contains(name, "slave") || len(dbs) == 0 {
					t.Skip("nothing but filler")
				}
				run(t, f.Version, dir, dbs)
			})
		}
	}
}

// runs gives the output of a command, which has to end well.
func runs(tb testing.TB, args ...string) []byte {
	tb.Helper()
	var stdout, stderr bytes.Buffer
	if code := cli.Run(args, &stdout, &stderr, ""); code != 0 {
		tb.Fatalf("%v: exit code %d: %s", args, code, stderr.String())
	}
	return stdout.Bytes()
}

// TestNetworkConvert converts every fixture over the network: what comes out is what comes out of the files.
func TestNetworkConvert(t *testing.T) {
	networkCases(t, func(t *testing.T, version, dir string, dbs []pikamaster.DB) {
		t.Helper()
		_, address := serve(t, pikamaster.Options{Version: version, DBs: dbs}, "")
		for _, db := range dbs {
			want := runs(t, "convert", dir, "--db", db.Name)
			if have := runs(t, "convert", address, "--db", db.Name); !bytes.Equal(have, want) {
				t.Errorf("%s: %d bytes, want %d", db.Name, len(have), len(want))
			}
			want = runs(t, "history", dir, "k1", "kex", "--db", db.Name)
			if have := runs(t, "history", address, "k1", "kex", "--db", db.Name); !bytes.Equal(have, want) {
				t.Errorf("%s: the history is %s, want %s", db.Name, have, want)
			}
		}
	})
}

// TestNetworkState moves a state from files to the network and back, in the middle of each log: the output is as if one had read all.
func TestNetworkState(t *testing.T) {
	networkCases(t, func(t *testing.T, version, dir string, dbs []pikamaster.DB) {
		t.Helper()
		_, address := serve(t, pikamaster.Options{Version: version, DBs: dbs}, "")
		for _, db := range dbs {
			want := runs(t, "convert", dir, "--db", db.Name)
			work := t.TempDir()
			state, out := filepath.Join(work, "state"), filepath.Join(work, "out.jsonl")
			events := bytes.Count(want, []byte("\n"))
			for i, source := range []string{dir, address, dir, address, dir} {
				args := []string{"convert", source, "--db", db.Name, "--state", state, "-o", out}
				if i < 4 {
					args = append(args, "--limit", strconv.Itoa(max(events/5, 1)))
				}
				runs(t, args...)
			}
			for _, source := range []string{dir, address} {
				if shown := runs(t, "state", state, source, "--db", db.Name); !bytes.Contains(shown, []byte("fits")) {
					t.Errorf("state: %s", shown)
				}
			}
			have, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(have, want) {
				t.Errorf("%s: %d bytes, want %d", db.Name, len(have), len(want))
			}
		}
	})
}

// TestNetworkStateAlone: the positions of a state are shown, too, when the server lets nobody look at its log, unless the user names the server.
func TestNetworkStateAlone(t *testing.T) {
	t.Parallel()
	dbs := []pikamaster.DB{{Name: "db0", Dir: binlogtest.FixtureLog(t, "4.0.1-everytype/log/log_db0").Unpack(t)}}
	_, address := serve(t, pikamaster.Options{DBs: dbs}, "")
	state := filepath.Join(t.TempDir(), "state")
	runs(t, "convert", address, "--limit", "5", "--state", state, "-o", os.DevNull)
	if shown := runs(t, "state", state); !bytes.Contains(shown, []byte("unknown")) { // the state does not hold the port that is asked here
		t.Errorf("state: %s", shown)
	}
	source, _, _ := strings.Cut(address, "?")
	var stderr bytes.Buffer
	if code := cli.Run([]string{"state", state, source}, io.Discard, &stderr, ""); code != exit.Other {
		t.Errorf("a server that cannot be looked at: exit code %d: %s", code, &stderr)
	}
}

// TestNetworkRefusals ends with the exit codes of the same trouble with files, and says what to do.
func TestNetworkRefusals(t *testing.T) {
	t.Parallel()
	l := binlogtest.FixtureLog(t, "4.0.1-everytype/log/log_db0")
	dbs := []pikamaster.DB{{Name: "db0", Dir: l.Unpack(t)}}
	_, good := serve(t, pikamaster.Options{DBs: dbs, Password: "secret"}, "")
	_, open := serve(t, pikamaster.Options{DBs: dbs}, "")
	_, old := serve(t, pikamaster.Options{Version: "3.0.16", DBs: dbs}, "")
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"convert", good}, exit.Usage, "let us in"},
		{[]string{"convert", good + "&password-file=" + password, "--limit", "1"}, 0, "events"},
		{[]string{"convert", old}, exit.Usage, "log folder"},
		{[]string{"convert", open, open}, exit.Usage, "one server"},
		{[]string{"convert", open, "--db", "db7"}, exit.Usage, "db7"},
		{[]string{"convert", open, "--from", "2h"}, exit.Usage, "time"},
		{[]string{"convert", open, "--from", "0:7"}, exit.Usage, "no record begins or ends at 0:7"},
		{[]string{"convert", open, "--from", "9:7"}, exit.Gone, "past the end"},
		{[]string{"tail", open, "--pin", "/nowhere"}, exit.Usage, "--pin"},
		{[]string{"verify", open}, exit.Usage, "log folder"},
		{[]string{"convert", "pika://127.0.0.1:1"}, exit.Other, "127.0.0.1:1"},
	} {
		var stdout, stderr bytes.Buffer
		if code := cli.Run(c.args, &stdout, &stderr, ""); code != c.code || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: exit code %d, want %d and %q: %s", c.args, code, c.code, c.want, stderr.String())
		}
	}
}

// TestNetworkGroup keeps the replication id of the servers in the state: with another one the run ends as at another history.
func TestNetworkGroup(t *testing.T) {
	t.Parallel()
	l := binlogtest.FixtureLog(t, "4.0.1-everytype/log/log_db0")
	m, address := serve(t, pikamaster.Options{DBs: []pikamaster.DB{{Name: "db0", Dir: l.Unpack(t)}}, ReplicationID: "one"}, "")
	work := t.TempDir()
	state := filepath.Join(work, "state")
	args := []string{"convert", address, "--state", state, "-o", filepath.Join(work, "out.jsonl"), "--limit", "3"}
	runs(t, args...)
	if text, err := os.ReadFile(state); err != nil || !bytes.Contains(text, []byte(`"replication_id": "one"`)) {
		t.Errorf("%v: %s", err, text)
	}
	runs(t, args...)
	m.Change(func(o *pikamaster.Options) { o.ReplicationID = "two" })
	var stdout, stderr bytes.Buffer
	if code := cli.Run(args, &stdout, &stderr, ""); code != exit.Gone || !strings.Contains(stderr.String(), "is two, and was one") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	runs(t, "state", state, address, "0:0", "--db", "db0")
	runs(t, args...)
}
