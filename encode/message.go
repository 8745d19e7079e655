package encode

import "pikabin/decode"

// Message is one change of a batch, as a sink needs it that delivers each by itself.
type Message struct {
	Begin, End       int  // in Batch.Data
	KeyBegin, KeyEnd int  // in Batch.Keys
	HasKey, HasTime  bool // a key may be empty

	At          decode.Position // of the record
	Part, Parts uint32          // as in decode.Change
	Time        int64           // unix seconds
	Op          decode.Op
	Type        decode.Type
}

// messageCost is what a message is reckoned to take besides its bytes, here and in the client of a sink.
const messageCost = 640

// addMessage describes the change that was encoded from begin on. A format may have said nothing.
func (b *Batch) addMessage(begin int, c *decode.Change) {
	if begin == len(b.plain) {
		return
	}
	key := len(b.Keys)
	b.Keys = append(b.Keys, c.Key...)
	b.Messages = append(b.Messages, Message{
		Begin: begin, End: len(b.plain), KeyBegin: key, KeyEnd: len(b.Keys),
		HasKey: c.Key != nil, HasTime: c.Has&decode.HasTime != 0,
		At: decode.Position{Segment: c.Segment, Offset: c.Offset}, Part: c.Part, Parts: c.Parts,
		Time: c.Time, Op: c.Op, Type: c.Type,
	})
}
