package jsonl

import (
	"slices"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/formats/digits"
)

// Envelope is what an event is put into, for consumers that know it.
type Envelope string

// The envelopes. DebeziumPlain is what Debezium writes with schemas.enable=false: the payload without its schema.
const (
	NoEnvelope    Envelope = ""
	CloudEvents   Envelope = "cloudevents"
	Debezium      Envelope = "debezium"
	DebeziumPlain Envelope = "debezium-plain"
)

// Envelopes are the content types of messages in the envelopes, by their names.
var Envelopes = map[string]string{
	string(CloudEvents):   "application/cloudevents+json; charset=UTF-8",
	string(Debezium):      "application/json",
	string(DebeziumPlain): "application/json",
}

// appendEnveloped appends the event of c, in the envelope that was chosen.
func (e *Encoder) appendEnveloped(dst []byte, c *decode.Change) []byte {
	switch e.opts.Envelope {
	case CloudEvents:
		return append(e.appendEvent(appendCloudEvent(dst, c), c), '}')
	case Debezium:
		dst = append(slices.Grow(dst, len(e.schema)+margin), e.schema...)
		return append(e.appendPayload(dst, c), '}')
	case DebeziumPlain:
		return e.appendPayload(dst, c)
	case NoEnvelope:
	}
	return e.appendEvent(dst, c)
}

// appendCloudEvent appends the attributes of a CloudEvent, and the name of its data. The id is the place of the event, which no other event of the
// source has.
func appendCloudEvent(dst []byte, c *decode.Change) []byte {
	dst = append(append(dst, `{"specversion":"1.0","type":"pikabin.v1.`...), c.Op.String()...)
	dst = appendSource(append(dst, `","source":"/pika/`...), c.Log)
	dst = slices.Grow(append(dst, `","id":"`...), margin)
	dst = decode.Position{Segment: c.Segment, Offset: c.Offset}.AppendText(dst)
	if c.Parts > 0 {
		dst = digits.Put(append(dst, '.'), uint64(c.Part))
	}
	if c.Epoch > 0 {
		dst = digits.Put(append(dst, `@`...), uint64(c.Epoch))
	}
	if c.Op >= decode.OpGap { // of the record at the same place there is an event, too
		dst = append(append(dst, '/'), c.Op.String()...)
	}
	if t := time.Unix(c.Time, 0).UTC(); c.Has&decode.HasTime != 0 && hasFourDigits(t) {
		dst = t.AppendFormat(append(dst, `","time":"`...), time.RFC3339)
	}
	return append(dst, `","datacontenttype":"application/json","data":`...)
}

// hasFourDigits reports whether RFC 3339 has a form for the year.
func hasFourDigits(t time.Time) bool { return 0 <= t.Year() && t.Year() <= 9999 }

// appendSource appends the name of a log as the end of the path of a URI.
func appendSource(dst []byte, log *decode.Log) []byte {
	for i := range len(log.DB) {
		if b := log.DB[i]; strings.IndexByte(unreserved, b) >= 0 {
			dst = append(dst, b)
		} else {
			dst = append(dst, '%', hexDigits[b>>4], hexDigits[b&15])
		}
	}
	if log.Slot >= 0 {
		dst = digits.Put(slices.Grow(append(dst, '/'), margin), uint64(log.Slot))
	}
	return dst
}

const (
	unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~" // in a URI
	hexDigits  = "0123456789ABCDEF"
)

// appendPayload appends the payload of Debezium. The log has no state before a command, and does not tell whether the key was there: a command that
// leaves something is "c", which consumers take without the state before. So is a delete by pattern, which names no key. What is deleted is in before,
// as Debezium has it.
func (e *Encoder) appendPayload(dst []byte, c *decode.Change) []byte {
	op := byte('c')
	switch {
	case c.Op == decode.OpDelete && c.Key != nil:
		op = 'd'
		dst = append(e.appendEvent(append(dst, `{"before":`...), c), `,"after":null`...)
	case c.Op == decode.OpFlush:
		op = 't'
		dst = append(dst, `{"before":null,"after":null`...)
	default:
		dst = e.appendEvent(append(dst, `{"before":null,"after":`...), c)
	}
	dst = e.appendSourceOf(slices.Grow(dst, margin), c)
	dst = append(append(append(dst, `,"op":"`...), op), '"')
	return append(appendMillis(dst, c), '}')
}

// appendSourceOf appends the field source: where the event is from.
func (e *Encoder) appendSourceOf(dst []byte, c *decode.Change) []byte {
	dst = append(dst, `,"source":{"version":"1","connector":"pikabin","name":"pikabin","snapshot":"false"`...)
	dst = slices.Grow(appendMillis(dst, c), margin)
	dst = e.sources.Place(c, appendSourcePlace).Put(dst, margin)
	dst = append(digits.Put(dst, uint64(c.Offset)), `,"cmd":`...)
	return append(appendString(dst, c.Cmd), '}')
}

// appendSourcePlace appends the fields of the source before the digits of the offset.
func appendSourcePlace(dst []byte, c *decode.Change) []byte {
	dst = slices.Grow(appendString(append(dst, `,"db":`...), c.Log.DB), margin)
	return append(digits.Put(append(dst, `,"segment":`...), uint64(c.Segment)), `,"offset":`...)
}

// appendMillis appends the time of the command: no clock of this machine is in an event.
func appendMillis(dst []byte, c *decode.Change) []byte {
	dst = append(dst, `,"ts_ms":`...)
	if c.Has&decode.HasTime == 0 || c.Time > maxSeconds || c.Time < -maxSeconds {
		return append(dst, "null"...)
	}
	return digits.PutInt(slices.Grow(dst, margin), c.Time*1000)
}

// maxSeconds is the most that milliseconds can say.
const maxSeconds = 1 << 53

// debeziumSchema is what comes before the payload: its schema as Kafka Connect's JsonConverter has it, and the name of the payload.
func debeziumSchema() string {
	event := structOf(
		texts("db"), longs("slot", "segment", "offset", "end", "part", "parts", "logic_id", "term", "server_id", "ts"),
		texts("op", "type", "cmd", "key", "key_b64", "value", "value_b64"),
		`{"type":"array","optional":true,"field":"elements","items":{"type":"struct","optional":false,"name":"pikabin.v1.Element",`+
			structOf(texts("field", "field_b64", "value", "value_b64", "score"))+`}}`,
		texts("entry_id", "delta"), longs("epoch", "expire_at_ms"), texts("expire_precision", "effect"), lists("args", "args_b64"),
		texts("scope", "from", "to", "reason"),
	)
	source := structOf(texts("version", "connector", "name", "snapshot"), longs("ts_ms"), texts("db"), longs("segment", "offset"), texts("cmd"))
	return `{"schema":{"type":"struct","optional":false,"name":"pikabin.v1.Envelope",` + structOf(
		`{"type":"struct","optional":true,"name":"pikabin.v1.Value","field":"before",`+event+`}`,
		`{"type":"struct","optional":true,"name":"pikabin.v1.Value","field":"after",`+event+`}`,
		`{"type":"struct","optional":false,"name":"pikabin.v1.Source","field":"source",`+source+`}`,
		`{"type":"string","optional":false,"field":"op"}`, longs("ts_ms"),
	) + `},"payload":`
}

func structOf(fields ...string) string { return `"fields":[` + strings.Join(fields, ",") + `]` }

func texts(names ...string) string {
	return fieldsOf(`{"type":"string","optional":true,"field":"`, names)
}

func longs(names ...string) string {
	return fieldsOf(`{"type":"int64","optional":true,"field":"`, names)
}

func lists(names ...string) string {
	return fieldsOf(`{"type":"array","items":{"type":"string","optional":false},"optional":true,"field":"`, names)
}

func fieldsOf(begin string, names []string) string {
	return begin + strings.Join(names, `"},`+begin) + `"}`
}
