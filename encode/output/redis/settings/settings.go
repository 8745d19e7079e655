// Package settings reads what a redis:// output says, and the environment where it does not.
package settings

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"pikabin/encode/output/options"
)

// Options are what a redis:// output says, and the environment where it does not.
type Options struct {
	Addresses []string // host and port of the server, or of nodes of one Redis Cluster
	User      string
	TLS       bool
	options.Certificates

	DB     int            // where db0 goes, and where positions are kept
	DBs    map[string]int // where others go, by their names
	OwnDBs bool           // those that DBs does not name have no place

	Server string // Auto, Redis or Pika

	ExactlyOnce bool
	Source      string // whose positions they are
	Positions   string // the key that holds them

	OnRefused RefusedPolicy
	RefusedTo string // a file

	Replicas int // of a master of a cluster that have to have what it has confirmed

	Hold bool // deadlines are not put into effect

	Rate          int64         // events in a second; 0: no limit
	StartTimeout  time.Duration // for the server to answer at the start
	AnswerTimeout time.Duration // for it to answer something later on
	CloseTimeout  time.Duration // for what is under way when the run is told to end

	password     string
	passwordFile string
}

// The values of the option target.
const (
	Auto  = "auto"
	Redis = "redis"
	Pika  = "pika"
)

// RefusedPolicy says what becomes of a command that the server refuses.
type RefusedPolicy int

// The policies of the option on-refused.
const (
	RefusedFails RefusedPolicy = iota
	RefusedIsSkipped
	RefusedToFile
)

const (
	// Scheme begins the target of the output.
	Scheme = "redis://"

	// Form is the whole of it.
	Form = "redis://[USER@]HOST:PORT[,HOST:PORT][/DB]"

	schemeTLS   = "rediss://"
	envPrefix   = "PIKABIN_REDIS_"
	defaultPort = "6379"
)

// IsTarget tells whether a value of --output is one of these.
func IsTarget(target string) bool {
	return strings.HasPrefix(target, Scheme) || strings.HasPrefix(target, schemeTLS)
}

// Variables are the names of the environment variables that stand for options.
func Variables() []string { return read(&Options{}, nil).Variables() }

// Parse reads Form[?OPTION=VALUE[&...]], and settings, which are options, too, and go before these. Its errors never
// show the whole of target, in which somebody may have put a password.
func Parse(target string, settings map[string]string) (*Options, error) {
	one, others := split(target)
	u, err := url.Parse(one)
	if err != nil {
		return nil, fmt.Errorf("output %s: expected %s", Scheme, Form)
	}
	given, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, fmt.Errorf("output %s: the options after the question mark cannot be read", Scheme)
	}
	for name, value := range settings {
		given.Set(name, value)
	}
	o := &Options{TLS: strings.HasPrefix(target, schemeTLS)}
	v := read(o, given)
	if err := errors.Join(o.place(u, others), v.Finish(), o.check()); err != nil {
		return nil, fmt.Errorf("output %s%s: %w", Scheme, u.Host, err)
	}
	return o, nil
}

// split takes all hosts but the first out of a target, since a URL has one.
func split(target string) (one string, others []string) {
	scheme, rest, _ := strings.Cut(target, "://")
	end := strings.IndexAny(rest+"/", "/?#")
	begin := strings.LastIndexByte(rest[:end], '@') + 1
	hosts := strings.Split(rest[begin:end], ",")
	return scheme + "://" + rest[:begin] + hosts[0] + rest[end:], hosts[1:]
}

// read takes the options from their places.
func read(o *Options, given url.Values) *options.Values {
	v := &options.Values{Prefix: envPrefix, Given: given}
	o.User, o.passwordFile, o.password = v.Text("user", ""), v.Text("password-file", ""), v.Secret("password")
	o.Certificates = options.ReadCertificates(v, "")
	o.Server = v.Choice("target", Auto, Redis, Pika)
	o.ExactlyOnce = v.Flag("exactly-once")
	o.Source = v.Text("source", "pikabin")
	o.Positions = v.Text("positions-key", "pikabin:positions:"+o.Source)
	o.OnRefused, o.RefusedTo = parseRefused(v)
	o.Hold = v.Choice("deadlines", "auto", "hold") == "hold"
	o.Replicas = int(v.Number("replicas", 0))
	o.Rate = v.Number("rate", 0)
	o.StartTimeout = v.Duration("start-timeout", 30*time.Second)
	o.AnswerTimeout = v.Duration("answer-timeout", time.Minute)
	o.CloseTimeout = v.Duration("close-timeout", 10*time.Second)
	o.DBs = parseDBs(v)
	return v
}

// place takes what is before the question mark, and the hosts after the first one.
func (o *Options) place(u *url.URL, others []string) error {
	if _, secret := u.User.Password(); secret {
		return fmt.Errorf("a password does not belong into the address, where others can read it: set %s, or the option password-file", passwordVariable())
	}
	if name := u.User.Username(); name != "" {
		o.User = name
	}
	if err := o.addHost(u); err != nil {
		return err
	}
	for _, host := range others {
		u, err := url.Parse(Scheme + host)
		if err != nil {
			return fmt.Errorf("expected %s", Form)
		}
		if err := o.addHost(u); err != nil {
			return err
		}
	}
	return o.placeDB(u)
}

func (o *Options) addHost(u *url.URL) error {
	if u.Hostname() == "" || u.Opaque != "" {
		return fmt.Errorf("expected %s", Form)
	}
	o.Addresses = append(o.Addresses, net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), defaultPort)))
	return nil
}

func (o *Options) placeDB(u *url.URL) error {
	db := strings.TrimPrefix(u.Path, "/")
	if db == "" {
		return nil
	}
	n, err := strconv.ParseUint(db, 10, 31)
	if err != nil {
		return fmt.Errorf("%q is no number of a DB: expected %s", db, Form)
	}
	o.DB, o.OwnDBs = int(n), true
	return nil
}

func (o *Options) check() error {
	switch {
	case (o.Cert == "") != (o.Key == ""):
		return errors.New("options tls-cert and tls-key go together")
	case !o.TLS && o.Certificates != options.Certificates{}:
		return errors.New("options of TLS are for " + schemeTLS)
	case o.Rate < 0:
		return errors.New("option rate: expected a number of events in a second")
	case o.Replicas < 0:
		return errors.New("option replicas: expected a number of replicas")
	case o.AnswerTimeout <= 0:
		return errors.New("option answer-timeout: expected more than 0")
	case o.ExactlyOnce && o.Server == Pika:
		return ErrPikaOnce
	case o.ExactlyOnce && o.Several():
		return ErrClusterOnce
	case o.Server == Pika && o.Several():
		return errors.New("several hosts are nodes of one Redis Cluster, and option target says that the server is a Pika: name one")
	}
	return nil
}

// ErrPikaOnce is the option exactly-once for a Pika.
var ErrPikaOnce = errors.New("exactly-once needs transactions that are durable as a whole, which a Pika does not have: leave it out, and keep the place with --state")

// ErrClusterOnce is the option exactly-once for a Redis Cluster.
var ErrClusterOnce = errors.New("exactly-once needs transactions over all keys, and the server is a node of a Redis Cluster, whose transactions are of one node each: " +
	"leave it out, and keep the place with --state, at least once")

// parseRefused reads the option on-refused: a policy and, after a colon, the file.
func parseRefused(v *options.Values) (RefusedPolicy, string) {
	value := v.Text("on-refused", "fail")
	file, toFile := strings.CutPrefix(value, "dlq:")
	switch {
	case value == "skip":
		return RefusedIsSkipped, ""
	case toFile && file != "":
		return RefusedToFile, file
	case value != "fail":
		v.Fail("on-refused", "fail, skip or dlq:FILE")
	}
	return RefusedFails, ""
}

// parseDBs reads the option dbs: NAME=NUMBER[,NAME=NUMBER].
func parseDBs(v *options.Values) map[string]int {
	dbs := map[string]int{}
	for name, number := range v.Settings("dbs") {
		n, err := strconv.ParseUint(number, 10, 31)
		if err != nil {
			v.Fail("dbs", "NAME=NUMBER[,NAME=NUMBER], such as db0=3,db1=4")
		}
		dbs[name] = int(n)
	}
	return dbs
}

// NumberOf is where a DB of the log goes.
func (o *Options) NumberOf(db string) (int, error) {
	if n, ok := o.DBs[db]; ok {
		return n, nil
	}
	digits, ok := strings.CutPrefix(db, "db")
	n, err := strconv.ParseUint(digits, 10, 31)
	switch {
	case !ok || err != nil:
		return 0, fmt.Errorf("the log has a DB %q, which has no number: name its place with the option dbs, such as dbs=%s=1", db, db)
	case n == 0:
		return o.DB, nil
	case o.OwnDBs:
		return 0, fmt.Errorf("the address names the place of db0 alone: name that of %s with the option dbs, such as dbs=%s=%d, or read --db db0 only", db, db, o.DB+int(n))
	}
	return int(n), nil
}

// Several tells that nodes of a Redis Cluster are named.
func (o *Options) Several() bool { return len(o.Addresses) > 1 }

// Hosts are all that are named, for people.
func (o *Options) Hosts() string { return strings.Join(o.Addresses, ",") }

// Name is the name of what is written to, of which the first host is a part: a state stays valid when others are named besides.
func (o *Options) Name() string { return fmt.Sprintf("%s%s/%d", Scheme, o.Addresses[0], o.DB) }

// Password is the one of the environment, or of a file.
func (o *Options) Password() (string, error) {
	if o.password != "" || o.passwordFile == "" {
		return o.password, nil
	}
	text, err := os.ReadFile(o.passwordFile)
	if err != nil {
		return "", fmt.Errorf("reading the password of password-file: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func passwordVariable() string { return options.Variable(envPrefix, "password") }
