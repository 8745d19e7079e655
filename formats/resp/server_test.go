package resp

import (
	"strings"
	"testing"
)

// TestServerWords has the deadlines for a server that runs: held for a Redis, absolute for a Pika.
func TestServerWords(t *testing.T) {
	redis, pika := NewRedis(Options{Server: true}), New(Options{Server: true})
	for _, test := range []struct{ argv, redis, pika string }{
		{"SET k v", "SET k v", "SET k v"},
		{"SET k v EX 100", "set k v pxat 4505299627470496", "set k v\nexpireat k 1700000100"},
		{"SET k v nx EX 100", "F\nset k v nx pxat 4505299627470496", "SET k v nx EX 100"},
		{"setex k 100 v", "set k v pxat 4505299627470496", "set k v\nexpireat k 1700000100"},
		{"psetex k 1500 v", "set k v pxat 4505299627371996", "set k v\npexpireat k 1700000001500"},
		{"setex k -1 v", "set k v", "setex k -1 v"},
		{"pksetexat k 1795361730 v", "set k v pxat 4505394989100496", "pksetexat k 1795361730 v"},
		{"pksetexat k -5 v", "del k", "pksetexat k -5 v"},
		{"expire k 100", "eval expire 1 k 1700000000000 4505299627470496", "expireat k 1700000100"},
		{"pexpire k 1500", "eval expire 1 k 1700000000000 4505299627371996", "pexpireat k 1700000001500"},
		{"expireat k 1795361730", "eval expire 1 k 1700000000000 4505394989100496", "expireat k 1795361730"},
		{"expireat k 9223372036854775807", "eval expire 1 k 1700000000000 9007199254740991", "expireat k 9223372036854775807"},
		{"expireat k -1", "eval expire 1 k 1700000000000 4503599627370496", "expireat k -1"},
		{"set k v ex 9 VX u", "eval setvx 1 k 1700000000000 u v 4505299627379496", "set k v ex 9 VX u"},
		{"pkpatternmatchdel k*", "eval match 0 k*", "pkpatternmatchdel k*"},
	} {
		c := logged(false, 0, strings.Fields(test.argv)...)[0]
		if got := words(t, redis.AppendChange(nil, c)); got != strings.Replace(test.redis, "F", "eval forget 1 k 1700000000000", 1) {
			t.Errorf("%s for a Redis:\n%s\nwant\n%s", test.argv, got, test.redis)
		}
		if got := words(t, pika.AppendChange(nil, c)); got != test.pika {
			t.Errorf("%s for a Pika:\n%s\nwant\n%s", test.argv, got, test.pika)
		}
	}
}
