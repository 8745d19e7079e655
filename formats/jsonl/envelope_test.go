package jsonl_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/formats/formattest"
	"pikabin/formats/jsonl"
)

// enveloped reads the message of a change in an envelope, which is one JSON object.
func enveloped(t *testing.T, c *decode.Change, envelope jsonl.Envelope) map[string]json.RawMessage {
	t.Helper()
	message := jsonl.New(jsonl.Options{Envelope: envelope, Bare: true}).AppendChange(nil, c)
	var object map[string]json.RawMessage
	if err := json.Unmarshal(message, &object); err != nil {
		t.Fatalf("%v: %.300q", err, message)
	}
	return object
}

// wantText compares a value of an object with JSON.
func wantText(t *testing.T, object map[string]json.RawMessage, name, want string) {
	t.Helper()
	if got := string(object[name]); got != want {
		t.Errorf("%s is %.300s, want %.300s", name, got, want)
	}
}

// TestEnvelopes: the event in an envelope is the event alone, and is where consumers look for it.
func TestEnvelopes(t *testing.T) {
	for _, c := range formattest.Changes() {
		plain := string(jsonl.New(jsonl.Options{Bare: true}).AppendChange(nil, c.Change))
		event := enveloped(t, c.Change, jsonl.CloudEvents)
		wantText(t, event, "data", plain)
		wantText(t, event, "type", fmt.Sprintf("%q", "pikabin.v1."+c.Op.String()))
		payload := enveloped(t, c.Change, jsonl.DebeziumPlain)
		before, after, op := "null", plain, "c"
		switch {
		case c.Op == decode.OpDelete && c.Key != nil:
			before, after, op = plain, "null", "d"
		case c.Op == decode.OpFlush:
			after, op = "null", "t"
		}
		wantText(t, payload, "before", before)
		wantText(t, payload, "after", after)
		wantText(t, payload, "op", `"`+op+`"`)
	}
}

// TestCloudEventID: events of one place have ids of their own, and the names of logs make paths.
func TestCloudEventID(t *testing.T) {
	for id, c := range map[string]decode.Change{
		`"/pika/db0" "12:7"`:          {Log: &decode.Log{DB: "db0", Slot: -1}},
		`"/pika/db0" "12:7.0"`:        {Log: &decode.Log{DB: "db0", Slot: -1}, Parts: 2},
		`"/pika/db0" "12:7.1@3"`:      {Log: &decode.Log{DB: "db0", Slot: -1}, Parts: 2, Part: 1, Epoch: 3},
		`"/pika/db0" "12:7/gap"`:      {Log: &decode.Log{DB: "db0", Slot: -1}, Op: decode.OpGap},
		`"/pika/a%20%2F%FF/1" "12:7"`: {Log: &decode.Log{DB: "a /\xff", Slot: 1}},
	} {
		c.Segment, c.Offset = 12, 7
		event := enveloped(t, &c, jsonl.CloudEvents)
		if got := string(event["source"]) + " " + string(event["id"]); got != id {
			t.Errorf("source and id are %s, want %s", got, id)
		}
	}
}

// TestDebeziumSchema: the schema has every field that an event may have, and comes before a payload that is the plain one.
func TestDebeziumSchema(t *testing.T) {
	c := formattest.Changes()[0].Change
	whole := enveloped(t, c, jsonl.Debezium)
	payload := bytes.TrimSpace(jsonl.New(jsonl.Options{Envelope: jsonl.DebeziumPlain}).AppendChange(nil, c))
	wantText(t, whole, "payload", string(payload))
	var event struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal([]byte(jsonl.Schema), &event); err != nil || len(event.Properties) < 20 {
		t.Fatal(err, event)
	}
	for name := range event.Properties {
		if n := strings.Count(string(whole["schema"]), `"field":"`+name+`"`); n < 2 {
			t.Errorf("the schema has %s %d times, want it in before and after", name, n)
		}
	}
}
