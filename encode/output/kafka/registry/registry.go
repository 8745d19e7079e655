// Package registry has a schema registry say which ids the schemas of records have: one that speaks Confluent's protocol.
//
// The subject of a topic's schema is TOPIC-value. A record's value begins with Lead: a zero byte, the id as four bytes, highest first, and with
// Protobuf the message's place in its schema, which is the first one: a zero byte.
package registry

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/sr"

	"pikabin/encode/output/kafka/security"
	"pikabin/encode/output/kafka/settings"
)

// types are what registries call the schemas of formats, by the formats' names.
var types = map[string]sr.SchemaType{"avro": sr.TypeAvro, "jsonl": sr.TypeJSON, "protobuf": sr.TypeProtobuf}

// answerTimeout is for one answer.
const answerTimeout = 10 * time.Second

// Registry knows the ids of one schema. A nil one is of a run without: it does nothing.
type Registry struct {
	o      *settings.Registry
	heard  func(error) // why nothing moves, from each attempt on; nil: there is an answer
	client *sr.Client
	http   *http.Client
	schema sr.Schema
	ids    map[string]int // by subject
}

// Open makes a client for a format and its schema, which asks for nothing yet. Without the option registry it gives nil. That
// it waits for the registry, and why, is told to heard, and nil once there is an answer.
func Open(o *settings.Registry, format, schema string, heard func(error)) (*Registry, error) {
	if len(o.URLs) == 0 {
		return nil, nil //nolint:nilnil // no registry is no error
	}
	kind, ok := types[format]
	if !ok {
		return nil, fmt.Errorf("the option registry is for formats with a schema, avro, jsonl and protobuf, and the format is %s", format)
	}
	if schema == "" {
		return nil, errors.New("events in an envelope are not of the schema that pikabin has: the option registry and --envelope do not go together")
	}
	config, err := o.Config()
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // that is what it is
	transport.TLSClientConfig = config
	r := &Registry{o: o, heard: heard, schema: sr.Schema{Schema: schema, Type: kind}, ids: map[string]int{}}
	r.http = &http.Client{Transport: transport, Timeout: answerTimeout}
	r.client, err = sr.NewClient(sr.URLs(o.URLs...), sr.HTTPClient(r.http), sr.UserAgent("pikabin"), sr.PreReq(r.login))
	return r, err
}

// login shows who we are, with the secret of now.
func (r *Registry) login(request *http.Request) error {
	if r.o.User != "" {
		password, err := security.Secret(r.o.Password, r.o.PasswordFile)
		request.SetBasicAuth(r.o.User, password)
		return err
	}
	token, err := security.Secret(r.o.Token, r.o.TokenFile)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return err
}

// Close ends the connections.
func (r *Registry) Close() {
	if r != nil {
		r.http.CloseIdleConnections()
	}
}

// Lead is what is before each value, with the id 0, which no schema has. Nil without a registry.
func (r *Registry) Lead() []byte {
	if r == nil {
		return nil
	}
	return make([]byte, leadSize(r.schema.Type))
}

func leadSize(kind sr.SchemaType) int {
	if kind == sr.TypeProtobuf {
		return protobufLead
	}
	return plainLead
}

// Unframed is a value of a format without what is before it.
func Unframed(format string, value []byte) ([]byte, error) {
	size := leadSize(types[format])
	if len(value) < size || value[0] != 0 || binary.BigEndian.Uint32(value[idAt:]) == 0 || size > plainLead && value[plainLead] != 0 {
		return nil, errors.New("the id of a schema is not before it")
	}
	return value[size:], nil
}

const (
	idAt         = 1 // after a zero byte
	plainLead    = idAt + 4
	protobufLead = plainLead + 1
)

// LeadOf is Lead with the id that the schema has for a topic, which Register has found.
func (r *Registry) LeadOf(topic string) []byte {
	lead := r.Lead()
	binary.BigEndian.PutUint32(lead[idAt:], uint32(r.ids[subjectOf(topic)]))
	return lead
}

// Framed is what the format is called whose values have something before them.
func (r *Registry) Framed(format string) string {
	if r == nil {
		return format
	}
	return format + "+registry"
}

// Framing is after the content type of such values.
const Framing = "; framing=confluent"

// Content is the content type of such values.
func (r *Registry) Content(content string) string {
	if r == nil {
		return content
	}
	return content + Framing
}

func subjectOf(topic string) string { return topic + "-value" }

func (r *Registry) String() string { return "registry " + strings.Join(r.o.URLs, ",") }
