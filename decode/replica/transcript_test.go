package replica_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikamaster/transcript"
	"pikabin/decode/replica"
	"pikabin/decode/replica/inner"
)

// player is the server's side of a recording: it waits for what the replica wrote then, and compares it.
type player struct {
	tb    testing.TB
	lines []transcript.Line

	played atomic.Bool

	mu   sync.Mutex
	have []string // requests that came, as they were written
	want []string
}

// isPing recognises a request that acknowledges nothing, which may come any time.
func isPing(request []byte) bool {
	return strings.Contains(string(request), "\x22\x08\x08\x00\x10\x00\x18\x00\x20\x00")
}

// play serves one connection.
func (p *player) play(c net.Conn) {
	defer c.Close()
	requests := make(chan []byte, 1000)
	go hear(c, requests)
	for _, l := range p.lines {
		switch l.From {
		case transcript.FromMaster:
			if _, err := c.Write(l.Bytes); err != nil {
				return
			}
		case transcript.FromReplica:
			if isPing(l.Bytes) && !strings.Contains(string(l.Bytes), "\x38\x01") {
				continue
			}
			if !p.expect(requests, l.Bytes) {
				return
			}
		}
	}
	for range requests { // until the replica has read all and leaves
	}
}

// hear reads requests, also while something is sent.
func hear(c net.Conn, requests chan<- []byte) {
	defer close(requests)
	for {
		var head [4]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		body := make([]byte, head[3])
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		requests <- append(head[:], body...)
	}
}

// expect takes requests until one is no ping.
func (p *player) expect(requests <-chan []byte, want []byte) bool {
	for request := range requests {
		if isPing(request) && !strings.Contains(string(request), "\x38\x01") {
			continue
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.have, p.want = append(p.have, p.plain(request)), append(p.want, p.plain(want))
		return p.have[len(p.have)-1] == p.want[len(p.want)-1]
	}
	return false
}

// plain is a request without term and index: real replicas send their own of the latter, and the recorded program sent none.
func (p *player) plain(request []byte) string {
	m := &inner.Request{}
	if err := proto.Unmarshal(request[4:], m); err != nil {
		p.tb.Error(err)
	}
	for _, o := range []*inner.BinlogOffset{m.GetBinlogSync().GetAckFrom(), m.GetBinlogSync().GetAckTo()} {
		if o != nil {
			o.Term, o.Index = nil, nil
		}
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		p.tb.Error(err)
	}
	return string(b)
}

// TestReplay reads from recordings of real servers: what we send is what was sent then, in the same order, and all records come.
func TestReplay(t *testing.T) {
	for name, c := range map[string]struct{ from, to decode.Position }{
		"a-fresh-0-0":        {decode.Position{}, decode.Position{Offset: 202079}},
		"b-resume":           {decode.Position{Offset: 783}, decode.Position{Offset: 202079}},
		"k-end-of-segment":   {decode.Position{Segment: 0, Offset: 66824}, decode.Position{}},
		"k-begin-of-segment": {decode.Position{Segment: 1}, decode.Position{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := transcript.Named(t, name)
			i := slices.IndexFunc(s.Lines, func(l transcript.Line) bool { return l.IsConnect() })
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, pikamaster.Options{DBs: []pikamaster.DB{{Name: "db0", End: func() decode.Position { return decode.Position{Segment: 9} }}}})
				p := &player{tb: t, lines: s.Lines[i+1:]}
				dial := r.o.Dial
				r.o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					if !strings.HasSuffix(address, ":11221") {
						return dial(ctx, network, address)
					}
					if p.played.Swap(true) {
						return nil, errors.New("the recording is over")
					}
					here, there := net.Pipe()
					go p.play(there)
					return here, nil
				}
				r.o.Visible, r.o.As = true, "127.0.0.1:9"
				got, err := r.readFor(c.from, time.Minute)
				if err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Fatal(err)
				}
				p.mu.Lock()
				defer p.mu.Unlock()
				if !slices.Equal(p.want, p.have) {
					for i := range p.want {
						if p.want[i] != p.have[i] {
							t.Fatalf("request %d:\n%x, want\n%x", i, p.have[i], p.want[i])
						}
					}
				}
				if len(got.events) == 0 || c.to != (decode.Position{}) && got.at != c.to {
					t.Errorf("%d events, up to %v", len(got.events), got.at)
				}
			})
		})
	}
}

// readFor reads for some time.
func (r *rig) readFor(from decode.Position, long time.Duration) (*reader, error) {
	r.Helper()
	s := r.connect()
	defer s.Close()
	stream, err := replica.Open(r.Context(), s, replica.Logs(s), true, func(context.Context, *replica.Log, bool) (replica.Start, error) {
		return replica.Start{From: from}, nil
	})
	if err != nil {
		r.Fatal(err)
	}
	defer stream.Close()
	got := newReader(r)
	ctx, cancel := context.WithTimeout(r.Context(), long)
	defer cancel()
	for {
		chunk, err := stream.Next(ctx)
		if err == nil {
			err = got.take(&chunk)
		}
		if err != nil {
			return got, err
		}
	}
}
