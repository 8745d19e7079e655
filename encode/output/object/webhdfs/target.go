package webhdfs

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/user"
	"slices"
	"strings"

	"pikabin/encode/output/kerberos"
	"pikabin/encode/output/object/store"
)

// What a value of --output begins with.
const (
	Scheme       = "webhdfs://"
	SecureScheme = "swebhdfs://" // by HTTPS
)

// Target is a folder of HDFS, and how it is reached.
type Target struct {
	Namenodes []string // hosts with ports, of HTTP
	Secure    bool     // by HTTPS
	Prefix    string   // the folder, without the slash of the root: empty, or with a slash at its end
	User      string   // empty: the server's own anonymous one

	Login *kerberos.Login // nil: what is said of the user is believed
}

// Is tells whether an address is one of HDFS.
func Is(address string) bool {
	return strings.HasPrefix(address, Scheme) || strings.HasPrefix(address, SecureScheme) || strings.HasPrefix(address, "hdfs://")
}

// userVariable is the environment variable that Hadoop's own programs take the name of the user from.
const userVariable = "HADOOP_USER_NAME"

// Variables are the environment variables that are read.
func Variables() []string { return []string{userVariable} }

// Parse understands webhdfs://NAMENODE:9870[,NAMENODE2:9870]/PATH/?user=NAME. It opens nothing.
func Parse(address string) (*Target, error) {
	scheme, rest, _ := strings.Cut(address, "://")
	if scheme == "hdfs" {
		return nil, errors.New("HDFS is written through the HTTP address of its namenodes: webhdfs://NAMENODE:9870/PATH/, or swebhdfs://NAMENODE:9871/PATH/ with TLS")
	}
	end := strings.IndexAny(rest+"/", "/?#")
	t := &Target{Secure: scheme+"://" == SecureScheme}
	u, err := url.Parse("http://namenodes" + rest[end:])
	if err != nil {
		return nil, errors.New("this is no URL")
	}
	if err := t.takeNamenodes(rest[:end]); err != nil {
		return nil, err
	}
	t.Prefix = strings.TrimPrefix(u.Path, "/")
	if strings.Contains(t.Prefix, ":") {
		return nil, fmt.Errorf("the path %q has a colon, which HDFS does not take in names", t.Prefix)
	}
	if err := store.CheckPrefix(t.root(), t.Prefix); err != nil {
		return nil, err
	}
	return t, t.takeOptions(u.Query())
}

func (t *Target) takeNamenodes(list string) error {
	if strings.Contains(list, "@") {
		return errors.New("a name or a password does not belong before the namenode: the option user=NAME, or " + userVariable + " in the environment, names the user")
	}
	port := map[bool]string{false: "9870", true: "9871"}[t.Secure]
	for host := range strings.SplitSeq(list, ",") {
		if _, _, err := net.SplitHostPort(host); err != nil {
			host = net.JoinHostPort(strings.Trim(host, "[]"), port)
		}
		if u, err := url.Parse("http://" + host); err != nil || u.Hostname() == "" || u.Port() == "" {
			return fmt.Errorf("%q is no namenode: expected %sHOST:%s[,HOST:%s]/PATH/", host, t.scheme(), port, port)
		}
		t.Namenodes = append(t.Namenodes, host)
	}
	return nil
}

func (t *Target) takeOptions(given url.Values) error {
	for name := range given {
		if !slices.Contains(options, name) {
			return fmt.Errorf("there is no option %q, only %s", name, strings.Join(options, ", "))
		}
	}
	if given.Has(keytabOption) || given.Has(configOption) {
		return t.takeLogin(given)
	}
	t.User = cmp.Or(given.Get(userOption), os.Getenv(userVariable))
	if t.User == "" {
		if u, err := user.Current(); err == nil {
			t.User = u.Username
		}
	}
	return nil
}

// The options.
const (
	userOption   = "user"
	keytabOption = "kerberos-keytab"
	configOption = "kerberos-config"
)

var options = []string{configOption, keytabOption, userOption}

func (t *Target) takeLogin(given url.Values) error {
	t.User = given.Get(userOption)
	t.Login = &kerberos.Login{Principal: t.User, Keytab: given.Get(keytabOption), Config: cmp.Or(given.Get(configOption), kerberos.DefaultConfig)}
	if name, realm, _ := strings.Cut(t.User, "@"); name == "" || realm == "" || t.Login.Keytab == "" {
		return fmt.Errorf("a login by Kerberos needs the options %s=NAME@REALM and %s=FILE", userOption, keytabOption)
	}
	return nil
}

func (t *Target) scheme() string {
	if t.Secure {
		return SecureScheme
	}
	return Scheme
}

// root is the address of the root. It is the same in whatever order the namenodes were named.
func (t *Target) root() string {
	return t.scheme() + strings.Join(slices.Sorted(slices.Values(t.Namenodes)), ",") + "/"
}

// String is the name of what is written to, the same whoever writes.
func (t *Target) String() string { return t.root() + t.Prefix }
