//go:build kafka && unix

package torture

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikasim/process"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/cli/exit"
	"pikabin/encode/output/kafka/kafkatest"
)

// kafkaTopic is a topic of one partition on the brokers that scripts/kafka.sh has started, and what a test asks of them.
type kafkaTopic struct {
	tb      testing.TB
	brokers string // for the test
	runs    string // for the program
	name    string
	client  *kgo.Client
	admin   *kadm.Client
}

func newKafkaTopic(tb testing.TB) *kafkaTopic {
	tb.Helper()
	k := &kafkaTopic{tb: tb, brokers: kafkatest.Real(tb), name: kafkatest.NewTopic(tb)}
	k.runs = k.brokers
	k.client = k.newClient()
	k.admin = kadm.NewClient(k.client)
	return k
}

func (k *kafkaTopic) newClient(opts ...kgo.Opt) *kgo.Client {
	k.tb.Helper()
	return kafkatest.Client(k.tb, k.brokers, opts...)
}

// args are those of a run that follows a log exactly once.
func (k *kafkaTopic) args(log, options string, more ...string) []string {
	output := "kafka://" + k.runs + "/" + k.name + "?partitions=1&commit-interval=100ms" + options
	return append([]string{"tail", log, "--from", "start", "-o", output, "--exactly-once", "--create-topics"}, more...)
}

func (k *kafkaTopic) tail(log, options string, more ...string) *clitest.Program {
	k.tb.Helper()
	return clitest.Start(k.tb, nil, k.args(log, options, more...)...)
}

// end is that of what consumers see, and settled says whether there is nothing after it. A topic that is not there ends at 0.
func (k *kafkaTopic) end() (end int64, settled bool) {
	k.tb.Helper()
	committed, err1 := k.admin.ListCommittedOffsets(k.tb.Context(), k.name)
	all, err2 := k.admin.ListEndOffsets(k.tb.Context(), k.name)
	if err := errors.Join(err1, err2); err != nil {
		k.tb.Fatal(err)
	}
	seen, _ := committed.Lookup(k.name, 0)
	last, _ := all.Lookup(k.name, 0)
	return max(seen.Offset, 0), seen.Offset == last.Offset
}

// lull is how long nothing comes from a writer that has ended, and from no other one, however busy the machine is.
const lull = "5s"

// begins waits until something has been committed.
func (k *kafkaTopic) begins(p *clitest.Program) {
	k.tb.Helper()
	k.passes(p, 0)
}

// grows waits until something more has been committed, beside a writer that has not ended.
func (k *kafkaTopic) grows(p *clitest.Program) {
	k.tb.Helper()
	before, _ := k.end()
	k.passes(p, before)
}

// passes waits until the topic ends after an offset.
func (k *kafkaTopic) passes(p *clitest.Program, offset int64) {
	k.tb.Helper()
	p.Until("events in the topic", func() bool {
		now, _ := k.end()
		return now > offset
	})
}

// records are all that a consumer sees, read committed, when no transaction is open. The brokers answer a commit before they have told
// the partitions of it.
func (k *kafkaTopic) records() []*kgo.Record {
	k.tb.Helper()
	end, settled := k.end()
	for !settled {
		end, settled = k.end()
	}
	c := k.newClient(kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{k.name: {0: kgo.NewOffset().AtStart()}}))
	var records []*kgo.Record
	for at := int64(0); at < end; {
		fetches := c.PollFetches(k.tb.Context())
		if err := fetches.Err(); err != nil {
			k.tb.Fatal(err)
		}
		for _, r := range fetches.Records() {
			at = r.Offset + 1
			if !r.Attrs.IsControl() {
				records = append(records, r)
			}
		}
	}
	return records
}

// compare finds each record of the writer once, in its order. The writer has ended.
func (k *kafkaTopic) compare(log, journal string) {
	k.tb.Helper()
	a := account{history: readHistory(k.tb, journal, log), next: map[string]int{}}
	for _, r := range k.records() {
		if err := a.take(r.Value); err != nil {
			k.tb.Fatal(err)
		}
	}
	if err := a.complete(); err != nil {
		k.tb.Error(err)
	}
	k.tb.Logf("%d records", a.records)
}

// written is a log that is written to all the time.
func written(t *testing.T, args ...string) (log, journal string, w *process.Driver) {
	t.Helper()
	dir := t.TempDir()
	log, journal = filepath.Join(dir, "log"), filepath.Join(dir, "journal")
	args = append([]string{"--journal", journal, "--rate", "500", "--duration", "10m"}, args...)
	return log, journal, process.Start(t, log, args...)
}

// replicas are logs of the same records at the same places, each with headers of its own.
type replicas struct {
	t    *testing.T
	dirs []string
	logs []*binlogtest.Writer
}

func newReplicas(t *testing.T, n int) *replicas {
	t.Helper()
	r := &replicas{t: t}
	for i := range n {
		r.dirs = append(r.dirs, t.TempDir())
		r.logs = append(r.logs, binlogtest.NewWriter(binlogtest.Options{Time: binlogtest.DefaultTime + uint32(i)}))
	}
	return r
}

// put puts records into one of the logs. Those of one name are the same in all.
func (r *replicas) put(i, n int, name string) {
	r.t.Helper()
	for range n {
		r.logs[i].Command("SET", "k", fmt.Sprintf("%s %d", name, len(r.logs[i].Records())))
	}
	if err := r.logs[i].WriteDir(filepath.Join(r.dirs[i], "log_db0")); err != nil {
		r.t.Fatal(err)
	}
}

// TestRealKafkaReplica continues beside a replica where a run beside its master has stopped, and back. There is no state file: the place is
// in Kafka.
func TestRealKafkaReplica(t *testing.T) {
	t.Parallel()
	k := newKafkaTopic(t)
	const master, replica, other = 0, 1, 2
	r := newReplicas(t, 3)
	r.put(master, 100, "x")
	k.tail(r.dirs[master], "", "--idle-exit", "1ms").Exits(0)
	r.put(replica, 150, "x")
	k.tail(r.dirs[replica], "", "--idle-exit", "1ms", "--state", filepath.Join(t.TempDir(), "state")).Exits(0)

	// The master lags, and comes.
	p := k.tail(r.dirs[master], "", "--idle-exit", "1ms")
	p.Says("waiting for it, as for a replica that lags")
	r.put(master, 100, "x")
	p.Exits(0)

	r.put(other, 250, "y")
	p = k.tail(r.dirs[other], "", "--idle-exit", "1ms")
	p.Exits(exit.Gone)
	p.Says("the history before position")
	var got, want []string
	for _, record := range k.records() {
		got = append(got, string(record.Headers[0].Value))
	}
	for _, record := range r.logs[master].Records() {
		want = append(want, fmt.Sprintf("db0/%d:%d", record.Segment, record.Offset))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d records, want %d: %v", len(got), len(want), got)
	}
}

// TestRealKafkaUnbegun ends before there is an event: the next run, whatever it is told, begins where that one did.
func TestRealKafkaUnbegun(t *testing.T) {
	t.Parallel()
	k := newKafkaTopic(t)
	r := newReplicas(t, 1)
	r.put(0, 10, "x")
	args := k.args(r.dirs[0], "", "--idle-exit", "1ms")
	args = slices.DeleteFunc(args, func(arg string) bool { return arg == "--from" || arg == "start" })
	clitest.Start(t, nil, args...).Exits(0)
	r.put(0, 10, "x")
	p := clitest.Start(t, nil, args...)
	p.Exits(0)
	if n := len(k.records()); n != 10 {
		t.Errorf("%d records, want the 10 that were written after the first end:\n%s", n, &p.Messages)
	}
}

// TestRealKafkaStandby has one run wait for another. In the end each record is there once.
func TestRealKafkaStandby(t *testing.T) {
	const again = "another pikabin writes for this source now"
	for name, c := range map[string]struct {
		writer []string
		end    func(k *kafkaTopic, first *clitest.Program, taken func())
	}{
		"killed": {nil, func(_ *kafkaTopic, first *clitest.Program, taken func()) {
			first.Kill()
			taken()
		}},
		"told to end": {nil, func(_ *kafkaTopic, first *clitest.Program, taken func()) {
			first.Signal(syscall.SIGTERM)
			first.Exits(0)
			taken()
		}},
		"stopped for too long": {nil, func(_ *kafkaTopic, first *clitest.Program, taken func()) {
			first.Signal(syscall.SIGSTOP)
			taken()
			first.Signal(syscall.SIGCONT)
			first.Exits(exit.Sink)
			first.Says(again)
		}},
		"stopped for too long, and nothing comes": {[]string{"--count", "500"}, func(_ *kafkaTopic, first *clitest.Program, taken func()) {
			first.Signal(syscall.SIGSTOP)
			taken()
			first.Signal(syscall.SIGCONT)
			first.Exits(exit.Sink)
			first.Says(again)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKafkaTopic(t)
			log, journal, w := written(t, c.writer...)
			first := k.tail(log, "&standby")
			k.begins(first)
			second := k.tail(log, "&standby", "--listen", "127.0.0.1:0", "--idle-exit", lull)
			second.Says("standing by until no other run writes")
			checkStandsBy(t, second, "standing by\n", "pikabin_standby 1")
			began := time.Now()
			c.end(k, first, func() {
				second.Says("db0: from")
				t.Logf("the second one took over after %v", time.Since(began).Round(time.Second/10))
				checkStandsBy(t, second, "ok\n", "pikabin_standby 0") // at once: where nothing comes it ends
			})
			if c.writer == nil {
				k.grows(second)
				w.Quit()
			}
			second.Exits(0)
			k.compare(log, journal)
		})
	}
}

// checkStandsBy asks a run how it is.
func checkStandsBy(t *testing.T, p *clitest.Program, health, metric string) {
	t.Helper()
	for page, want := range map[string]string{"healthz": health, "metrics": "\n" + metric + "\n"} {
		code, text := get(t, pageOf(t, p, page))
		if code != http.StatusOK || !strings.Contains(text, want) {
			t.Errorf("/%s: %d, want %q in:\n%s", page, code, want, text)
		}
	}
}

// TestRealKafkaStandbyEnds tells runs to end that stand by.
func TestRealKafkaStandbyEnds(t *testing.T) {
	t.Parallel()
	k := newKafkaTopic(t)
	log, journal, w := written(t)
	first := k.tail(log, "&standby", "--idle-exit", lull)
	k.grows(first)
	tail := k.tail(log, "&standby")
	args := k.args(log, "&standby")
	convert := clitest.Start(t, nil, append([]string{"convert"}, args[1:]...)...)
	for p, code := range map[*clitest.Program]int{tail: 0, convert: exit.Interrupted} {
		p.Says("standing by until no other run writes")
		p.Signal(syscall.SIGTERM)
		p.Exits(code)
		p.Says("standing by for source \"" + k.name + "\": told to end")
	}
	w.Quit()
	first.Exits(0)
	k.compare(log, journal)
}

// TestRealKafkaTransactionTimedOut stops a run for longer than its transaction may take. It sends again what was in it, without loss or
// repeat.
func TestRealKafkaTransactionTimedOut(t *testing.T) {
	t.Parallel()
	k := newKafkaTopic(t)
	log, journal, w := written(t)
	state := func() string {
		described, err := k.admin.DescribeTransactions(t.Context(), "pikabin-"+k.name)
		if err = errors.Join(err, described["pikabin-"+k.name].Err); err != nil {
			t.Fatal(err)
		}
		return described["pikabin-"+k.name].State
	}
	p := k.tail(log, "&transaction-timeout=3s&commit-interval=2s")
	for k.grows(p); state() != "CompleteAbort"; p.Signal(syscall.SIGCONT) {
		p.Until("a transaction", func() bool { return state() == "Ongoing" })
		p.Signal(syscall.SIGSTOP)
		p.Until("its end", func() bool { return strings.HasPrefix(state(), "Complete") }) // it may just be committed
	}
	p.Says("kafka: sending again what was not acknowledged")
	k.grows(p)
	p.Signal(syscall.SIGTERM)
	p.Exits(0)
	p = k.tail(log, "", "--idle-exit", lull)
	k.grows(p)
	w.Quit()
	p.Exits(0)
	k.compare(log, journal)
}
