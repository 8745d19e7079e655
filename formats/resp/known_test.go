package resp

import (
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
)

// redisWrites are the commands of Redis 7 that change something, of those that a log may have.
var redisWrites = strings.Fields(`
	append bitop blpop brpop brpoplpush copy decr decrby del eval expire expireat flushall flushdb geoadd georadius georadiusbymember getdel getex getset
	hdel hincrby hincrbyfloat hmset hset hsetnx incr incrby incrbyfloat linsert lpop lpush lpushx lrem lset ltrim move mset msetnx persist pexpire pexpireat
	pfadd pfmerge psetex rename renamenx rpop rpoplpush rpush rpushx sadd sdiffstore select set setbit setex setnx setrange sinterstore smove spop srem
	sunionstore unlink xack xadd xautoclaim xclaim xdel xgroup xreadgroup xsetid xtrim zadd zincrby zinterstore zpopmax zpopmin zrem zremrangebylex
	zremrangebyrank zremrangebyscore zunionstore`)

// TestRedisKnowsEveryCommand: a command that Redis does not have becomes something that it has. The table of commands is in another package, so that a
// new one is easily forgotten here.
func TestRedisKnowsEveryCommand(t *testing.T) {
	examples := map[string]string{
		"pksetexat": "pksetexat k 1795361730 v", "delvx": "delvx k v", "pkpatternmatchdel": "pkpatternmatchdel k*",
		"padding": "padding x", "dummy": "dummy", "clearcache": "clearcache", "clearreplicationid": "clearreplicationid", "slotsmgrt-exec-wrapper": "slotsmgrt-exec-wrapper k set k v",
		"sunion": "sunion k l", "sinter": "sinter k l", "sdiff": "sdiff k l", "zcard": "zcard k",
	}
	for _, name := range decode.CommandNames() {
		if slices.Contains(redisWrites, name) {
			continue
		}
		argv := strings.Fields(examples[name])
		if len(argv) == 0 {
			t.Errorf("Redis has no %s: say in this package what becomes of it, and give an example here", name)
			continue
		}
		for _, before30 := range []bool{false, true} {
			var stream []byte
			for _, c := range logged(before30, 0, argv...) {
				stream = NewRedis(Options{}).AppendChange(stream, c)
			}
			for line := range strings.Lines(words(t, stream)) {
				if word := strings.ToLower(strings.Fields(line)[0]); !slices.Contains(redisWrites, word) {
					t.Errorf("%s becomes %s, which Redis does not have", name, word)
				}
			}
		}
	}
}
