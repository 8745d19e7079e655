package decode

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// ownRoom leaves out of a comparison what no event shows.
var ownRoom = cmp.Options{
	cmpopts.IgnoreUnexported(Change{}),
	cmp.Transformer("list", func(e Elements) []Element { return slices.Collect(e.All()) }),
}

func TestLookupCommand(t *testing.T) {
	for _, cmd := range Commands() {
		mixed := strings.ToUpper(cmd.Name[:1]) + cmd.Name[1:]
		for _, name := range []string{cmd.Name, strings.ToUpper(cmd.Name), mixed} {
			if LookupCommand([]byte(name)) != cmd {
				t.Errorf("%s is not found", name)
			}
		}
	}
}

func TestLookupCommandUnknown(t *testing.T) {
	names := []string{
		"", "s", "se", "360flushdb", "ge\xd4", "se\x00", "\x13et", "flushdb ", "flushdb\x00", "zremrangebyscores",
		"slotsmgrt\rexec-wrapper", "slotsmgrt-EXTC-wrapper", "slotsmgrt-exec-wrapper-", "pkpatternmatchxel", "\u017fet",
	}
	for _, cmd := range Commands() {
		names = append(names, cmd.Name+"q", cmd.Name[1:]+"!", cmd.Name[:len(cmd.Name)-1]+"_")
	}
	for _, name := range names {
		if cmd := LookupCommand([]byte(name)); cmd != nil {
			t.Errorf("%q is taken for %s", name, cmd.Name)
		}
	}
}

// TestLookupCommandProbes keeps the hash what it is for: a new command that collides with others is
// found here and not in a profile.
func TestLookupCommandProbes(t *testing.T) {
	for _, cmd := range Commands() {
		at := slotOf(cmd.lo, cmd.hi)
		if commandIndex[at%indexSlots] != cmd && commandIndex[(at+1)%indexSlots] != cmd {
			t.Errorf("%s is found at the third probe or later", cmd.Name)
		}
	}
}

func TestCommandsAreSortedAndComplete(t *testing.T) {
	all := Commands()
	if !slices.IsSortedFunc(all, func(a, b *Command) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("not sorted")
	}
	for _, cmd := range all {
		if cmd.Name != strings.ToLower(cmd.Name) || cmd.min < 1 || cmd.max < cmd.min || cmd.build == nil {
			t.Errorf("%s is not a whole entry", cmd.Name)
		}
		if cmd.NoEffect != (cmd.Op == OpOther) {
			t.Errorf("%s: NoEffect is %v and the op is %v", cmd.Name, cmd.NoEffect, cmd.Op)
		}
	}
}

// TestNumber: the number of an event's command is the place of its name among all, and an event that is called otherwise has none.
func TestNumber(t *testing.T) {
	understood := 0
	for i, name := range CommandNames() {
		argv := [][]byte{[]byte(name), []byte("1-1"), []byte("2"), []byte("3"), []byte("4"), []byte("5"), []byte("6"), []byte("7")}
		cmd, c, built := LookupCommand(argv[0]), &Change{}, false
		for n := 1; n <= len(argv) && !built; n++ {
			cmd.Build(c, argv[:n], 0)
			built = c.Understood()
		}
		if want := map[bool]int{true: i, false: -1}[built]; c.Number() != want {
			t.Errorf("%s has the number %d, want %d", name, c.Number(), want)
		}
		if built {
			understood++
		}
		if c.Cmd = "renamed"; c.Number() != -1 {
			t.Errorf("%s with another name has the number %d", name, c.Number())
		}
	}
	if all := len(Commands()); understood < all*9/10 {
		t.Errorf("%d of %d commands were understood", understood, all)
	}
}

// TestElementsSize adds up the elements of each layout one by one.
func TestElementsSize(t *testing.T) {
	args := make([][]byte, 12)
	for i := range args {
		args[i] = make([]byte, 1<<i)
	}
	for l := range layout(len(sizes)) {
		e, want := Elements{args, l}, 0
		for el := range e.All() {
			want += len(el.Field) + len(el.Value)
		}
		if got := e.Size(); got != want || got == 0 {
			t.Errorf("layout %d: %d bytes, want %d", l, got, want)
		}
	}
}

func TestParts(t *testing.T) {
	tests := []struct {
		argv string
		want int
	}{
		{"del", 1},
		{"del a", 1},
		{"del a b a", 3},
		{"UNLINK a b", 2},
		{"mset a 1", 1},
		{"mset a 1 b 2 c 3", 3},
		{"mset a 1 b", 1},
		{"mset a", 1},
		{"mset", 1},
		{"msetnx a 1 b 2", 2},
		{"sadd k a b c", 1},
		{"sunionstore d a b", 1},
	}
	for _, test := range tests {
		argv := bytes.Fields([]byte(test.argv))
		if got := LookupCommand(argv[0]).Parts(argv); got != test.want {
			t.Errorf("%s: %d parts, want %d", test.argv, got, test.want)
		}
	}
}

// describe writes what Build fills, an absent field as nothing: op type effect, then the fields.
func describe(c *Change) string {
	b := fmt.Append(nil, c.Op)
	if c.Type != TypeNone {
		b = fmt.Appendf(b, " %v", c.Type)
	}
	b = fmt.Appendf(b, " %v", c.Effect)
	for _, field := range []struct {
		name  string
		value []byte
	}{{"key", c.Key}, {"value", c.Value}, {"id", c.EntryID}, {"delta", c.Delta}} {
		if field.value != nil {
			b = fmt.Appendf(b, " %s=%s", field.name, field.value)
		}
	}
	for e := range c.Elements.All() {
		b = fmt.Appendf(b, " {%s %s %s}", e.Field, e.Value, e.Score)
	}
	if c.Has&HasExpireAt != 0 {
		b = fmt.Appendf(b, " at=%d%v", c.ExpireAt, c.Precision)
	}
	if c.Scope != "" {
		b = fmt.Appendf(b, " scope=%s", c.Scope)
	}
	if len(c.Args) > 0 {
		b = fmt.Appendf(b, " args=%s", bytes.Join(c.Args, []byte(",")))
	}
	return string(b)
}

// recordTime is the time of the records of this file.
const recordTime = 1700000000

func describeParts(parts []Change) string {
	var all []string
	for i := range parts {
		all = append(all, describe(&parts[i]))
	}
	return strings.Join(all, " | ")
}

func TestBuild(t *testing.T) {
	tests := []struct{ argv, want string }{
		{"SET k v", "set string exact key=k value=v at=0"},
		{"SET k v ex 10", "set string exact key=k value=v at=1700000010000derived args=ex,10"},
		{"SET k v PX 1500", "set string exact key=k value=v at=1700000001500derived args=PX,1500"},
		{"SET k v ex 0", "set string exact key=k value=v at=0 args=ex,0"},
		{"SET k v ex 5 ex 0", "set string exact key=k value=v at=0 args=ex,5,ex,0"},
		{"SET k v nx", "set string relative key=k value=v at=0 args=nx"},
		{"SET k v XX EX 5", "set string relative key=k value=v at=1700000005000derived args=XX,EX,5"},
		{"SET k v VX old EX 5", "set string relative key=k value=v at=1700000005000derived args=VX,old,EX,5"},
		{"getset k v", "set string exact key=k value=v at=0"},
		{"setnx k v", "set string relative key=k value=v at=0"},
		{"setex k 10 v", "set string exact key=k value=v at=1700000010000derived"},
		{"setex k 010 v", "set string exact key=k value=v at=1700000010000derived args=010"},
		{"setex k 0 v", "set string exact key=k value=v at=0"},
		{"setex k -1 v", "set string exact key=k value=v at=0 args=-1"},
		{"setex k 9223372036854775807 v", "set string exact key=k value=v at=9223372036854775807derived args=9223372036854775807"},
		{"psetex k 10 v", "set string exact key=k value=v at=1700000000010derived"},
		{"pksetexat k 0 v", "set string exact key=k value=v at=0"},
		{"pksetexat k 1795364538 v", "set string exact key=k value=v at=1795364538000s"},
		{"pksetexat k 99999999999 v", "set string exact key=k value=v at=99999999999000s"},
		{"pksetexat k 100000000000 v", "set string exact key=k value=v at=100000000000ms"},
		{"pksetexat k -5 v", "set string exact key=k value=v at=-5000s"},
		{"pksetexat k -9223372036854775808 v", "set string exact key=k value=v at=-9223372036854775808s args=-9223372036854775808"},
		{"mset a 1 b 2", "set string exact key=a value=1 at=0 | set string exact key=b value=2 at=0"},
		{"msetnx a 1 a 2", "set string relative key=a value=1 at=0 | set string relative key=a value=2 at=0"},
		{"append k v", "update string relative key=k value=v"},
		{"setrange k 5 v", "update string exact key=k value=v args=5"},
		{"setbit k 7 1", "update bitmap exact key=k value=1 args=7"},
		{"incr k", "update string relative key=k delta=1"},
		{"decr k", "update string relative key=k delta=-1"},
		{"incrby k -5", "update string relative key=k delta=-5"},
		{"decrby k 5", "update string relative key=k delta=-5"},
		{"decrby k -5", "update string relative key=k delta=5"},
		{"decrby k +5", "update string relative key=k delta=-5 args=+5"},
		{"decrby k 0", "update string relative key=k delta=0"},
		{"decrby k -0", "update string relative key=k delta=0 args=-0"},
		{"incrbyfloat k 2e2", "update string relative key=k delta=2e2"},
		{"bitop AND d a b", "store bitmap relative key=d args=AND,a,b"},
		{"del a b", "delete exact key=a | delete exact key=b"},
		{"delvx k v", "delete string relative key=k args=v"},
		{"pkpatternmatchdel m* string", "delete unknown args=m*,string"},
		{"expire k 10", "expire exact key=k at=1700000010000derived"},
		{"pexpire k -5", "expire exact key=k at=1699999999995derived"},
		{"expireat k 1795364538", "expire exact key=k at=1795364538000s"},
		{"expireat k -1", "expire exact key=k at=-1000s"},
		{"expireat k 0", "expire exact key=k at=1s args=0"},
		{"expireat k 9223372036854775", "expire exact key=k at=9223372036854775000s"},
		{"expireat k 9223372036854776", "expire exact key=k at=9223372036854775807s args=9223372036854776"},
		{"pexpireat k 1795364538123", "expire exact key=k at=1795364538123ms"},
		{"persist k", "persist exact key=k at=0"},
		{"flushdb", "flush exact"},
		{"flushdb hash", "flush exact args=hash"},
		{"flushall", "flush exact scope=instance"},
		{"hset k f v", "update hash exact key=k {f v }"},
		{"hmset k f v g w", "update hash exact key=k {f v } {g w }"},
		{"hsetnx k f v", "update hash relative key=k {f v }"},
		{"hincrby k f 5", "update hash relative key=k delta=5 {f  }"},
		{"hdel k f g", "remove hash exact key=k {f  } {g  }"},
		{"rpush k a b", "update list relative key=k { a } { b }"},
		{"lset k 0 v", "update list exact key=k { v } args=0"},
		{"linsert k BEFORE p v", "update list relative key=k { v } args=BEFORE,p"},
		{"lpop k 2", "remove list relative key=k args=2"},
		{"lrem k -1 v", "remove list relative key=k { v } args=-1"},
		{"ltrim k 0 -1", "remove list relative key=k args=0,-1"},
		{"rpoplpush s d", "store list relative key=d args=s"},
		{"blpop a b 0", "remove list unknown key=a args=b,0"},
		{"sadd k a", "update set exact key=k { a }"},
		{"spop k", "remove set unknown key=k"},
		{"smove s d m", "store set relative key=d { m } args=s"},
		{"sunionstore d a b", "store set relative key=d args=a,b"},
		{"zadd k 1.5 a -inf b", "update zset exact key=k { a 1.5} { b -inf}"},
		{"zadd k CH 1 a", "update zset exact key=k { a 1} args=CH"},
		{"zadd k NX ch 1 a", "update zset relative key=k { a 1} args=NX,ch"},
		{"zincrby k 2.5 a", "update zset relative key=k delta=2.5 { a }"},
		{"zremrangebyscore k (1 +inf", "remove zset exact key=k args=(1,+inf"},
		{"zremrangebyrank k 0 1", "remove zset relative key=k args=0,1"},
		{"zunionstore d 2 a b WEIGHTS 1 2", "store zset relative key=d args=2,a,b,WEIGHTS,1,2"},
		{"geoadd k 13.3 38.1 p 15 37 c", "update geo exact key=k { p } { c } args=13.3,38.1,15,37"},
		{"geoadd k XX 13.3 38.1 p", "update geo relative key=k { p } args=XX,13.3,38.1"},
		{"pfadd k", "update hll exact key=k"},
		{"pfmerge d a", "store hll relative key=d args=a"},
		{"xadd k 1-1 f v g w", "update stream exact key=k id=1-1 {f v } {g w }"},
		{"xadd k MAXLEN ~ 2 5 f v", "update stream relative key=k id=5 {f v } args=MAXLEN,~,2"},
		{"xadd k NOMKSTREAM 1-1 f v", "update stream relative key=k id=1-1 {f v } args=NOMKSTREAM"},
		{"xadd k * f v", "update stream unknown key=k id=* {f v }"},
		{"xdel k 1-1 2-1", "remove stream exact key=k { 1-1 } { 2-1 }"},
		{"xtrim k MAXLEN 1", "remove stream relative key=k args=MAXLEN,1"},
		{"xtrim k MINID = 100", "remove stream exact key=k args=MINID,=,100"},
		{"xtrim k MINID ~ 100 LIMIT 5", "remove stream relative key=k args=MINID,~,100,LIMIT,5"},
		{"PADDING ***", "other exact args=***"},
		{"slotsmgrt-exec-wrapper k SET k v", "other exact args=k,SET,k,v"},
	}
	for _, test := range tests {
		got := describeParts(buildParts(bytes.Fields([]byte(test.argv)), HasTime, recordTime))
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.argv, got, test.want)
		}
	}
}

func TestBuildWithoutTime(t *testing.T) {
	tests := []struct{ argv, want string }{
		{"setex k 10 v", "set string relative key=k value=v args=10"},
		{"set k v ex 10", "set string relative key=k value=v args=ex,10"},
		{"set k v ex 0", "set string exact key=k value=v at=0 args=ex,0"},
		{"expire k 10", "expire relative key=k args=10"},
		{"expireat k 10", "expire exact key=k at=10000s"},
	}
	for _, test := range tests {
		got := describeParts(buildParts(bytes.Fields([]byte(test.argv)), 0, 0))
		if got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.argv, got, test.want)
		}
	}
}

func TestBuildMalformed(t *testing.T) {
	tests := map[string]string{
		"too few arguments":           "set k",
		"no arguments":                "del",
		"too many arguments":          "getset k v w",
		"half a pair":                 "mset a 1 b",
		"field without a value":       "hmset k f v g",
		"score that is no number":     "zadd k one a",
		"score that is not a number":  "zadd k nan a",
		"member without a score":      "zadd k 1 a 2",
		"only options":                "zadd k nx ch",
		"delta that is no number":     "incrby k five",
		"loss that is no number":      "decrby k -",
		"field delta with a tail":     "hincrby k f 5x",
		"deadline with a tail":        "expireat k 10s",
		"deadline that is a sign":     "pksetexat k - v",
		"lifetime that is a word":     "setex k ten v",
		"unknown option":              "set k v keepttl",
		"option without its time":     "set k v ex",
		"option with a wrong time":    "set k v nx px soon",
		"vx without a value":          "set k v vx",
		"entry id that is no id":      "xadd k 1-x f v",
		"entry without fields":        "xadd k maxlen 5 1-1",
		"threshold missing":           "xtrim k maxlen ~",
		"trimmed by nothing":          "xtrim k by 5",
		"longitude that is no number": "geoadd k east 38 p",
		"latitude missing":            "geoadd k 13 p",
	}
	for name, text := range tests {
		argv := bytes.Fields([]byte(text))
		parts := buildParts(argv, HasTime, recordTime)
		want := staleChange()
		want.Has, want.Time = HasTime|HasExpireAt, recordTime
		BuildOther(&want, argv)
		want.Cmd = string(argv[0])
		if diff := cmp.Diff([]Change{want}, parts, ownRoom); diff != "" {
			t.Errorf("%s: not the event of an unknown command (-want +got):\n%s", name, diff)
		}
	}
}

func TestBuildOther(t *testing.T) {
	c := staleChange()
	c.Has = HasExpireAt | HasTerm
	BuildOther(&c, toArgv("360custom", "a", "b"))
	want := Change{Effect: EffectUnknown, Cmd: "old", Has: HasTerm, Args: toArgv("a", "b")}
	if diff := cmp.Diff(want, c, ownRoom); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBuildLeavesTheRest has a Change that is full of what is not Build's.
func TestBuildLeavesTheRest(t *testing.T) {
	c := Change{
		Log: &Log{DB: "db0"}, Segment: 1, Offset: 2, End: 3, Part: 4, Parts: 5, Has: HasTime | HasTerm, LogicID: 6,
		Term: 7, ServerID: 8, Time: 9, Reason: "r", Argv: toArgv("set", "k", "v"),
	}
	want := c
	want.Has |= HasExpireAt
	want.Op, want.Type, want.Cmd, want.Key, want.Value = OpSet, TypeString, "set", c.Argv[1], c.Argv[2]
	LookupCommand(c.Argv[0]).Build(&c, c.Argv, 0)
	if diff := cmp.Diff(want, c, ownRoom); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBuildKeepsEmptyArguments(t *testing.T) {
	c := buildParts(toArgv("hset", "", "", ""), HasTime, recordTime)[0]
	if c.Key == nil || c.Elements.At(0).Field == nil || c.Elements.At(0).Value == nil {
		t.Errorf("%#v: an empty argument became an absent one", c)
	}
	if c.Value != nil || c.Elements.At(0).Score != nil {
		t.Errorf("%#v: an absent part became an empty one", c)
	}
}

func TestBuildNumbersItsParts(t *testing.T) {
	for i, c := range buildParts(toArgv("del", "a", "b", "c"), HasTime, recordTime) {
		if c.KeyIndex != i || len(c.Args) > 0 {
			t.Errorf("part %d: KeyIndex %d, args %q", i, c.KeyIndex, c.Args)
		}
	}
}
