//go:build kafka && unix

package torture

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/cli/clitest"
)

var tortureKafka = flag.Int("torture.kafka", 2, "how often pikabin and brokers are killed in TestRealKafkaTorture")

// breaker kills the brokers that scripts/kafka.sh has started, and starts them again.
type breaker struct {
	tb       testing.TB
	random   *rand.Rand
	nodes    int
	admin    *kadm.Client
	deadline time.Time
	acts     strings.Builder // what was done, and when

	rounds []*kafkaRound
	busy   sync.WaitGroup // rounds that are not over
	whole  chan struct{}  // closed when all brokers are there and stay

	kills           atomic.Int64
	failed          atomic.Bool
	pairs, stopped  int // two brokers of three dead at once; SIGSTOP
	leaders, streak int // kills of leaders, and how often several one after the other
}

func newBreaker(tb testing.TB, brokers string) *breaker {
	tb.Helper()
	addresses := strings.Split(brokers, ",")
	client, err := kgo.NewClient(kgo.SeedBrokers(addresses...))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	return &breaker{
		tb: tb, random: rand.New(rand.NewPCG(*tortureSeed, 17)), nodes: len(addresses), admin: kadm.NewClient(client),
		deadline: time.Now().Add(*tortureTime), whole: make(chan struct{}),
	}
}

func (b *breaker) String() string {
	return fmt.Sprintf("%d kills of brokers, %d of them leaders, %d times several leaders in a row, %d times two of three at once, %d times one stopped for a while",
		b.kills.Load(), b.leaders, b.streak, b.pairs, b.stopped)
}

// over tells a round that it has seen enough.
func (b *breaker) over(kills int) bool {
	enough := kills >= *tortureKafka && int(b.kills.Load()) >= *tortureKafka
	return enough || b.failed.Load() || time.Now().After(b.deadline)
}

// next waits until a broker is killed.
func (k *kafkaRound) next(p *clitest.Program) {
	b := k.breaker
	before := b.kills.Load()
	k.moves.Add(1)
	p.Until("the kill of a broker", func() bool { return b.kills.Load() > before || b.failed.Load() })
}

// run breaks until the rounds are over, and leaves all brokers running.
func (b *breaker) run() {
	defer close(b.whole)
	over := make(chan struct{})
	go func() {
		b.busy.Wait()
		close(over)
	}()
	for {
		select {
		case <-over:
			return
		case <-time.After(time.Duration(b.random.Int64N(int64(2 * time.Second)))):
		}
		if err := b.act(); err != nil {
			b.failed.Store(true)
			b.tb.Error(err)
			return
		}
		// One broker of one leaves nothing that could go on meanwhile.
		if b.nodes == 1 || b.random.IntN(2) == 0 {
			b.recover(over)
		}
	}
}

// recovery is how long the rounds are waited for at most.
const recovery = 30 * time.Second

// recover waits until every round has come on, so that on a slow machine, too, there is something to break.
func (b *breaker) recover(over <-chan struct{}) {
	var before []int64
	for _, k := range b.rounds {
		before = append(before, k.moves.Load())
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(recovery)
	for i := 0; i < len(b.rounds); {
		if b.rounds[i].over.Load() || b.rounds[i].moves.Load() != before[i] {
			i++
			continue
		}
		select {
		case <-tick.C:
		case <-over:
			return
		case <-timeout:
			return
		}
	}
}

// act breaks something and mends it.
func (b *breaker) act() error {
	switch n := b.random.IntN(10); {
	case n < 4:
		return b.bounce(b.node(), 4*time.Second)
	case n < 6:
		return b.bounce(b.leader(), 2*time.Second)
	case n == 6:
		b.streak++
		for range 2 + b.random.IntN(2) {
			if err := b.bounce(b.leader(), time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	case n == 7 && b.nodes > 2:
		return b.bouncePair()
	}
	return b.pause()
}

// node is any of them.
func (b *breaker) node() int { return 1 + b.random.IntN(b.nodes) }

// leader is that of a partition of any topic, among them those in which Kafka keeps transactions.
func (b *breaker) leader() int {
	ctx, cancel := context.WithTimeout(b.tb.Context(), 3*time.Second)
	defer cancel()
	topics, err := b.admin.ListTopicsWithInternal(ctx)
	var leaders []int
	for _, topic := range topics {
		for _, p := range topic.Partitions {
			if p.Leader > 0 {
				leaders = append(leaders, int(p.Leader))
			}
		}
	}
	if err != nil || len(leaders) == 0 {
		return b.node()
	}
	b.leaders++
	return leaders[b.random.IntN(len(leaders))]
}

// bounce kills a broker, and starts it again within some time.
func (b *breaker) bounce(node int, most time.Duration) error {
	if err := b.kill(node); err != nil {
		return err
	}
	b.let(0, most)
	return b.script("start", node)
}

// bouncePair leaves one broker of three, so that nothing can be written for a while.
func (b *breaker) bouncePair() error {
	b.pairs++
	first := b.node()
	second := first%b.nodes + 1
	for _, node := range []int{first, second} {
		if err := b.kill(node); err != nil {
			return err
		}
		b.let(0, time.Second)
	}
	b.let(0, 8*time.Second)
	if err := b.script("start", second); err != nil {
		return err
	}
	return b.script("start", first)
}

// pause stops a broker for so long that the others take it for dead, or not.
func (b *breaker) pause() error {
	b.stopped++
	node := b.node()
	if err := b.script("signal", node, "STOP"); err != nil {
		return err
	}
	b.let(500*time.Millisecond, 10*time.Second)
	return b.script("signal", node, "CONT")
}

func (b *breaker) kill(node int) error {
	err := b.script("kill", node)
	b.kills.Add(1)
	return err
}

// let lets some time pass.
func (b *breaker) let(least, most time.Duration) {
	<-time.After(least + time.Duration(b.random.Int64N(int64(most))))
}

func (b *breaker) script(verb string, node int, more ...string) error {
	args := append([]string{verb, strconv.Itoa(node)}, more...)
	began := time.Now()
	out, err := exec.CommandContext(b.tb.Context(), kafkaScript(b.tb), args...).CombinedOutput()
	fmt.Fprintf(&b.acts, "%s %s: %v\n", began.Format(time.TimeOnly), strings.Join(args, " "), time.Since(began).Round(time.Millisecond))
	if err != nil {
		return fmt.Errorf("scripts/kafka.sh %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}
