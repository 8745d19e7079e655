package records

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/disk"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/output/kafka/topics"
	"pikabin/encode/sink"
)

// oversizeError is an event that its topic does not take.
type oversizeError struct {
	at    string
	topic *topics.Topic
	size  int
}

func (e *oversizeError) Error() string {
	return fmt.Sprintf("the event at %s is a record of %d bytes, and topic %s takes %d at most (max.message.bytes or segment.bytes): "+
		"raise that, or say with --on-oversize where such events are to go", e.at, e.size, e.topic.Name, e.topic.Limit)
}

// oversized is where events go that their topics do not take, and how many have gone there.
type oversized struct {
	policy  settings.OversizePolicy
	disk    *disk.Disk
	letter  *disk.Lines // with settings.OversizeToFile
	folder  string      // with settings.OversizeToFolder
	monitor sink.Monitor
	n       atomic.Int64
}

// openOversized makes what is needed before the first such event comes, so that a mistake shows at the start.
func openOversized(ctx context.Context, options *settings.Options, d *disk.Disk, monitor sink.Monitor) (*oversized, error) {
	z := &oversized{policy: options.OnOversize, disk: d, monitor: monitor}
	if z.policy != settings.OversizeToFile && z.policy != settings.OversizeToFolder {
		return z, nil
	}
	path, err := filepath.Abs(options.OversizeTo)
	if err != nil {
		return nil, &sink.TargetError{Err: err}
	}
	if z.policy == settings.OversizeToFile {
		z.letter, err = d.OpenLines(ctx, path)
	} else {
		z.folder, err = path, d.MakeDir(ctx, path)
	}
	if err != nil {
		return nil, fmt.Errorf("opening the place for oversized events: %w", err)
	}
	return z, nil
}

// close ends the file, and says how many events there were.
func (z *oversized) close() error {
	if n := z.n.Load(); n > 0 {
		z.monitor.Warn(fmt.Sprintf("kafka: %d events were too large for their topic", n))
	}
	if z.letter == nil {
		return nil
	}
	return z.letter.Close()
}

// oversize makes of a record that is too large one for the dead-letter topic, or one that says where its value is, or a line of a
// file: then nothing is to be sent.
func (d *Batch) oversize(ctx context.Context, topic *topics.Topic, r *kgo.Record, from, size int) (send bool, err error) {
	s := d.maker
	at := string(r.Headers[0].Value)
	target := topic
	var where string
	switch s.oversized.policy {
	case settings.OversizeToTopic:
		target = s.topics.Named(s.o.OversizeTo)
		where = "it goes to topic " + target.Name
		d.headers = append(d.headers, kgo.RecordHeader{Key: headerOversize, Value: []byte(topic.Name)})
		if r.Partition = topics.AnyPartition; r.Key == nil {
			r.Partition = 0
		}
	case settings.OversizeToFile:
		where = "it goes to " + s.oversized.letter.Path()
		err = s.oversized.letter.Append(ctx, letterOf(topic, r))
	case settings.OversizeToFolder:
		where, err = s.oversized.store(ctx, r)
		d.headers[from+contentHeader].Value = []byte(blobContent)
	default:
		err = &oversizeError{at: at, topic: topic, size: size}
		return false, err
	}
	if err != nil {
		return false, fmt.Errorf("storing the event at %s: %w", at, err)
	}
	r.Topic, r.Headers = target.Name, d.headers[from:len(d.headers):len(d.headers)]
	send = s.oversized.policy != settings.OversizeToFile
	if left := recordSize(r); send && left > target.Limit {
		return false, &oversizeError{at: at, topic: target, size: left}
	}
	s.oversized.n.Add(1)
	s.oversized.monitor.Oversized()
	s.warn(fmt.Sprintf("kafka: the event at %s is a record of %d bytes, more than the %d of topic %s: %s", at, size, topic.Limit, topic.Name, where))
	return send, nil
}

// letter is a record as a line of a file. Bytes are base64.
type letter struct {
	Topic   string            `json:"topic"`
	Time    int64             `json:"time"` // in milliseconds since 1970
	Headers map[string]string `json:"headers"`
	Key     []byte            `json:"key"`
	Value   []byte            `json:"value"`
}

func letterOf(topic *topics.Topic, r *kgo.Record) letter {
	l := letter{Topic: topic.Name, Headers: map[string]string{}, Key: r.Key, Value: r.Value}
	if !r.Timestamp.IsZero() {
		l.Time = r.Timestamp.UnixMilli()
	}
	for _, h := range r.Headers {
		l.Headers[h.Key] = string(h.Value)
	}
	return l
}

// blobContent is the content type of a value that says where the event is.
const blobContent = "application/vnd.pikabin.blob+json"

// blob is where an event is that was too large for its topic.
type blob struct {
	URI    string `json:"uri"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

// store puts the value of a record into a file of the folder, and what says where it is into its place.
func (z *oversized) store(ctx context.Context, r *kgo.Record) (where string, err error) {
	sum := sha256.Sum256(r.Value)
	path := filepath.Join(z.folder, blobName(r, sum))
	if err := z.disk.Replace(ctx, path, r.Value); err != nil {
		return "", err
	}
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	b := blob{URI: uri.String(), Size: len(r.Value), SHA256: hex.EncodeToString(sum[:])}
	r.Value, err = json.Marshal(map[string]blob{"blob": b})
	return "its value is in " + b.URI, err
}

// blobName is a name of a file that is the same for the same event: its position, its part if it has one, and what its value is, since
// another history, or another server's, has events at the same positions.
func blobName(r *kgo.Record, sum [sha256.Size]byte) string {
	name := string(r.Headers[0].Value)
	if i := slices.IndexFunc(r.Headers, func(h kgo.RecordHeader) bool { return h.Key == HeaderPart }); i >= 0 {
		name += "-" + string(r.Headers[i].Value)
	}
	return strings.NewReplacer("/", "-", ":", "-").Replace(name) + "-" + hex.EncodeToString(sum[:8])
}
