//go:build kafka && unix

package torture

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"pikabin/encode/cli/exit"
)

// node does something to one of the brokers.
func node(t *testing.T, act string, n int) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), kafkaScript(t), act, strconv.Itoa(n)).CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestRealKafkaTooFewReplicas kills one of the two brokers that have a topic which wants two. It is before those that run beside
// one another.
func TestRealKafkaTooFewReplicas(t *testing.T) {
	k := newKafkaTopic(t)
	if !strings.Contains(k.brokers, ",") {
		t.Skip("there is one broker only")
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = k.name, -1, -1
	topic.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: []int32{1, 2}}}
	req.Topics = append(req.Topics, topic)
	response, err := req.RequestWith(t.Context(), k.client)
	if err = errors.Join(err, kerr.ErrorForCode(response.Topics[0].ErrorCode)); err != nil {
		t.Fatal(err)
	}
	log, journal, w := written(t)
	p := k.tail(log, "", "--idle-exit", lull)
	k.grows(p)
	node(t, "kill", 2)
	whole := false
	defer func() {
		if !whole {
			node(t, "start", 2)
		}
	}()
	p.Says("trying on: NOT_ENOUGH_REPLICAS")
	node(t, "start", 2)
	whole = true
	p.Says("continues after")
	w.Quit()
	p.Exits(0)
	k.compare(log, journal)
}

// TestRealKafkaQuota is slowed down by the brokers, says so, and delivers all.
func TestRealKafkaQuota(t *testing.T) {
	t.Parallel()
	k := newKafkaTopic(t)
	entity := kadm.ClientQuotaEntity{{Type: "client-id", Name: &k.name}}
	quota := kadm.AlterClientQuotaOp{Key: "producer_byte_rate", Value: 10_000}
	if _, err := k.admin.AlterClientQuotas(t.Context(), []kadm.AlterClientQuotaEntry{{Entity: entity, Ops: []kadm.AlterClientQuotaOp{quota}}}); err != nil {
		t.Fatal(err)
	}
	log, journal, w := written(t, "--rate", "0", "--count", "200", "--value-size", "1000")
	w.Wait()
	p := k.tail(log, "&compression=none&client-id="+k.name, "--idle-exit", "100ms")
	p.Says("trying on: a quota of the broker stops us for")
	p.Exits(0)
	k.compare(log, journal)
}

// withPassword is a user of this test alone, and the file that the program takes the password from.
func (k *kafkaTopic) withPassword() (options, file string) {
	k.tb.Helper()
	user := kadm.UpsertSCRAM{User: k.name, Mechanism: kadm.ScramSha512, Iterations: 4096, Password: "let-me-in"}
	altered, err := k.admin.AlterUserSCRAMs(k.tb.Context(), nil, []kadm.UpsertSCRAM{user})
	if err = errors.Join(err, altered.Error()); err != nil {
		k.tb.Fatal(err)
	}
	file = filepath.Join(k.tb.TempDir(), "password")
	k.write(file, "let-me-in")
	return k.login("&sasl=scram-sha-512&user=" + k.name + "&password-file=" + file), file
}

// login has runs use the listener that wants a login.
func (k *kafkaTopic) login(options string) string {
	k.runs = os.Getenv("PIKABIN_TEST_KAFKA_LOGIN")
	return "&tls-ca=" + os.Getenv("PIKABIN_TEST_KAFKA_CERTS") + "/ca.pem" + options
}

// write replaces a file at once.
func (k *kafkaTopic) write(path, text string) {
	k.tb.Helper()
	if err := errors.Join(os.WriteFile(path+".new", []byte(text), 0o600), os.Rename(path+".new", path)); err != nil {
		k.tb.Fatal(err)
	}
}

// TestRealKafkaLoginRefused has brokers refuse a login that they have taken before, when they ask for it again. The next run continues.
func TestRealKafkaLoginRefused(t *testing.T) {
	for name, refuse := range map[string]func(k *kafkaTopic, file string){
		"another password in the file": func(k *kafkaTopic, file string) { k.write(file, "let-them-in") },
		"the user is gone": func(k *kafkaTopic, _ string) {
			if _, err := k.admin.AlterUserSCRAMs(t.Context(), []kadm.DeleteSCRAM{{User: k.name, Mechanism: kadm.ScramSha512}}, nil); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKafkaTopic(t)
			options, file := k.withPassword()
			log, journal, w := written(t)
			p := k.tail(log, options)
			k.grows(p)
			refuse(k, file)
			p.Exits(exit.Sink)
			p.Says("the brokers refuse the login")
			if p.Messages.Count("let-") > 0 {
				t.Errorf("a password is shown:\n%s", &p.Messages)
			}
			options, _ = k.withPassword()
			p = k.tail(log, options, "--idle-exit", lull)
			k.grows(p)
			w.Quit()
			p.Exits(0)
			k.compare(log, journal)
		})
	}
}

// unsignedToken is one that brokers take that check no signature.
func unsignedToken(expires time.Time) string {
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return encode(`{"alg":"none"}`) + "." + encode(fmt.Sprintf(`{"sub":"writer","iat":%d,"exp":%d}`, time.Now().Unix(), expires.Unix())) + "."
}

// TestRealKafkaTokenChanges lives on with the token that is in the file when the first one has expired.
func TestRealKafkaTokenChanges(t *testing.T) {
	t.Parallel()
	k := newKafkaTopic(t)
	file := filepath.Join(t.TempDir(), "token")
	expires := time.Now().Add(12 * time.Second)
	k.write(file, unsignedToken(expires))
	log, journal, w := written(t)
	p := k.tail(log, k.login("&sasl=oauthbearer&token-file="+file), "--idle-exit", lull)
	k.grows(p)
	k.write(file, unsignedToken(time.Now().Add(time.Hour)))
	for time.Now().Before(expires.Add(time.Second)) {
		k.grows(p)
	}
	k.grows(p)
	w.Quit()
	p.Exits(0)
	k.compare(log, journal)
	if p.Messages.Count("trying on") > 0 {
		t.Errorf("it was disturbed:\n%s", &p.Messages)
	}
}

// TestRealKafkaRepartition gives the topic more partitions in the middle of a run.
func TestRealKafkaRepartition(t *testing.T) {
	for name, options := range map[string]string{"fail": "", "allow": "&on-repartition=allow"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := newKafkaTopic(t)
			log, _, w := written(t)
			p := k.tail(log, options, "--idle-exit", lull)
			k.grows(p)
			if _, err := k.admin.UpdatePartitions(t.Context(), 3, k.name); err != nil {
				t.Fatal(err)
			}
			p.Says("had 1 partitions and has 3 now")
			if name == "fail" {
				p.Exits(exit.Sink)
				w.Quit()
				return
			}
			w.Quit()
			p.Exits(0)
		})
	}
}
