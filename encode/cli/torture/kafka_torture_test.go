//go:build kafka && unix

package torture

import (
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"pikabin/decode/binlogtest"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/cli/exit"
)

// kafkaScript is the script that starts and ends the brokers.
func kafkaScript(tb testing.TB) string {
	tb.Helper()
	return binlogtest.Testdata(tb, "..", "scripts", "kafka.sh")
}

// realKafka is what scripts/kafka.sh has started.
func realKafka(t *testing.T) string {
	t.Helper()
	brokers := os.Getenv("PIKABIN_TEST_KAFKA")
	if brokers == "" {
		t.Fatal("PIKABIN_TEST_KAFKA is empty: run scripts/kafka.sh test, or scripts/kafka-torture.sh")
	}
	return brokers
}

// torturePartitions is how many each topic of the torture has.
const torturePartitions = 5

// kafkaScenario is a pikabin that follows a log of its own into topics of its own.
type kafkaScenario struct {
	name    string
	topic   string // template, after a prefix
	options string
	once    bool // with --exactly-once
}

func kafkaScenarios() []kafkaScenario {
	return []kafkaScenario{
		{name: "at-least-once", topic: "events"},
		{name: "exactly-once", topic: "events", once: true},
		{name: "exactly-once-by-db", topic: "{db}", options: "&compression=lz4&commit-interval=50ms", once: true},
	}
}

// TestRealKafkaTorture kills pikabin and the brokers again and again, and compares what a consumer reads in the end with what was
// committed: with exactly-once each position once and in order, and without it none missing, and in order where repeats are passed over.
func TestRealKafkaTorture(t *testing.T) {
	brokers := realKafka(t)
	only := regexp.MustCompile(*tortureOnly)
	b := newBreaker(t, brokers)
	var wg sync.WaitGroup
	for _, s := range kafkaScenarios() {
		if only.MatchString(s.name) {
			b.rounds = append(b.rounds, &kafkaRound{kafkaScenario: s, brokers: brokers, breaker: b})
		}
	}
	b.busy.Add(len(b.rounds))
	for _, k := range b.rounds {
		// Beside one another, whatever -parallel says: a round ends when the brokers have been killed often enough, and they are
		// killed until all rounds have ended.
		wg.Go(func() { t.Run(k.name, k.torture) })
	}
	b.run()
	wg.Wait()
	t.Logf("brokers: %v", b)
	if t.Failed() {
		t.Logf("what was done to them:\n%s", &b.acts)
	}
}

// kafkaRound is a log that is followed into Kafka through many kills, until all of it is compared.
type kafkaRound struct {
	*round
	kafkaScenario
	brokers string
	prefix  string
	breaker *breaker

	forgotten int

	moves atomic.Int64 // acts that have ended, and those that wait for the next kill of a broker
	over  atomic.Bool
}

// torture is the test of a scenario.
func (k *kafkaRound) torture(t *testing.T) {
	atEnd := sync.OnceFunc(func() {
		k.over.Store(true)
		k.breaker.busy.Done()
	})
	t.Cleanup(atEnd)
	k.prefix = fmt.Sprintf("torture-%08x.", rand.Uint32())
	k.round = newRound(t, scenario{
		name: k.name, output: k.target(), ends: endsInTrouble,
		writer: []string{"--duration", "24h", "--keys", "300", "--value-size", "10..1000", "--rate", "1000"},
	}, roundDir(t), *tortureSeed)
	for !k.breaker.over(k.kills) && !t.Failed() {
		k.act()
		k.moves.Add(1)
	}
	atEnd()
	<-k.breaker.whole
	k.writer.Quit()
	k.run(func(*clitest.Program) {}, k.last()...)
	k.compare(t)
}

// target is the output. Brokers are gone for longer than a run waits for them at its start unless it is told to.
func (k *kafkaRound) target() string {
	target := fmt.Sprintf("kafka://%s/%s%s?create-topics&partitions=%d&start-timeout=%v%s", k.brokers, k.prefix, k.topic, torturePartitions, clitest.Patience, k.options)
	if k.once {
		target += "&exactly-once&positions-topic=" + k.prefix + "positions"
	}
	return target
}

// endsInTrouble excuses a run that was told to end while the brokers took nothing.
func endsInTrouble(p *clitest.Program, code int) bool {
	return code == exit.Sink && p.Messages.Count("(close-timeout)") > 0
}

// kafkaMoments are where a run is killed. Those that wait for something wait for as long as the brokers are in the way.
var kafkaMoments = []func(k *kafkaRound, p *clitest.Program){
	func(k *kafkaRound, p *clitest.Program) { p.After(k.random, 300*time.Millisecond) },
	func(k *kafkaRound, p *clitest.Program) { p.After(k.random, 3*time.Second) },
	func(_ *kafkaRound, p *clitest.Program) { p.Says(": from ") },
	func(k *kafkaRound, p *clitest.Program) { k.saved(p) },
	func(k *kafkaRound, p *clitest.Program) { k.saved(p); p.After(k.random, 3*time.Second) },
	func(k *kafkaRound, p *clitest.Program) { k.saved(p); k.next(p) },
	func(k *kafkaRound, p *clitest.Program) { k.next(p); k.saved(p) },
}

func (k *kafkaRound) moment(p *clitest.Program) {
	kafkaMoments[k.random.IntN(len(kafkaMoments))](k, p)
	p.After(k.random, 20*time.Millisecond)
}

// act is one run, with a FLUSHDB before it now and then.
func (k *kafkaRound) act() {
	k.Helper()
	if k.random.IntN(2) == 0 {
		k.writer.Do("use %d", k.random.IntN(3))
		k.writer.Do("flush")
	}
	if k.once && k.random.IntN(3) == 0 {
		k.forget()
	}
	if k.random.IntN(8) == 0 {
		k.run(k.stopped)
		return
	}
	k.run(func(p *clitest.Program) {
		k.moment(p)
		k.kill(p)
	})
}

// forget removes the state: with exactly-once it is a cache, and Kafka knows.
func (k *kafkaRound) forget() {
	k.forgotten++
	for _, name := range []string{k.state(), k.state() + ".prev"} {
		if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
			k.Fatal(err)
		}
	}
}

// stopped is SIGTERM. What the brokers do not take in time comes again.
func (k *kafkaRound) stopped(p *clitest.Program) {
	if !p.Says(": from ") {
		return
	}
	k.moment(p)
	p.Signal(syscall.SIGTERM)
	p.Wait()
	k.stops++
}

// compare reads all that has come to the topics, and tells what it finds.
func (k *kafkaRound) compare(t *testing.T) {
	t.Helper()
	h := readHistory(t, k.journal(), k.log())
	a := newKafkaAccount(h, torturePartitions, k.once)
	topics := []string{k.prefix + k.topic}
	if strings.Contains(k.topic, "{db}") {
		topics = nil
		for db := range h {
			topics = append(topics, k.prefix+strings.ReplaceAll(k.topic, "{db}", db))
		}
	}
	for _, topic := range topics {
		if err := chosenConsumer()(t, k.brokers, topic, a.take); err != nil {
			t.Errorf("%s: %v", topic, err)
		}
	}
	a.finish()
	t.Logf("%s: %d runs, %d kills of pikabin, %d stops, %d times without a state; %d kills of brokers; %v",
		k.name, k.runs, k.kills, k.stops, k.forgotten, k.breaker.kills.Load(), a)
	for _, wrong := range a.wrong {
		t.Error(wrong)
	}
}
