package settings

import "pikabin/encode/output/options"

// Variables are the names of the environment variables that stand for options.
func Variables() []string {
	v := &options.Values{Prefix: envPrefix}
	v.Text("properties", "")
	new(Options).read(v)
	return v.Variables()
}
