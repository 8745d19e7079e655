//go:build unix

package replica_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/replica"
	"pikabin/decode/replica/inner"
	"pikabin/decode/replica/link"
)

// TestPurgeBeforeFirst has the server agree to send a log, and purge it before it is asked to: what is gone is missing, and the rest comes.
func TestPurgeBeforeFirst(t *testing.T) {
	for _, version := range []string{"3.2.9", "4.0.1"} {
		synctest.Test(t, func(t *testing.T) {
			var l *live
			var once sync.Once
			l = newLive(t, pikasim.Options{SegmentSize: 2000, Generation: generationOf(t, version)}, pikamaster.Options{Version: version, Mangle: func(m *inner.Response) []*inner.Response {
				if m.GetType() == inner.Type_TRY_SYNC {
					once.Do(func() { l.do(func(s *pikasim.Server) error { return s.Purge(2) }) })
				}
				return []*inner.Response{m}
			}}, nil)
			for range 100 {
				l.put("SET", "key", strings.Repeat("v", 30))
			}
			want := ofFiles(t, l.sim.Dir(), decode.Position{})
			l.open(replica.Start{})
			hole := l.hole()
			_, from, to := hole.Hole()
			if typeOf(hole) != "*decode.PurgedError" || from != (decode.Position{}) || len(l.got.events) > 0 {
				t.Errorf("%s: %d events, %T: %v", version, len(l.got.events), hole, hole)
			}
			l.reads()
			for len(want) > 0 && !to.Before(want[0].end) {
				want = want[1:]
			}
			same(t, want, l.got.events)
			if len(l.got.holes) != 1 {
				t.Errorf("%s: %v", version, l.got.holes)
			}
		})
	}
}

// oddDBs are a DB that is read, and many others.
func oddDBs(l *live, names ...string) []pikamaster.DB {
	list := []pikamaster.DB{{Name: "db0", Dir: l.sim.Dir(), End: l.end}}
	for _, name := range names {
		list = append(list, pikamaster.DB{Name: name, Dir: l.sim.Dir(), End: l.end})
	}
	return list
}

// TestOddDBs reads one DB of a server that has 10,000, or one whose name is no UTF-8. Without being named it is refused, with what to do.
func TestOddDBs(t *testing.T) {
	var many []string
	for i := range 9999 {
		many = append(many, fmt.Sprintf("db%d", i+1))
	}
	for want, names := range map[string][]string{"more than 256 DBs": many, `a DB "db\xff", whose name is no UTF-8`: {"db\xff"}} {
		synctest.Test(t, func(t *testing.T) {
			l := newLive(t, pikasim.Options{}, pikamaster.Options{Visible: true}, func(o *link.Options) {
				o.Visible, o.Want = true, func(id *decode.Log) bool { return id.DB == "db0" }
			})
			l.master.Change(func(o *pikamaster.Options) { o.DBs = oddDBs(l, names...) })
			l.put("SET", "key", "v")
			l.open(replica.Start{})
			l.reads()
			time.Sleep(10 * time.Second)
			l.put("SET", "key", "w")
			l.reads()
			l.check()
			l.o.Want = nil
			s := l.connect()
			defer s.Close()
			begin := func(context.Context, *replica.Log, bool) (replica.Start, error) { return replica.Start{}, nil }
			_, err := replica.Open(t.Context(), s, replica.Logs(s), true, begin)
			if _, ok := errors.AsType[*link.RefusedError](err); !ok || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--db") {
				t.Errorf("%q: %v", want, err)
			}
		})
	}
}
