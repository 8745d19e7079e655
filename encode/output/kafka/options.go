package kafka

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"pikabin/encode/output/kafka/positions"
)

// options are what a kafka:// output says, and the environment where it does not.
type options struct {
	brokers []string
	topic   string // template

	clientID     string
	compression  string
	linger       time.Duration
	buffer       int64
	startTimeout time.Duration // for the brokers to answer at the start
	closeTimeout time.Duration // for what is under way when the run is told to end

	single         bool // one partition takes everything
	allowRepartion bool // the number of partitions may change

	create      bool
	partitions  int64 // -1: the broker's default
	replication int64
	config      map[string]string

	tombstones   bool
	key          string // the form of records' keys
	unknownToAll bool   // commands that pikabin does not know go to every partition
	sourceGiven  bool   // and is told in a header

	batchBytes int64  // 0: what the topic takes
	timestamp  string // of records
	refusedTo  string // a topic for events that the brokers refuse, "" to end the run at them

	onOversize oversizePolicy
	oversizeTo string // a topic, a file or a folder

	exactlyOnce        bool
	standby            bool   // wait until no other run writes for the source
	source             string // whose positions they are, in the topic of positions and in the transactional id
	positionsTopic     string
	commitInterval     time.Duration
	transactionTimeout time.Duration // after which the brokers end a transaction that was left open

	security security
}

const (
	scheme = "kafka://"

	// envPrefix begins the name of an environment variable that stands for an option.
	envPrefix = "PIKABIN_KAFKA_"
)

// parse reads kafka://HOST:PORT[,HOST:PORT]/TOPIC[?OPTION=VALUE[&...]], and settings, which are options, too, and go before
// these. Its errors never show the whole of target, in which somebody may have put a password.
func parse(target string, settings map[string]string) (*options, error) {
	place, rest, _ := strings.Cut(strings.TrimPrefix(target, scheme), "?")
	hosts, topic, _ := strings.Cut(place, "/")
	if strings.Contains(place, "@") {
		return nil, fmt.Errorf("output %s: a name or a password does not belong into the address: set the option user, and %sPASSWORD in the environment",
			scheme, envPrefix)
	}
	given, err := url.ParseQuery(rest)
	if err != nil {
		return nil, fmt.Errorf("output %s: the options after the question mark cannot be read", scheme)
	}
	for name, value := range settings {
		given.Set(name, value)
	}
	o := &options{topic: topic}
	if o.brokers, err = parseBrokers(hosts); err == nil {
		err = checkTopicName(topic)
	}
	if err != nil {
		return nil, fmt.Errorf("output %s: %w", scheme, err)
	}
	v := &values{given: given}
	o.read(v)
	if err = v.finish(); err == nil {
		err = o.check()
	}
	if err != nil {
		return nil, fmt.Errorf("output %s%s: %w", scheme, place, err)
	}
	return o, nil
}

// read takes the options from their places.
func (o *options) read(v *values) {
	o.clientID = v.text("client-id", "pikabin")
	o.compression = v.choice("compression", "zstd", "lz4", "snappy", "gzip", "none")
	o.linger = v.duration("linger", 5*time.Millisecond)
	o.buffer = v.number("buffer", 64<<20)
	o.startTimeout = v.duration("start-timeout", 30*time.Second)
	o.closeTimeout = v.duration("close-timeout", 10*time.Second)
	o.single = v.flag("single-partition")
	o.allowRepartion = v.choice("on-repartition", "fail", "allow") == "allow"
	o.create = v.flag("create-topics")
	o.partitions = v.number("partitions", -1)
	o.replication = v.number("replication", -1)
	o.config = v.settings("topic-config")
	o.tombstones = v.flag("tombstones")
	o.batchBytes = v.number("batch-bytes", 0)
	o.timestamp = v.choice("timestamp", timeOfEvent, timeOfNow, timeClamped)
	o.refusedTo = parseRefused(v)
	o.onOversize, o.oversizeTo = parseOversize(v)
	o.exactlyOnce = v.flag("exactly-once")
	o.standby = v.flag("standby")
	o.source = v.text("source", o.topic)
	o.sourceGiven = v.text("source", "") != ""
	o.key = v.choice("key", keyRaw, keyDB, keyJSON)
	o.unknownToAll = v.flag("unknown-to-all")
	o.positionsTopic = v.text("positions-topic", "pikabin-positions")
	o.commitInterval = v.duration("commit-interval", 500*time.Millisecond)
	o.transactionTimeout = v.duration("transaction-timeout", time.Minute)
	o.security.read(v)
}

// check looks at what single values cannot tell.
func (o *options) check() error {
	switch {
	case o.buffer < 1:
		return errors.New("option buffer: expected a number of bytes")
	case o.partitions == 0 || o.partitions < -1 || o.replication == 0 || o.replication < -1 || o.replication > 1<<15-1:
		return errors.New("options partitions and replication: expected numbers from 1 on")
	case strings.Contains(o.source, positions.Separator):
		return errors.New("option source: a slash follows it in the topic of positions, so it has none")
	case o.standby && !o.exactlyOnce:
		return errors.New("option standby goes with exactly-once")
	case o.commitInterval <= 0 || o.transactionTimeout < o.commitInterval:
		return errors.New("options commit-interval and transaction-timeout: the second is the longer one")
	}
	return o.security.check()
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

// values hands out options by their names, those of the URL before those of the environment, and remembers what was wrong.
type values struct {
	given   url.Values
	known   []string
	secrets []string
	errs    []error
}

// lookup finds the value of an option, "" if it has none.
func (v *values) lookup(name string) string {
	v.known = append(v.known, name)
	if list := v.given[name]; len(list) > 0 {
		return list[len(list)-1]
	}
	return os.Getenv(envName(name))
}

// envName is the variable that stands for an option.
func envName(name string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

// secret finds a value that is taken from the environment only.
func (v *values) secret(name string) string {
	v.secrets = append(v.secrets, name)
	return os.Getenv(envName(name))
}

func (v *values) fail(name, expected string) {
	v.errs = append(v.errs, fmt.Errorf("option %s: expected %s", name, expected))
}

func (v *values) text(name, otherwise string) string {
	if value := v.lookup(name); value != "" {
		return value
	}
	return otherwise
}

// choice takes one of the values, the first one by default.
func (v *values) choice(name string, values ...string) string {
	value := v.text(name, values[0])
	if !slices.Contains(values, value) {
		v.fail(name, strings.Join(values, ", "))
	}
	return value
}

// flag is true where the option stands without a value, too.
func (v *values) flag(name string) bool {
	value := v.lookup(name)
	if value == "" {
		return v.given.Has(name)
	}
	on, err := strconv.ParseBool(value)
	if err != nil {
		v.fail(name, "true or false")
	}
	return on
}

func (v *values) number(name string, otherwise int64) int64 {
	value := v.lookup(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		v.fail(name, "a number")
	}
	return n
}

func (v *values) duration(name string, otherwise time.Duration) time.Duration {
	value := v.lookup(name)
	if value == "" {
		return otherwise
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		v.fail(name, "a duration, such as 500ms or 30s")
	}
	return d
}

// settings takes KEY=VALUE[,KEY=VALUE]. Only a comma in front of another KEY= parts them, since values may hold commas.
func (v *values) settings(name string) map[string]string {
	value := v.lookup(name)
	if value == "" {
		return nil
	}
	settings, last := map[string]string{}, ""
	for part := range strings.SplitSeq(value, ",") {
		key, setting, ok := strings.Cut(part, "=")
		switch {
		case ok:
			settings[key], last = setting, key
		case last == "":
			v.fail(name, "KEY=VALUE[,KEY=VALUE]")
		default:
			settings[last] += "," + part
		}
	}
	return settings
}

// finish says what was wrong, options included that nobody asked for. Their values are not shown.
func (v *values) finish() error {
	for _, name := range slices.Sorted(maps.Keys(v.given)) {
		switch {
		case slices.Contains(v.known, name):
		case name == "password" || name == "token":
			v.errs = append(v.errs, fmt.Errorf("a %s does not belong into the address: set %s in the environment, or the option %s-file",
				name, envName(name), name))
		default:
			slices.Sort(v.known)
			v.errs = append(v.errs, fmt.Errorf("there is no option %q, only %s", name, strings.Join(v.known, ", ")))
		}
	}
	return errors.Join(v.errs...)
}
