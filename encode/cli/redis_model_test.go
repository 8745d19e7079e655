//go:build redis

package cli_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikakeys"
	"pikabin/encode/cli"
)

// pikas are the versions whose keys are compared. The bytes of a log do not always tell 3.4 from 3.5.
var pikas = []struct {
	version    string
	generation decode.Generation
	flags      []string
}{
	{"2.2.6", decode.G1, nil},
	{"2.3.6", decode.G2, nil},
	{"3.0.4", decode.G3, nil},
	{"3.0.16", decode.G3, nil},
	{"3.2.9", decode.G3, nil},
	{"3.3.6", decode.G4, nil},
	{"3.4.1", decode.G4, []string{"--pika", "3.4"}},
	{"3.5.5", decode.G5, nil},
	{"4.0.1", decode.G5, nil},
}

// TestRedisHoldsWhatPikaHeld runs random commands on a model of each version while its clock continues, and loads their log into a
// Redis long after. Every key is the same, with its deadline.
func TestRedisHoldsWhatPikaHeld(t *testing.T) {
	for db, pika := range pikas {
		t.Run(pika.version, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(6, 6))
			w := binlogtest.NewWriter(binlogtest.Options{Generation: pika.generation})
			s := pikakeys.New(pika.version, binlogtest.DefaultTime)
			for range 20_000 {
				for _, record := range s.Do(s.Random(r)...) {
					w.Commands(record...)
				}
				step := max(0, r.IntN(15)-13)
				s.Now += int64(step)
				w.Advance(step)
			}
			dir := t.TempDir()
			if err := w.WriteDir(filepath.Join(dir, "log", "log_db0")); err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			data := filepath.Join(dir, "redis")
			args := append([]string{"redis", filepath.Join(dir, "log"), "--dir", data}, pika.flags...)
			if code := cli.Run(args, &bytes.Buffer{}, &stderr, ""); code != 0 {
				t.Fatal(stderr.String())
			}
			if diff := gocmp.Diff(s.Shown(), loadedBy(t, data, s.Now)); diff != "" {
				t.Errorf("(-in Pika +in Redis)\n%s", diff)
			}
			for _, flag := range []string{"--rate=0", "--exactly-once"} {
				if diff := gocmp.Diff(s.Shown(), heldBy(t, filepath.Join(dir, "log"), db, s.Now, append(pika.flags, flag)...)); diff != "" {
					t.Errorf("%s (-in Pika +in a Redis that runs)\n%s", flag, diff)
				}
			}
			t.Logf("%d keys; %s", len(s.Keys()), stderr.String())
		})
	}
}

// modelDump puts into a key of its own what a Redis holds. The Redis runs it while it loads, when no key expires by its clock.
const modelDump = pikakeys.RedisShows + "redis.call('SET', 'dump', table.concat(out, '\\n'))"

// heldBy replays a log into a DB of the Redis that runs, and shows what it held at a time: deadlines are held, so that none has passed there.
func heldBy(t *testing.T, log string, db int, now int64, flags ...string) []string {
	t.Helper()
	number := strconv.Itoa(db)
	redis(t, nil, "-n", number, "flushdb")
	target := "redis://" + os.Getenv("PIKABIN_TEST_REDIS") + "/" + number + "?deadlines=hold&source=" + number
	var stderr bytes.Buffer
	args := append([]string{"convert", log, "-o", target, "--on-refused", "skip"}, flags...)
	if code := cli.Run(args, &bytes.Buffer{}, &stderr, ""); code != 0 {
		t.Fatal(stderr.String())
	}
	redis(t, nil, "-n", number, "eval", "redis.call('DEL', 'dump')"+modelDump, "0", strconv.FormatInt(now*1000, 10))
	lines := strings.Split(strings.TrimSpace(redis(t, nil, "-n", number, "--raw", "get", "dump")), "\n")
	return slices.DeleteFunc(lines, func(line string) bool {
		return strings.HasPrefix(line, "pikabin:") || strings.HasPrefix(line, "__pikabin:")
	})
}

// loadedBy starts a Redis on a folder and shows what it held at a time, when it had loaded that.
func loadedBy(t *testing.T, data string, now int64) []string {
	t.Helper()
	file, err := os.OpenFile(filepath.Join(data, "appendonlydir", "appendonly.aof.1.incr.aof"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, errWrite := file.Write(appendCommand(nil, []byte("eval"), []byte(modelDump), []byte("0"), fmt.Append(nil, now*1000)))
	if err := cmp.Or(errWrite, file.Close()); err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(data, "s")
	server := exec.CommandContext(t.Context(), "redis-server", "--port", "0", "--unixsocket", socket, "--dir", data, "--appendonly", "yes", "--save", "")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	for {
		out, err := exec.CommandContext(t.Context(), "redis-cli", "-s", socket, "--raw", "get", "dump").CombinedOutput()
		if err == nil && !bytes.Contains(out, []byte("LOADING")) {
			return strings.Split(strings.TrimSpace(string(out)), "\n")
		}
		if t.Context().Err() != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}
