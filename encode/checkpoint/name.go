package checkpoint

import (
	"slices"
	"strings"
)

// aside ends the name of a position that would else be that of something of ours. No log has a name that ends in it.
const aside = "/"

// NameOf is the name of a log's position where positions are kept beside what has names of its own, which a DB may be called by.
func NameOf(log string, ours ...string) string {
	if slices.Contains(ours, log) {
		return log + aside
	}
	return log
}

// LogOf is the log whose position has a name.
func LogOf(name string) string { return strings.TrimSuffix(name, aside) }
