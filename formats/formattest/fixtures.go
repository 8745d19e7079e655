package formattest

import (
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// FixtureChanges are the first changes of all the commands that real servers logged. All are said to be of no slot, since
// the log of a slot has parts of commands only.
func FixtureChanges(t *testing.T) []*decode.Change {
	t.Helper()
	var list []*decode.Change
	for _, log := range binlogtest.FixtureLogs(t) {
		id := &decode.Log{DB: log.DB, Slot: -1}
		for _, r := range log.Records(t) {
			if len(r.Argv) > 0 {
				list = append(list, fixtureChange(id, &r))
			}
		}
	}
	return list
}

// fixtureChange is the first change of a record. A name that is no known command's is kept as it is.
func fixtureChange(log *decode.Log, r *binlogtest.FixtureRecord) *decode.Change {
	c := &decode.Change{
		Log: log, Segment: r.Segment, Offset: r.Offset, End: r.Next, Argv: r.Argv,
		Has: decode.HasLogicID | decode.HasTerm | decode.HasTime, LogicID: r.LogicID, Term: r.Term, Time: r.Time,
	}
	if cmd := decode.LookupCommand(r.Argv[0]); cmd != nil {
		cmd.Build(c, r.Argv, 0)
		return c
	}
	decode.BuildOther(c, r.Argv)
	c.Cmd = string(r.Argv[0])
	return c
}
