package encode

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// oversizeError is an event that its topic does not take.
type oversizeError struct {
	at    string
	topic *kafkaTopic
	size  int
}

func (e *oversizeError) Error() string {
	return fmt.Sprintf("the event at %s is a record of %d bytes, and topic %s takes %d at most (max.message.bytes): "+
		"raise that, or set on-oversize", e.at, e.size, e.topic.name, e.topic.limit)
}

// oversize makes of a record that is too large one for the dead-letter topic, or one that says where its value is.
func (d *kafkaDelivery) oversize(topic *kafkaTopic, r *kgo.Record, from, size int) error {
	s := d.sink
	at := string(r.Headers[0].Value)
	var where string
	target := topic
	switch s.o.onOversize {
	case oversizeToTopic:
		target = s.topics.byName[s.o.dlq]
		where = "it goes to topic " + target.name
		d.headers = append(d.headers, kgo.RecordHeader{Key: headerOversize, Value: []byte(topic.name)})
		if r.Partition = anyPartition; r.Key == nil {
			r.Partition = 0
		}
	case oversizeToFile:
		blob, err := storeBlob(s.o.blobs, blobName(r), r.Value)
		if err != nil {
			return fmt.Errorf("storing the event at %s: %w", at, err)
		}
		if r.Value, err = json.Marshal(map[string]kafkaBlob{"blob": blob}); err != nil {
			return err
		}
		where = "its value is in " + blob.URI
		d.headers[from+contentHeader].Value = []byte(blobContent)
	default:
		return &oversizeError{at: at, topic: topic, size: size}
	}
	r.Topic, r.Headers = target.name, d.headers[from:len(d.headers):len(d.headers)]
	if left := recordSize(r); left > target.limit {
		return &oversizeError{at: at, topic: target, size: left}
	}
	s.oversized.Add(1)
	s.warn(fmt.Sprintf("kafka: the event at %s is a record of %d bytes, more than the %d of topic %s: %s", at, size, topic.limit, topic.name, where))
	return nil
}

// blobContent is the content type of a value that says where the event is.
const blobContent = "application/vnd.pikabin.blob+json"

// kafkaBlob is where an event is that was too large for its topic.
type kafkaBlob struct {
	URI    string `json:"uri"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

// blobName is a name of a file that is the same for the same event: its position, and its part if it has one.
func blobName(r *kgo.Record) string {
	name := string(r.Headers[0].Value)
	if i := slices.IndexFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == headerPart }); i >= 0 {
		name += "-" + string(r.Headers[i].Value)
	}
	return strings.NewReplacer("/", "-", ":", "-").Replace(name)
}

// storeBlob writes a file, which is there as a whole or not at all.
func storeBlob(dir, name string, value []byte) (kafkaBlob, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return kafkaBlob{}, err
	}
	f, err := os.CreateTemp(dir, name+".*")
	if err != nil {
		return kafkaBlob{}, err
	}
	_, err = f.Write(value)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	path := filepath.Join(dir, name)
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name()) //nolint:gosec // the first error is the one to tell
		return kafkaBlob{}, err
	}
	sum := sha256.Sum256(value)
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	return kafkaBlob{URI: uri.String(), Size: len(value), SHA256: hex.EncodeToString(sum[:])}, nil
}
