//go:build unix

package replica_test

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"google.golang.org/protobuf/proto"

	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/replica"
	"pikabin/decode/replica/inner"
)

// items are those of a message that carries records.
func items(m *inner.Response) []*inner.Response_BinlogSync {
	if list := m.GetBinlogSync(); len(list) > 0 && len(list[0].GetPayload()) > 0 {
		return list
	}
	return nil
}

// only makes a fault of something that is done to the last record of a message.
func only(change func(it *inner.Response_BinlogSync)) func(m *inner.Response) []*inner.Response {
	return func(m *inner.Response) []*inner.Response {
		if list := items(m); list != nil {
			m = proto.CloneOf(m)
			change(m.GetBinlogSync()[len(list)-1])
		}
		return []*inner.Response{m}
	}
}

// faults are what no server does.
var faults = map[string]func(m *inner.Response) []*inner.Response{
	"doubled": func(m *inner.Response) []*inner.Response {
		if list := items(m); list != nil {
			m = proto.CloneOf(m)
			m.BinlogSync = append(m.BinlogSync, m.GetBinlogSync()[len(list)-1])
		}
		return []*inner.Response{m}
	},
	"a message twice": func(m *inner.Response) []*inner.Response { return []*inner.Response{m, m} },
	"left out": func(m *inner.Response) []*inner.Response {
		if list := items(m); len(list) > 2 {
			m = proto.CloneOf(m)
			m.BinlogSync = append(m.BinlogSync[:1], m.GetBinlogSync()[2:]...)
		}
		return []*inner.Response{m}
	},
	"out of order": func(m *inner.Response) []*inner.Response {
		if list := items(m); len(list) > 1 {
			m = proto.CloneOf(m)
			m.BinlogSync[0], m.BinlogSync[1] = m.GetBinlogSync()[1], m.GetBinlogSync()[0]
		}
		return []*inner.Response{m}
	},
	"another DB":      only(func(it *inner.Response_BinlogSync) { it.Slot.Db = new("db1") }),
	"another session": only(func(it *inner.Response_BinlogSync) { it.Session = new(it.GetSession() + 1) }),
	"moved by one":    only(func(it *inner.Response_BinlogSync) { it.End.Offset = new(it.GetEnd().GetOffset() + 1) }),
	"next segment":    only(func(it *inner.Response_BinlogSync) { it.End.Segment = new(it.GetEnd().GetSegment() + 1) }),
	"far segment":     only(func(it *inner.Response_BinlogSync) { it.End.Segment = new(it.GetEnd().GetSegment() + 7) }),
	"cut by one":      only(func(it *inner.Response_BinlogSync) { it.Payload = it.GetPayload()[:len(it.GetPayload())-1] }),
	"longer by one":   only(func(it *inner.Response_BinlogSync) { it.Payload = append(it.GetPayload(), '\n') }),
	"content lies":    only(func(it *inner.Response_BinlogSync) { it.Payload[30]++ }),
	"no position":     only(func(it *inner.Response_BinlogSync) { it.End = nil }),
	"no session":      only(func(it *inner.Response_BinlogSync) { it.Session = nil }),
	"an answer to nobody": func(m *inner.Response) []*inner.Response {
		return []*inner.Response{m, {Type: inner.Type_TRY_SYNC.Enum(), Code: inner.Code_OK.Enum()}}
	},
	"an answer before the question": func(m *inner.Response) []*inner.Response {
		return []*inner.Response{{Type: inner.Type_BINLOG_SYNC.Enum(), Code: inner.Code_OK.Enum()}, m}
	},
	"nothing": func(*inner.Response) []*inner.Response { return nil },
	"errors": func(*inner.Response) []*inner.Response {
		return []*inner.Response{{Type: inner.Type_TRY_SYNC.Enum(), Code: inner.Code_OK.Enum(), TrySync: &inner.Response_TrySync{Reply: inner.Reply_SYNC_ERROR.Enum()}}}
	},
	"no type": func(*inner.Response) []*inner.Response { return []*inner.Response{{}} },
}

// TestAdversary reads from a server that does, for one message, what no server does. Whatever it is: all records come, each once.
func TestAdversary(t *testing.T) {
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 1; at <= 6; at++ {
				synctest.Test(t, func(t *testing.T) {
					var mu sync.Mutex
					messages := 0
					mangle := func(m *inner.Response) []*inner.Response {
						mu.Lock()
						defer mu.Unlock()
						if messages++; messages != at {
							return []*inner.Response{m}
						}
						return fault(m)
					}
					l := newLive(t, pikasim.Options{SegmentSize: 2000}, pikamaster.Options{Mangle: mangle, Batch: 20}, nil)
					for range 100 {
						l.put("SET", "key", strings.Repeat("v", 30))
					}
					l.open(replica.Start{})
					l.reads()
					if len(l.got.holes) > 0 {
						t.Errorf("message %d: %v", at, l.got.holes)
					}
					l.check()
				})
			}
		})
	}
}

// TestStubborn reads from a server that leaves out a record again and again, or sends one that makes no sense: it is named, and not passed over.
func TestStubborn(t *testing.T) {
	for name, want := range map[string]string{"moved by one": "*chain.UnreadableError", "content lies": "*chain.UnreadableError", "far segment": "*chain.LeftOutError"} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			messages := 0
			l := newLive(t, pikasim.Options{SegmentSize: 2000}, pikamaster.Options{Batch: 20, Mangle: func(m *inner.Response) []*inner.Response {
				mu.Lock()
				defer mu.Unlock()
				if messages++; messages < 3 {
					return []*inner.Response{m}
				}
				return faults[name](m)
			}}, nil)
			for range 60 {
				l.put("SET", "key", strings.Repeat("v", 30))
			}
			l.open(replica.Start{})
			hole := l.hole()
			if _, from, to := hole.Hole(); typeOf(hole) != want || !from.Before(to) || from != l.got.events[len(l.got.events)-1].end {
				t.Errorf("%s: %T from %v to %v: %v", name, hole, from, to, hole)
			}
		})
	}
}
