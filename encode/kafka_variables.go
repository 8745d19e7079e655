package encode

import (
	"net/url"
)

// OutputVariables are the names of the environment variables that outputs take besides those of the flags.
func OutputVariables() []string {
	v := &kafkaValues{given: url.Values{}}
	new(kafkaOptions).read(v)
	names := make([]string, 0, len(v.known)+len(v.secrets))
	for _, name := range append(v.known, v.secrets...) {
		names = append(names, kafkaEnvName(name))
	}
	return names
}
