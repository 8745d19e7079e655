package decode

import "testing"

// hotCommands holds commands in the forms that logs are full of.
var hotCommands = []struct {
	name string
	argv []string
}{
	{"set", []string{"SET", "user:1234567", "some value"}},
	{"set ex nx", []string{"SET", "user:1234567", "some value", "EX", "1000", "NX"}},
	{"pksetexat", []string{"pksetexat", "user:1234567", "1795364538", "some value"}},
	{"expireat", []string{"expireat", "user:1234567", "1795364538"}},
	{"del", []string{"del", "user:1234567"}},
	{"hset", []string{"HSET", "user:1234567", "field", "value"}},
	{"hmset 4", []string{"hmset", "user:1234567", "a", "1", "b", "2", "c", "3", "d", "4"}},
	{"zadd", []string{"ZADD", "board", "1234.5", "user:1234567"}},
	{"lpush", []string{"lpush", "list", "item"}},
	{"xadd", []string{"XADD", "stream", "MAXLEN", "~", "1000", "1795360711391-0", "field", "value"}},
}

func toArgv(args ...string) [][]byte {
	argv := make([][]byte, len(args))
	for i, arg := range args {
		argv[i] = []byte(arg)
	}
	return argv
}

func TestBuildAllocatesNothing(t *testing.T) {
	for _, test := range hotCommands {
		argv := toArgv(test.argv...)
		c := Change{Has: HasTime, Time: 1795364538}
		n := testing.AllocsPerRun(100, func() { LookupCommand(argv[0]).Build(&c, argv, 0) })
		if n != 0 {
			t.Errorf("%s: %v allocations", test.name, n)
		}
	}
}

func TestBuildOtherAllocatesNothing(t *testing.T) {
	argv := toArgv("360custom", "a", "b")
	var c Change
	n := testing.AllocsPerRun(100, func() {
		if LookupCommand(argv[0]) == nil {
			BuildOther(&c, argv)
		}
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, name := range []string{"SET", "pksetexat", "zremrangebyscore", "PKPATTERNMATCHDEL", "360flushdb"} {
		key := []byte(name)
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				LookupCommand(key)
			}
		})
	}
}

func BenchmarkBuild(b *testing.B) {
	for _, test := range hotCommands {
		b.Run(test.name, func(b *testing.B) {
			b.ReportAllocs()
			argv := toArgv(test.argv...)
			c := Change{Has: HasTime, Time: 1795364538}
			cmd := LookupCommand(argv[0])
			for b.Loop() {
				cmd.Build(&c, argv, 0)
			}
		})
	}
}
