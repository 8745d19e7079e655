// Package settings reads what a kafka:// output says, and the environment where it does not.
package settings

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"pikabin/encode/output/kafka/positions"
	"pikabin/encode/output/options"
)

// Options are what a kafka:// output says, and the environment where it does not.
type Options struct {
	Brokers []string
	Topic   string // template

	ClientID     string
	Compression  string
	Linger       time.Duration
	Buffer       int64
	StartTimeout time.Duration // for the brokers to answer at the start
	CloseTimeout time.Duration // for what is under way when the run is told to end

	Single           bool // one partition takes everything
	AllowRepartition bool // the number of partitions may change

	Create      bool
	Partitions  int64 // -1: the broker's default
	Replication int64
	Config      map[string]string

	Tombstones   bool
	Key          string // the form of records' keys
	UnknownToAll bool   // commands that pikabin does not know go to every partition

	BatchBytes int64  // of a batch, unless an event is larger
	Timestamp  string // of records
	RefusedTo  string // a topic for events that the brokers refuse, "" to end the run at them

	OnOversize OversizePolicy
	OversizeTo string // a topic, a file or a folder

	ExactlyOnce        bool
	Standby            bool   // wait until no other run writes for the source
	Source             string // whose positions they are, in the topic of positions and in the transactional id
	PositionsTopic     string
	CommitInterval     time.Duration
	TransactionTimeout time.Duration // after which the brokers end a transaction that was left open

	Security Security
	Registry Registry
}

const (
	// Scheme begins the target of the output.
	Scheme = "kafka://"

	// envPrefix begins the name of an environment variable that sets an option.
	envPrefix = "PIKABIN_KAFKA_"
)

// Parse reads kafka://HOST:PORT[,HOST:PORT]/TOPIC[?OPTION=VALUE[&...]], and settings, which are options, too, and go before
// these. Its errors never show the whole of target, in which somebody may have put a password.
func Parse(target string, settings map[string]string) (*Options, error) {
	place, rest, _ := strings.Cut(strings.TrimPrefix(target, Scheme), "?")
	hosts, topic, _ := strings.Cut(place, "/")
	if strings.Contains(place, "@") {
		return nil, fmt.Errorf("output %s: a name or a password does not belong into the address: set the option user, and %sPASSWORD in the environment",
			Scheme, envPrefix)
	}
	given, err := url.ParseQuery(rest)
	if err != nil {
		return nil, fmt.Errorf("output %s: the options after the question mark cannot be read", Scheme)
	}
	for name, value := range settings {
		given.Set(name, value)
	}
	o := &Options{Topic: topic}
	if o.Brokers, err = parseBrokers(hosts); err == nil {
		err = checkTopicName(topic)
	}
	if err != nil {
		return nil, fmt.Errorf("output %s: %w", Scheme, err)
	}
	v := &options.Values{Prefix: envPrefix, Given: given}
	if path := v.Text("properties", ""); path != "" {
		v.File, err = readProperties(path)
	}
	if err == nil {
		o.read(v)
		err = v.Finish()
	}
	if err == nil {
		err = o.check()
	}
	if err != nil {
		return nil, fmt.Errorf("output %s%s: %w", Scheme, place, err)
	}
	return o, nil
}

// read takes the options from their places.
func (o *Options) read(v *options.Values) {
	o.ClientID = v.Text("client-id", "pikabin")
	o.Compression = v.Choice("compression", "zstd", "lz4", "snappy", "gzip", "none")
	o.Linger = v.Duration("linger", 5*time.Millisecond)
	o.Buffer = v.Size("buffer", 64<<20)
	o.StartTimeout = v.Duration("start-timeout", 30*time.Second)
	o.CloseTimeout = v.Duration("close-timeout", 10*time.Second)
	o.Single = v.Flag("single-partition")
	o.AllowRepartition = v.Choice("on-repartition", "fail", "allow") == "allow"
	o.Create = v.Flag("create-topics")
	o.Partitions = v.Number("partitions", -1)
	o.Replication = v.Number("replication", -1)
	o.Config = v.Settings("topic-config")
	o.Tombstones = v.Flag("tombstones")
	o.BatchBytes = v.Size("batch-bytes", 1<<20)
	o.Timestamp = v.Choice("timestamp", TimeOfEvent, TimeOfNow, TimeClamped)
	o.RefusedTo = parseRefused(v)
	o.OnOversize, o.OversizeTo = parseOversize(v)
	o.ExactlyOnce = v.Flag("exactly-once")
	o.Standby = v.Flag("standby")
	o.Source = v.Text("source", o.Topic)
	o.Key = v.Choice("key", KeyRaw, KeyDB, KeyJSON)
	o.UnknownToAll = v.Flag("unknown-to-all")
	o.PositionsTopic = v.Text("positions-topic", "pikabin-positions")
	o.CommitInterval = v.Duration("commit-interval", 500*time.Millisecond)
	o.TransactionTimeout = v.Duration("transaction-timeout", time.Minute)
	o.Security.read(v)
	o.Registry.read(v)
}

// check looks at what single values cannot tell.
func (o *Options) check() error {
	switch {
	case o.Partitions == 0 || o.Partitions < -1 || o.Replication == 0 || o.Replication < -1 || o.Replication > 1<<15-1:
		return errors.New("options partitions and replication: expected numbers from 1 on")
	case strings.Contains(o.Source, positions.Separator):
		return errors.New("option source: a slash follows it in the topic of positions, so it has none")
	case o.Standby && !o.ExactlyOnce:
		return errors.New("option standby goes with exactly-once")
	case o.CommitInterval <= 0 || o.TransactionTimeout < o.CommitInterval:
		return errors.New("options commit-interval and transaction-timeout: the second is the longer one")
	}
	return cmp.Or(o.checkRoles(), o.Security.check(), o.Registry.check(o))
}

// checkRoles refuses a topic for two things. That of positions is compacted: events and dead letters would be gone from it.
func (o *Options) checkRoles() error {
	oversizeTo := o.OversizeTo
	if o.OnOversize != OversizeToTopic {
		oversizeTo = ""
	}
	switch {
	case o.ExactlyOnce && slices.Contains([]string{o.Topic, o.RefusedTo, oversizeTo}, o.PositionsTopic):
		return fmt.Errorf("topic %s is that of the positions: name another one for events", o.PositionsTopic)
	case slices.Contains([]string{o.RefusedTo, oversizeTo}, o.Topic):
		return fmt.Errorf("options on-refused and on-oversize: topic %s is that of the events, which does not take these: name another one", o.Topic)
	}
	return nil
}

func parseBrokers(hosts string) ([]string, error) {
	brokers := strings.Split(hosts, ",")
	for i, broker := range brokers {
		host, port, err := net.SplitHostPort(broker)
		if _, errPort := strconv.ParseUint(port, 10, 16); err != nil || errPort != nil || host == "" {
			return nil, fmt.Errorf("number %d is not the address of a broker: expected HOST:PORT[,HOST:PORT]/TOPIC", i+1)
		}
	}
	return brokers, nil
}

// checkTopicName refuses what no broker takes, {db} and {type} aside.
func checkTopicName(topic string) error {
	plain := strings.NewReplacer("{db}", "db0", "{type}", "string").Replace(topic)
	odd := func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", r)
	}
	if strings.ContainsAny(topic, "&=") {
		return errors.New("a topic has no '&' nor '=': options come after a question mark")
	}
	if plain == "" || plain == "." || plain == ".." || len(plain) > 249 || strings.ContainsFunc(plain, odd) {
		return fmt.Errorf("%q is not the name of a topic: expected letters, digits, '.', '_' and '-', and {db} or {type} for those of the event", topic)
	}
	return nil
}
