package formats

import (
	"slices"

	"pikabin/decode"
)

func init() {
	register(Format{
		Name:        "jsonl",
		Doc:         "one JSON object per line; bytes that are not UTF-8 in base64 under a name of their own",
		Ext:         ".jsonl",
		ContentType: "application/json",
		Schema:      jsonlSchema,
		New:         newJSONL,
	})
}

// jsonlMargin is more than all that stands between two values of any length: the names, numbers and
// texts of fixed size. Whoever appends such a value leaves this much room behind it, so that the rest
// is written without looking at the capacity first.
const jsonlMargin = 640

// jsonl writes the event as the fields table of the schema orders it. Absent fields are left out.
type jsonl struct {
	headCache
	opts     Options
	escaper  escaper
	offsets  recent
	logicIDs recent
	expiries counter
}

func newJSONL(opts Options) Encoder {
	return &jsonl{opts: opts, escaper: bestEscaper}
}

// AppendChange implements Encoder.
func (e *jsonl) AppendChange(dst []byte, c *decode.Change) []byte {
	if c.Op >= decode.OpGap {
		return e.appendEnd(appendJSONRange(dst, c))
	}
	dst = slices.Grow(dst, jsonlMargin)
	dst = e.appendPlace(dst, c)
	if c.Has&decode.HasLogicID != 0 {
		dst = e.logicIDs.put(append(dst, `,"logic_id":`...), c.LogicID)
	}
	dst = e.commandOf(c, appendJSONCommand).put(dst, jsonlMargin)
	if c.Key != nil {
		dst = e.appendBytes(dst, &nameKey, c.Key)
	}
	if c.Value != nil {
		dst = e.appendBytes(dst, &nameValue, c.Value)
	}
	if len(c.Elements) > 0 {
		dst = e.appendElements(dst, c.Elements)
	}
	if c.EntryID != nil {
		dst = e.appendASCII(dst, &nameEntryID, c.EntryID)
	}
	if c.Delta != nil {
		dst = e.appendASCII(dst, &nameDelta, c.Delta)
	}
	dst = appendJSONEpoch(dst, c)
	dst = e.appendOutcome(dst, c)
	if args := shownArgs(c, e.opts); len(args) > 0 {
		dst = e.appendArgs(dst, args)
	}
	if c.Scope != "" {
		dst = appendJSONString(append(dst, `,"scope":`...), c.Scope)
	}
	return e.appendEnd(dst)
}

// appendEnd ends the object, and the line unless it is bare.
func (e *jsonl) appendEnd(dst []byte) []byte {
	dst = append(dst, "}\n"...)
	if e.opts.Bare {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// appendPlace begins the object, with the fields that say where the record is.
func (e *jsonl) appendPlace(dst []byte, c *decode.Change) []byte {
	dst = e.placeOf(c, appendJSONHead).put(dst, jsonlMargin)
	dst = e.offsets.put(dst, uint64(c.Offset)) // which is where the record before ended
	dst = e.offsets.put(append(dst, `,"end":`...), uint64(c.End))
	if c.Parts > 0 {
		dst = putUint(append(dst, `,"part":`...), uint64(c.Part))
		dst = putUint(append(dst, `,"parts":`...), uint64(c.Parts))
	}
	return dst
}

// appendJSONHead appends all that stands before the digits of the offset.
func appendJSONHead(dst []byte, c *decode.Change) []byte {
	dst = appendJSONString(append(dst, `{"db":`...), c.Log.DB)
	dst = slices.Grow(dst, jsonlMargin)
	if c.Log.Slot >= 0 {
		dst = putUint(append(dst, `,"slot":`...), uint64(c.Log.Slot))
	}
	dst = putUint(append(dst, `,"segment":`...), uint64(c.Segment))
	return append(dst, `,"offset":`...)
}

// appendJSONCommand appends the fields from term to cmd.
func appendJSONCommand(dst []byte, c *decode.Change) []byte {
	dst = slices.Grow(dst, jsonlMargin)
	if c.Has&decode.HasTerm != 0 {
		dst = putUint(append(dst, `,"term":`...), uint64(c.Term))
	}
	if c.Has&decode.HasServerID != 0 {
		dst = putUint(append(dst, `,"server_id":`...), uint64(c.ServerID))
	}
	if c.Has&decode.HasTime != 0 {
		dst = putInt(append(dst, `,"ts":`...), c.Time)
	}
	dst = append(append(dst, `,"op":"`...), c.Op.String()...)
	if c.Type != decode.TypeNone {
		dst = append(append(dst, `","type":"`...), c.Type.String()...)
	}
	return appendJSONString(append(dst, `","cmd":`...), c.Cmd)
}

// appendJSONEpoch appends which history of the log it is, unless it is the first one that is known.
func appendJSONEpoch(dst []byte, c *decode.Change) []byte {
	if c.Epoch == 0 {
		return dst
	}
	return putUint(append(dst, `,"epoch":`...), uint64(c.Epoch))
}

// appendOutcome appends the deadline and the effect.
func (e *jsonl) appendOutcome(dst []byte, c *decode.Change) []byte {
	if c.Has&decode.HasExpireAt != 0 {
		dst = append(dst, `,"expire_at_ms":`...)
		if c.ExpireAt >= 0 {
			dst = e.expiries.put(dst, uint64(c.ExpireAt))
		} else {
			dst = putInt(dst, c.ExpireAt)
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

// appendJSONRange writes, up to its end, an event that is not a command: a range of the log, and what is wrong with it.
func appendJSONRange(dst []byte, c *decode.Change) []byte {
	dst = appendJSONHead(dst, c)
	dst = putUint(slices.Grow(dst, jsonlMargin), uint64(c.Offset))
	dst = append(append(dst, `,"op":"`...), c.Op.String()...)
	dst = c.From.AppendText(append(dst, `","from":"`...))
	dst = c.To.AppendText(append(dst, `","to":"`...))
	dst = appendJSONString(append(dst, `","reason":`...), c.Reason)
	return appendJSONEpoch(slices.Grow(dst, jsonlMargin), c)
}
