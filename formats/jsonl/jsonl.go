// Package jsonl writes an event as a line with a JSON object.
package jsonl

import (
	_ "embed"
	"slices"

	"pikabin/decode"
	"pikabin/formats/digits"
	"pikabin/formats/headcache"
)

// Schema is the JSON Schema of one line.
//
//go:embed schema.json
var Schema string

// Options choose how an event is written.
type Options struct {
	Base64 bool // every byte field in its base64 form
	Args   bool // all arguments in args, also those that other fields hold
	Bare   bool // without the line end

	Envelope Envelope // what the event is put into
}

// margin is more than all that is between two values of any length: the names, numbers and texts of
// fixed size. A function that appends such a value leaves this much room after it, so that the rest
// is written without looking at the capacity first.
const margin = 640

// Encoder writes the event in the order of the schema's fields. Absent fields are left out.
type Encoder struct {
	heads    headcache.Cache
	opts     Options
	schema   string          // of the envelope
	sources  headcache.Cache // in the envelope
	escaper  escaper
	offsets  digits.Recent
	logicIDs digits.Recent
	expiries digits.Counter
}

// New makes an encoder with the fastest escaper of this machine.
func New(opts Options) *Encoder {
	e := &Encoder{opts: opts, escaper: bestEscaper}
	if opts.Envelope == Debezium {
		e.schema = debeziumSchema()
	}
	return e
}

// AppendChange appends the line of c. See formats.Encoder.
func (e *Encoder) AppendChange(dst []byte, c *decode.Change) []byte {
	if e.opts.Envelope == NoEnvelope {
		dst = e.appendEvent(dst, c)
	} else {
		dst = e.appendEnveloped(dst, c)
	}
	if e.opts.Bare {
		return dst
	}
	return append(dst, '\n')
}

// appendEvent appends the object of c.
func (e *Encoder) appendEvent(dst []byte, c *decode.Change) []byte {
	if c.Op >= decode.OpGap {
		return append(appendRange(dst, c), '}')
	}
	if c.End-c.Offset >= large {
		dst = slices.Grow(dst, e.sizeOf(c))
	}
	dst = slices.Grow(dst, margin)
	dst = e.appendPlace(dst, c)
	if c.Has&decode.HasLogicID != 0 {
		dst = e.logicIDs.Put(append(dst, `,"logic_id":`...), c.LogicID)
	}
	dst = e.heads.Command(c, appendCommand).Put(dst, margin)
	if c.Key != nil {
		dst = e.appendBytes(dst, &nameKey, c.Key)
	}
	if c.Value != nil {
		dst = e.appendBytes(dst, &nameValue, c.Value)
	}
	if c.Elements.Len() > 0 {
		dst = e.AppendElements(append(dst, `,"elements":`...), &c.Elements)
	}
	if c.EntryID != nil {
		dst = e.appendASCII(dst, &nameEntryID, c.EntryID)
	}
	if c.Delta != nil {
		dst = e.appendASCII(dst, &nameDelta, c.Delta)
	}
	dst = appendEpoch(dst, c)
	dst = e.appendOutcome(dst, c)
	if args := c.ShownArgs(e.opts.Args); len(args) > 0 {
		dst = e.appendArgs(dst, args)
	}
	if c.Scope != "" {
		dst = appendString(append(dst, `,"scope":`...), c.Scope)
	}
	return append(dst, '}')
}

// appendPlace begins the object, with the fields that say where the record is.
func (e *Encoder) appendPlace(dst []byte, c *decode.Change) []byte {
	dst = e.heads.Place(c, appendHead).Put(dst, margin)
	dst = e.offsets.Put(dst, uint64(c.Offset)) // which is where the record before ended
	dst = e.offsets.Put(append(dst, `,"end":`...), uint64(c.End))
	if c.Parts > 0 {
		dst = digits.Put(append(dst, `,"part":`...), uint64(c.Part))
		dst = digits.Put(append(dst, `,"parts":`...), uint64(c.Parts))
	}
	return dst
}

// appendHead appends all that comes before the digits of the offset.
func appendHead(dst []byte, c *decode.Change) []byte {
	dst = appendString(append(dst, `{"db":`...), c.Log.DB)
	dst = slices.Grow(dst, margin)
	if c.Log.Slot >= 0 {
		dst = digits.Put(append(dst, `,"slot":`...), uint64(c.Log.Slot))
	}
	dst = digits.Put(append(dst, `,"segment":`...), uint64(c.Segment))
	return append(dst, `,"offset":`...)
}

// appendCommand appends the fields from term to cmd.
func appendCommand(dst []byte, c *decode.Change) []byte {
	dst = slices.Grow(dst, margin)
	if c.Has&decode.HasTerm != 0 {
		dst = digits.Put(append(dst, `,"term":`...), uint64(c.Term))
	}
	if c.Has&decode.HasServerID != 0 {
		dst = digits.Put(append(dst, `,"server_id":`...), uint64(c.ServerID))
	}
	if c.Has&decode.HasTime != 0 {
		dst = digits.PutInt(append(dst, `,"ts":`...), c.Time)
	}
	dst = append(append(dst, `,"op":"`...), c.Op.String()...)
	if c.Type != decode.TypeNone {
		dst = append(append(dst, `","type":"`...), c.Type.String()...)
	}
	return appendString(append(dst, `","cmd":`...), c.Cmd)
}

// appendEpoch appends which history of the log it is, unless it is the first one that is known.
func appendEpoch(dst []byte, c *decode.Change) []byte {
	if c.Epoch == 0 {
		return dst
	}
	return digits.Put(append(dst, `,"epoch":`...), uint64(c.Epoch))
}

// appendOutcome appends the deadline and the effect.
func (e *Encoder) appendOutcome(dst []byte, c *decode.Change) []byte {
	if c.Has&decode.HasExpireAt != 0 {
		dst = append(dst, `,"expire_at_ms":`...)
		if c.ExpireAt >= 0 {
			dst = e.expiries.Put(dst, uint64(c.ExpireAt))
		} else {
			dst = digits.PutInt(dst, c.ExpireAt)
		}
	}
	if c.Precision != decode.PrecisionNone {
		dst = append(dst, `,"expire_precision":"`...)
		dst = append(append(dst, c.Precision.String()...), '"')
	}
	if c.Effect != decode.EffectExact {
		dst = append(dst, `,"effect":"`...)
		dst = append(append(dst, c.Effect.String()...), '"')
	}
	return dst
}

// appendRange writes, up to its end, an event that is not a command: a range of the log, and what is wrong with it.
func appendRange(dst []byte, c *decode.Change) []byte {
	dst = appendHead(dst, c)
	dst = digits.Put(slices.Grow(dst, margin), uint64(c.Offset))
	dst = append(append(dst, `,"op":"`...), c.Op.String()...)
	dst = c.From.AppendText(append(dst, `","from":"`...))
	dst = c.To.AppendText(append(dst, `","to":"`...))
	dst = appendString(append(dst, `","reason":`...), c.Reason)
	return appendEpoch(slices.Grow(dst, margin), c)
}
