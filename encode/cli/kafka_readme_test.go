//go:build kafka && unix

package cli_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sr/srfake"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode/output/kafka/kafkatest"
)

// logUpTo writes a log of segment 12, of which a record ends at a position, below the folder that the page names.
func logUpTo(t *testing.T, dir string, want decode.Position) {
	t.Helper()
	for size := 1; size < 1000; size++ {
		w := binlogtest.NewWriter(binlogtest.Options{Start: decode.Position{Segment: want.Segment}})
		for i := 0; w.Position().Before(want); i++ {
			w.Command("SET", "key", strings.Repeat("v", size))
		}
		if w.Position() != want {
			continue
		}
		w.Command("SET", "last", "v")
		if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("no log has a record that ends at %v", want)
}

// TestRealKafkaReadme runs the commands of the page about Kafka as they are printed, but for the addresses of the brokers, of the registry and of the
// log.
func TestRealKafkaReadme(t *testing.T) {
	brokers, dir := kafkatest.Real(t), t.TempDir()
	if _, err := kafkatest.Admin(t, brokers).DeleteTopics(t.Context(), "pika", "pika.db0"); err != nil && !errors.Is(err, kerr.UnknownTopicOrPartition) {
		t.Fatal(err)
	}
	logUpTo(t, dir, decode.Position{Segment: 12, Offset: 4096})
	replication := "3"
	if !strings.Contains(brokers, ",") {
		replication = "1"
	}
	reg := srfake.New()
	t.Cleanup(reg.Close)
	ours := strings.NewReplacer("http://registry:8081", reg.URL(), "replication=3", "replication="+replication, "broker1:9092,broker2:9092", brokers, "broker1:9092", brokers, "/data/pika/log", dir)
	t.Setenv("PIKABIN_IDLE_EXIT", "2s") // which ends what would follow the log
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(page(t, "encode/output/kafka/README.md"), -1) {
		for line := range strings.Lines(block[1]) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			run := exec.CommandContext(t.Context(), "bash", "-c", "set -o pipefail; "+ours.Replace(line))
			run.Env = os.Environ()
			if !strings.HasPrefix(line, "pikabin tail") {
				run.Env = append(run.Env, "PIKABIN_IDLE_EXIT=")
			}
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", line, err, out)
			}
			commands++
		}
	}
	if commands < 6 {
		t.Errorf("%d commands", commands)
	}
}
