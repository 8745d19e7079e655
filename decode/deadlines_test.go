package decode_test

import (
	"math/rand/v2"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikakeys"
)

// TestEventsTellTheDeadlines runs random commands on a model of each version. What an event says of the deadline of its key is so, and
// where it says nothing the key keeps the one that it has.
func TestEventsTellTheDeadlines(t *testing.T) {
	for version, g := range map[string]decode.Generation{
		"2.2.6": decode.G1, "2.3.6": decode.G2, "3.0.4": decode.G3, "3.0.16": decode.G3, "3.2.9": decode.G3, "3.3.6": decode.G4, "3.4.1": decode.G4,
		"3.5.5": decode.G5, "4.0.1": decode.G5,
	} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(4, 4))
			s := pikakeys.New(version, binlogtest.DefaultTime)
			d := newDecoder(t, decode.DecoderOptions{Before35: g == decode.G4})
			for range 4000 {
				argv := s.Random(r)
				before := map[string]*pikakeys.Key{}
				for _, name := range argv {
					before[name] = s.Find(name)
				}
				w := binlogtest.NewWriter(binlogtest.Options{Generation: g, Time: uint32(s.Now)})
				for _, record := range s.Do(argv...) {
					w.Commands(record...)
				}
				for _, c := range changes(t, d, g, nil, w) {
					checkDeadline(t, s.Now, &c, before[string(c.Key)], s.Find(string(c.Key)))
				}
				s.Now += max(0, r.Int64N(15)-13)
			}
		})
	}
}

// checkDeadline compares an event with its key before and after.
func checkDeadline(t *testing.T, now int64, c *decode.Change, before, after *pikakeys.Key) {
	t.Helper()
	lost := c.Cmd == "pksetexat" && c.ExpireAt == 0                              // which 3.5.5 logs for keys that keep theirs
	ignored := c.Op == decode.OpExpire && after != nil && after.Type == "stream" // by the servers, which log it all the same
	if after == nil || lost || ignored {
		return
	}
	kept := before != nil && before.Expires == after.Expires
	if c.Has&decode.HasExpireAt == 0 {
		if before != nil && !kept && before.Type == after.Type {
			t.Errorf("%q: the deadline was %d and is %d, of which the event says nothing", c.Argv, before.Expires, after.Expires)
		}
		return
	}
	off := c.ExpireAt - after.Expires
	told := off == 0 || !c.Before35 && c.Precision == decode.PrecisionDerived && (off > 0 && off < 1000 || after.Expires == 0 && c.ExpireAt/1000 == now)
	if !told && (c.Effect != decode.EffectRelative || !kept) {
		t.Errorf("%q: the deadline is %d, and the event says %d", c.Argv, after.Expires, c.ExpireAt)
	}
}
