package sink

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
	Conditional bool // what it does follows from the state before
}

// MessageCost is what a message is reckoned to take besides its bytes, here and in the client of a sink.
const MessageCost = 640
