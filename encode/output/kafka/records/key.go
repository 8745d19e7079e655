package records

import (
	"context"
	"encoding/json"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/sink"
)

// jsonKey is a key with its DB.
type jsonKey struct {
	DB     string  `json:"db"`
	Key    *string `json:"key,omitempty"`
	Base64 []byte  `json:"key_b64,omitempty"`
}

// keyOf gives the key of a record, such that those of several DBs do not replace each other in a compacted topic if that is asked for.
func (d *Batch) keyOf(key []byte) ([]byte, error) {
	switch d.maker.o.Key {
	case settings.KeyDB:
		begin := len(d.text)
		d.text = append(append(d.text, d.routes.Name...), key...)
		return d.text[begin:len(d.text):len(d.text)], nil
	case settings.KeyJSON:
		k := jsonKey{DB: d.routes.Name[:len(d.routes.Name)-1], Base64: key}
		if utf8.Valid(key) {
			text := string(key)
			k.Key, k.Base64 = &text, nil
		}
		return json.Marshal(k)
	}
	return key, nil
}

// spreads reports whether an event without a key goes to all partitions. What a command does that pikabin does not know, it does to
// keys that nobody can name.
func (k *Maker) spreads(m *sink.Message) bool { return m.Op != decode.OpOther || k.o.UnknownToAll }

// addAlone makes one record of an event without a key that is for no partition in particular.
func (d *Batch) addAlone(ctx context.Context, m *sink.Message, r kgo.Record) error {
	topic, from := d.routes.All[0], d.begin(m)
	if r.Partition = 0; topic.Compacted {
		r.Key = append([]byte(barrierKey), d.headers[from].Value...)
	}
	return d.put(ctx, topic, r, from)
}
