//go:build (s3 || etcd) && unix

package torture

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"pikabin/encode/cli/clitest"
	"pikabin/encode/cli/exit"
	"pikabin/encode/output/object/s3test"
)

// s3Rig is a prefix of the real server, as a consumer sees it.
type s3Rig struct {
	client *minio.Client
	target string
	prefix string

	etags map[string]string // of what was seen
	rows  map[string]string // which object a row is in, by its text
}

// newS3Rig is a prefix of what scripts/s3.sh has started.
func newS3Rig(t *testing.T) *s3Rig {
	t.Helper()
	endpoint := s3test.Real(t)
	client, err := minio.New(strings.TrimPrefix(endpoint, "http://"), &minio.Options{Creds: credentials.NewEnvAWS(), Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	s := &s3Rig{client: client, prefix: fmt.Sprintf("torture-%08x/", rand.Uint32()), etags: map[string]string{}, rows: map[string]string{}}
	s.target = "s3://bucket/" + s.prefix + "?endpoint=" + endpoint + "&region=us-east-1"
	return s
}

// list lists once, and looks at every row of what is new: it is in no other object, and what was there is as it was.
func (s *s3Rig) list(ctx context.Context) error {
	for o := range s.client.ListObjectsIter(ctx, "bucket", minio.ListObjectsOptions{Prefix: s.prefix, Recursive: true}) {
		if o.Err != nil {
			return o.Err
		}
		name := strings.TrimPrefix(o.Key, s.prefix)
		was, seen := s.etags[name]
		switch {
		case strings.HasPrefix(filepath.Base(name), "."):
		case seen && was != o.ETag:
			return fmt.Errorf("%s has changed after it was there", name)
		case !seen:
			s.etags[name] = o.ETag
			if err := s.read(ctx, name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// read remembers the rows of an object.
func (s *s3Rig) read(ctx context.Context, name string) error {
	text, err := s.text(ctx, name)
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if other, twice := s.rows[line]; twice {
			return fmt.Errorf("a row is in %s, too: %.200s", other, line)
		}
		s.rows[line] = name
	}
	return nil
}

func (s *s3Rig) text(ctx context.Context, name string) (string, error) {
	o, err := s.client.GetObject(ctx, "bucket", s.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return "", err
	}
	defer o.Close()
	r, err := unpack(name, o)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	return string(text), err
}

// watch lists all the time until the function that it returns is called.
func (s *s3Rig) watch(t *testing.T) (stop func() (listings int)) {
	t.Helper()
	done, listings := make(chan struct{}), 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if err := s.list(t.Context()); err != nil {
				t.Error(err)
				return
			}
			listings++
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond): // a consumer, that leaves something to the others
			}
		}
	})
	return func() int {
		close(done)
		wg.Wait()
		return listings
	}
}

// TestRealS3Torture kills pikabin again and again, beside one that lists the bucket, and compares what is there in the end with what was
// committed: each record is there once, in order, and no listing has shown one twice.
func TestRealS3Torture(t *testing.T) {
	s := newS3Rig(t)
	r := newRound(t, scenario{
		name: "s3", output: s.target, args: []string{"--compress", "zstd", "--roll-size", "20KiB", "--roll-interval", "300ms"},
		writer: []string{"--value-size", "10..200", "--rate", "300", "--duration", "2h"},
		ends:   func(_ *clitest.Program, code int) bool { return code == exit.Interrupted }, // before the output was open
	}, roundDir(t), *tortureSeed)
	stop := s.watch(t)
	for deadline := time.Now().Add(*tortureTime); r.kills < max(*tortureKills, 20) && time.Now().Before(deadline) && !t.Failed(); {
		if r.random.IntN(20) == 0 {
			r.run(func(p *clitest.Program) {
				s3Moments[r.random.IntN(len(s3Moments))](r, p)
				p.Signal(syscall.SIGTERM)
			})
			r.stops++
			continue
		}
		r.run(func(p *clitest.Program) {
			s3Moments[r.random.IntN(len(s3Moments))](r, p)
			p.After(r.random, 5*time.Millisecond)
			r.kill(p)
		})
	}
	r.writer.Quit()
	r.run(func(*clitest.Program) {}, r.last()...)
	listings := stop()
	if err := s.list(t.Context()); err != nil {
		t.Fatal(err)
	}
	h := readHistory(t, r.journal(), r.log())
	a := account{history: h, next: map[string]int{}}
	for _, name := range s.names() {
		text, err := s.text(t.Context(), name)
		if err == nil {
			err = a.takeAll(strings.NewReader(text), false)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := a.complete(); err != nil {
		t.Error(err)
	}
	clitest.Start(t, nil, "verify-output", r.log(), s.target).Exits(0)
	t.Logf("%d kills, %d stops, %d listings, %d objects, %d of %d records, 0 missing, 0 twice", r.kills, r.stops, listings, len(s.etags), a.records, h.records())
}

// s3Moments are where a run is killed.
var s3Moments = []func(r *round, p *clitest.Program){
	func(r *round, p *clitest.Program) { p.After(r.random, 100*time.Millisecond) },
	func(r *round, p *clitest.Program) { p.After(r.random, 1500*time.Millisecond) },
	func(_ *round, p *clitest.Program) { p.Says(": from ") },
	func(r *round, p *clitest.Program) { r.saved(p) },
	func(r *round, p *clitest.Program) { r.saved(p); p.Event(r.state()+".spool", r.random, 40) }, // parts, and marks of what was sent
	func(r *round, p *clitest.Program) { r.saved(p); p.Event(r.state()+".spool", r.random, 40) },
}

// names are the objects, in the order of the logs.
func (s *s3Rig) names() []string {
	var names []string
	for name := range s.etags {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
