package kafka

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/decode"
	"pikabin/encode/sink"
)

// The forms of a record's key, see the option key.
const (
	keyRaw  = "raw"  // the key's bytes
	keyDB   = "db"   // db0/KEY
	keyJSON = "json" // {"db":"db0","key":"KEY"}, or key_b64
)

// jsonKey is a key with its DB.
type jsonKey struct {
	DB     string  `json:"db"`
	Key    *string `json:"key,omitempty"`
	Base64 []byte  `json:"key_b64,omitempty"`
}

// keyOf gives the key of a record, such that those of several DBs do not replace each other in a compacted topic if that is asked for.
func (d *delivery) keyOf(log *logTopics, key []byte) ([]byte, error) {
	switch d.sink.o.key {
	case keyDB:
		begin := len(d.text)
		d.text = append(append(d.text, log.name...), key...)
		return d.text[begin:len(d.text):len(d.text)], nil
	case keyJSON:
		k := jsonKey{DB: log.name[:len(log.name)-1], Base64: key}
		if utf8.Valid(key) {
			text := string(key)
			k.Key, k.Base64 = &text, nil
		}
		return json.Marshal(k)
	}
	return key, nil
}

// sharing warns of several DBs whose keys replace each other.
func (k *topics) sharing(log *logTopics) {
	for _, t := range log.all {
		if t.compacted && t.log != "" && t.log != log.name && k.o.key == keyRaw && !t.shared {
			t.shared = true
			k.warn(fmt.Sprintf("kafka: topic %s is compacted and holds several DBs: their keys replace each other, unless the option key is db or json", t.name))
		}
		t.log = log.name
	}
}

// spreads reports whether an event without a key goes to all partitions. What a command does that pikabin does not know, it does to
// keys that nobody can name.
func (s *producer) spreads(m *sink.Message) bool { return m.Op != decode.OpOther || s.o.unknownToAll }

// addAlone makes one record of an event without a key that is for no partition in particular.
func (d *delivery) addAlone(topics *logTopics, m *sink.Message, r kgo.Record) error {
	topic, from := topics.all[0], d.begin(topics, m)
	if r.Partition = 0; topic.compacted {
		r.Key = append([]byte(barrierKey), d.headers[from].Value...)
	}
	return d.put(topic, r, from)
}
