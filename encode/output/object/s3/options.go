package s3

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"pikabin/encode/output/object/store"
)

// Scheme is what a value of --output begins with.
const Scheme = "s3://"

// Target is a bucket and a prefix, and how they are reached.
type Target struct {
	Bucket string
	Prefix string // empty, or with a slash at its end

	Endpoint string // host and port
	Secure   bool   // by HTTPS
	Region   string // empty: asked for
	Style    string // auto, path or virtual

	// Checked says that the server is not relied upon to refuse a second object of one name: each name is asked for before.
	Checked bool
}

// defaultEndpoint is that of AWS, which knows where each bucket is.
const defaultEndpoint = "https://s3.amazonaws.com"

// Variables are the environment variables that are read besides those of the credentials.
func Variables() []string {
	return []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_REGION", "AWS_DEFAULT_REGION",
		"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL",
	}
}

// Parse understands s3://BUCKET/PREFIX/?option=value. It opens nothing.
func Parse(target string) (*Target, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, errors.New("this is no URL") // which it would show, with what may be a secret in it
	}
	if u.User != nil {
		return nil, errors.New("credentials do not belong into the address, where others can read them: set AWS_ACCESS_KEY_ID and " +
			"AWS_SECRET_ACCESS_KEY in the environment, or use ~/.aws/credentials or a role of the machine")
	}
	t := &Target{Bucket: u.Host, Prefix: strings.TrimPrefix(u.Path, "/")}
	if err := t.checkPlace(); err != nil {
		return nil, err
	}
	return t, t.takeOptions(u.Query())
}

// bucketPattern are the names that are names of hosts, too, and so good for both styles.
var bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

func (t *Target) checkPlace() error {
	if !bucketPattern.MatchString(t.Bucket) {
		return fmt.Errorf("%q is no name of a bucket: expected s3://BUCKET/PREFIX/", t.Bucket)
	}
	return store.CheckPrefix(Scheme+t.Bucket+"/", t.Prefix)
}

// options are the names, with what else may say so, and what the value has to be.
var options = map[string]struct {
	variables []string
	values    []string // empty: any; the first one is the default
}{
	"endpoint":    {variables: []string{"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"}},
	"region":      {variables: []string{"AWS_REGION", "AWS_DEFAULT_REGION"}},
	"style":       {values: []string{"auto", "path", "virtual"}},
	"conditional": {values: []string{"auto", "off"}},
}

func (t *Target) takeOptions(given url.Values) error {
	values := map[string]string{"endpoint": defaultEndpoint}
	for name, option := range options {
		if len(option.values) > 0 {
			values[name] = option.values[0]
		}
		for _, variable := range slices.Backward(option.variables) {
			if value := os.Getenv(variable); value != "" {
				values[name] = value
			}
		}
	}
	for name, list := range given {
		option, ok := options[name]
		if !ok {
			return fmt.Errorf("there is no option %q, only %s", name, strings.Join(slices.Sorted(maps.Keys(options)), ", "))
		}
		values[name] = list[len(list)-1]
		if len(option.values) > 0 && !slices.Contains(option.values, values[name]) {
			return fmt.Errorf("option %s: expected %s", name, strings.Join(option.values, ", "))
		}
	}
	t.Region, t.Style, t.Checked = values["region"], values["style"], values["conditional"] == "off"
	return t.takeEndpoint(values["endpoint"])
}

func (t *Target) takeEndpoint(endpoint string) error {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return errors.New("option endpoint: expected https://HOST or http://HOST, with a port if need be")
	}
	t.Endpoint, t.Secure = u.Host, u.Scheme == "https"
	return nil
}

// String is the name of what is written to, the same whatever the options are that do not change it.
func (t *Target) String() string {
	name := Scheme + t.Bucket + "/" + t.Prefix
	if scheme := map[bool]string{true: "https://", false: "http://"}[t.Secure]; scheme+t.Endpoint != defaultEndpoint {
		name += "?endpoint=" + scheme + t.Endpoint
	}
	return name
}
