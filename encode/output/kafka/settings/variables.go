package settings

import "net/url"

// Variables are the names of the environment variables that stand for options.
func Variables() []string {
	v := &values{given: url.Values{}}
	v.text("properties", "")
	new(Options).read(v)
	names := make([]string, 0, len(v.known)+len(v.secrets))
	for _, name := range append(v.known, v.secrets...) {
		names = append(names, envName(name))
	}
	return names
}
