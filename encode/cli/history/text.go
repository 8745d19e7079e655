package history

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/decode/units"
	"pikabin/proto"
)

// How much of a value and how many elements are shown unless all is asked for.
const (
	shownBytes    = 48
	shownElements = 3
)

// changeOf is a change of a key, as a filter needs it.
func changeOf(key string) *decode.Change {
	return &decode.Change{Key: []byte(key)}
}

// keyOf names the key of an event, where there are several.
func (o *Output) keyOf(c *proto.Change) string {
	if c.Key == nil {
		return "all"
	}
	return o.quote(c.GetKey())
}

// told says what an event did to its key.
func (o *Output) told(c *proto.Change) string {
	text := o.did(c)
	if c.GetExpireAtMs() > 0 {
		text += ", expires " + o.clock(time.UnixMilli(c.GetExpireAtMs()))
	}
	switch {
	case c.GetOp() >= proto.Op_OP_GAP:
	case strings.HasSuffix(c.GetCmd(), "nx"):
		text += " (if there was none)"
	case strings.HasSuffix(c.GetCmd(), "pushx"):
		text += " (if the list was there)"
	case c.GetEffect() == proto.Effect_EFFECT_UNKNOWN:
		text += " (the log does not say with what result)"
	case c.GetOp() == proto.Op_OP_DELETE && c.GetEffect() == proto.Effect_EFFECT_RELATIVE:
		text += " (if it was what the command says)"
	}
	return text
}

func (o *Output) did(c *proto.Change) string {
	switch c.GetOp() { //nolint:exhaustive // others are told by their arguments
	case proto.Op_OP_SET:
		return o.join("set to", o.quote(c.GetValue()), c)
	case proto.Op_OP_UPDATE:
		return o.updated(c)
	case proto.Op_OP_REMOVE:
		return o.join("removed", o.elements(c), c)
	case proto.Op_OP_DELETE:
		if c.Key == nil {
			return o.join("keys deleted that match", "", c)
		}
		return "deleted"
	case proto.Op_OP_EXPIRE:
		return "given a deadline"
	case proto.Op_OP_PERSIST:
		return "deadline taken away"
	case proto.Op_OP_STORE:
		return o.join("computed from", "", c)
	case proto.Op_OP_FLUSH:
		return flushed(c)
	case proto.Op_OP_GAP:
		return fmt.Sprintf("the log is missing from %s to %s: %s", c.GetFrom(), c.GetTo(), units.Visible(c.GetReason()))
	case proto.Op_OP_CORRUPT:
		return fmt.Sprintf("the log is damaged from %s to %s: %s", c.GetFrom(), c.GetTo(), units.Visible(c.GetReason()))
	case proto.Op_OP_REWRITTEN:
		return fmt.Sprintf("another history begins at %s, after %s: %s", c.GetTo(), c.GetFrom(), units.Visible(c.GetReason()))
	}
	return o.join("with the arguments", "", c)
}

func (o *Output) updated(c *proto.Change) string {
	if c.Delta != nil {
		by := units.Visible(c.GetDelta())
		if !strings.HasPrefix(by, "-") {
			by = "+" + by
		}
		if len(c.GetElements()) == 0 {
			return o.join("changed by", by, c)
		}
		return o.join(o.elements(c), "changed by "+by, c)
	}
	if c.Value != nil {
		return o.join("written", o.quote(c.GetValue()), c)
	}
	return o.join("written", o.elements(c), c)
}

func flushed(c *proto.Change) string {
	what, where := "all keys", "the DB"
	if t := c.GetType(); t != proto.Type_TYPE_UNSPECIFIED {
		what = "all keys of type " + strings.ToLower(strings.TrimPrefix(t.String(), "TYPE_"))
	}
	if c.GetScope() != "" {
		where = "every DB"
	}
	return what + " of " + where + " deleted"
}

// join puts together what was done, with what, and the arguments that no other field holds.
func (o *Output) join(did, with string, c *proto.Change) string {
	words := []string{did}
	switch {
	case with != "" && len(c.GetArgs()) > 0:
		words = append(words, with+"; arguments:")
	case with != "":
		words = append(words, with)
	}
	for i, arg := range c.GetArgs() {
		if i == shownElements && !o.Whole {
			words = append(words, fmt.Sprintf("and %d more", len(c.GetArgs())-i))
			break
		}
		words = append(words, o.quote(arg))
	}
	return strings.Join(words, " ")
}

// elements lists the first members, fields or items.
func (o *Output) elements(c *proto.Change) string {
	var list []string
	for i, e := range c.GetElements() {
		if i == shownElements && !o.Whole {
			list = append(list, fmt.Sprintf("and %d more", len(c.GetElements())-i))
			break
		}
		list = append(list, o.element(e))
	}
	return strings.Join(list, ", ")
}

func (o *Output) element(e *proto.Element) string {
	switch {
	case e.Field != nil && e.Value != nil:
		return o.quote(e.GetField()) + ": " + o.quote(e.GetValue())
	case e.Field != nil:
		return o.quote(e.GetField())
	case e.Score != nil:
		return o.quote(e.GetValue()) + " at " + units.Visible(e.GetScore())
	}
	return o.quote(e.GetValue())
}

// quote shows bytes safely for a terminal, the first ones of many unless all is asked for.
func (o *Output) quote(value []byte) string {
	if o.Whole || len(value) <= shownBytes {
		return strconv.Quote(string(value))
	}
	return strconv.Quote(string(value[:shownBytes])) + "… (" + units.FormatSize(int64(len(value))) + ")"
}
