package positions

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ChangedError is an output that is not what the position of a log was saved for.
type ChangedError struct {
	Log  string
	Text string // what is different

	// Format says that it is the format alone, which is a matter of the command line.
	Format bool
}

// Error says what is different. What to do about it depends on where the position is kept.
func (e *ChangedError) Error() string { return fmt.Sprintf("%s: %s", e.Log, e.Text) }

// Check compares what the position of a log was saved for with the topics as they are now, of which those that are missing are not
// in present. Nothing is known of what an older version has saved. Another number of partitions may be allowed.
func (o *Output) Check(log string, names []string, present *Output, repartition bool) error {
	if o.Format != "" && o.Format != present.Format {
		return &ChangedError{Log: log, Format: true, Text: fmt.Sprintf("its events were sent in the format %s up to now, and not in %s", o.Format, present.Format)}
	}
	if len(o.Topics) == 0 {
		return nil
	}
	known := 0
	for _, name := range names {
		was, ok := o.Topics[name]
		if !ok {
			continue
		}
		known++
		if text := was.changed(name, present.Topics, repartition); text != "" {
			return &ChangedError{Log: log, Text: text}
		}
	}
	if known == 0 {
		return &ChangedError{Log: log, Text: fmt.Sprintf("its events were sent to topic %s up to now, and not to %s",
			strings.Join(slices.Sorted(maps.Keys(o.Topics)), ", "), strings.Join(names, ", "))}
	}
	return nil
}

// changed says how a topic is not the one that it was, "" if it is.
func (t Topic) changed(name string, present map[string]Topic, repartition bool) string {
	now, ok := present[name]
	switch {
	case !ok:
		return fmt.Sprintf("topic %s, to which its events were sent up to now, is gone", name)
	case t.ID != "" && now.ID != "" && t.ID != now.ID:
		return fmt.Sprintf("topic %s was deleted and made anew since its events were sent to it (its id was %s and is %s)", name, t.ID, now.ID)
	case t.Partitions != now.Partitions && !repartition:
		return fmt.Sprintf("topic %s had %d partitions and has %d now, which moves keys to other partitions and breaks their order; "+
			"on-repartition=allow accepts that", name, t.Partitions, now.Partitions)
	}
	return ""
}
