package settings

import (
	"strings"

	"pikabin/encode/output/options"
)

// The forms of a record's key, see the option key.
const (
	KeyRaw  = "raw"  // the key's bytes
	KeyDB   = "db"   // db0/KEY
	KeyJSON = "json" // {"db":"db0","key":"KEY"}, or key_b64
)

// The times that records may have, see the option timestamp.
const (
	TimeOfEvent = "event"
	TimeOfNow   = "now"
	TimeClamped = "clamp"
)

// OversizePolicy says what becomes of an event that its topic does not take.
type OversizePolicy int

// The policies of the option on-oversize.
const (
	OversizeFails    OversizePolicy = iota
	OversizeToTopic                 // the whole event, to another topic
	OversizeToFile                  // the whole event, as a line of a file
	OversizeToFolder                // its value, to a file of a folder; the record says which
)

// parseOversize reads the option on-oversize: a policy and, after a colon, the place. A place with a slash is a file, not a topic.
func parseOversize(v *options.Values) (OversizePolicy, string) {
	value := v.Text("on-oversize", "fail")
	switch kind, to, _ := strings.Cut(value, ":"); {
	case value == "fail":
	case kind == "dlq" && strings.Contains(to, "/"):
		return OversizeToFile, to
	case kind == "dlq" && checkTopicName(to) == nil && !strings.Contains(to, "{"):
		return OversizeToTopic, to
	case kind == "blob" && to != "":
		return OversizeToFolder, to
	default:
		v.Fail("on-oversize", "fail, dlq:TOPIC, dlq:/PATH/OF/A/FILE or blob:FOLDER")
	}
	return OversizeFails, ""
}

// parseRefused reads the option on-refused: "" or the dead-letter topic.
func parseRefused(v *options.Values) string {
	value := v.Text("on-refused", "fail")
	to, dlq := strings.CutPrefix(value, "dlq:")
	if value == "fail" {
		return ""
	}
	if !dlq || checkTopicName(to) != nil || strings.Contains(to, "{") {
		v.Fail("on-refused", "fail or dlq:TOPIC")
	}
	return to
}
