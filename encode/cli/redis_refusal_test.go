//go:build redis

package cli_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/formats/resp"
)

// accepted are commands as a Pika may have taken and logged them, with what Redis may not like: $n is a number, $m one that is not
// negative, $f a score, $K a key that no other command has, $k the last of these.
const accepted = `SET $K 5; INCRBY $k $n; SET $K -5; DECRBY $k $n; INCRBY $K $n; SET $K v EX $n NX; SET $K v PX $n XX; SET $K v EX $n VX w; SETEX $K $n v; PSETEX $K $n v;
PKSETEXAT $K $n v; pksetexat $K $n v; SET $K v; EXPIRE $k $n; SET $K v; PEXPIRE $k $n; SET $K v; EXPIREAT $k $n; SET $K v; PEXPIREAT $k $n; SETRANGE $K $m xy; SETBIT $K $m 1;
RPUSH $K a b a; LTRIM $k $n $n; LREM $k $n a; LPOP $k $m; RPOP $k $m; SPOP $K $m; ZADD $K 1 a; ZPOPMIN $k $m; ZREMRANGEBYRANK $k $n $n; XADD $K 1-1 a b; XTRIM $k MAXLEN $m;
XADD $K MAXLEN ~ $m LIMIT $m 5-1 a b; XADD $K 5 a b; XADD $K MINID = $m 5-5 a b; XTRIM $k MINID ~ $m LIMIT $m; PKPATTERNMATCHDEL none* $n; SET $K 5; INCRBYFLOAT $k $f;
INCRBYFLOAT $K $f; HINCRBYFLOAT $K f $f; HINCRBY $K f $n; ZADD $K $f a $f b 1 a; ZADD $K $f a; ZINCRBY $k 1 a; ZREMRANGEBYSCORE $k $f ($f; ZUNIONSTORE $K 1 $k WEIGHTS $f;
ZADD $K 1 a; ZINTERSTORE $K 2 $k $k WEIGHTS $f 1 AGGREGATE MAX; ZREMRANGEBYLEX $k - +; ZREMRANGEBYLEX $k [a (b; ZREMRANGEBYLEX $k + -; BITOP AND $K $K $K; BITOP not $K $K;
SET $K v NX XX; SET $K v XX EX 5 nx PX 7; SET $K v VX a NX; set $K v nx nx ex 5 ex 6; GEOADD $K 180 85 m; GEOADD $K -180 -85.05 m 1 2 n; PFADD $K; PFADD $k a; PFMERGE $K $k;
PFMERGE $k; SET $K +5; INCR $k; SET $K 007; DECR $k; BITOP OR $K $K; INCR $k; RPUSH $K a; LINSERT $k BEFORE a b; LSET $k -1 z; LPUSHX $k a b; RPOPLPUSH $k $k; SMOVE $K $K m;
MSETNX $K 1 $K 2; MSET $K 1 $K 2; GETSET $K q; SETNX $K a; DELVX $k a; UNLINK $K $K; DEL $K $K; FLUSHDB stream; FLUSHDB hash; HSETNX $K a b; HDEL $K a; HMSET $K a b c d; APPEND $K v`

// TestRedisRefusesNothing sends what becomes of such commands to a Redis: what it refuses has been told.
func TestRedisRefusesNothing(t *testing.T) {
	redis(t, nil, "flushall")
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", os.Getenv("PIKABIN_TEST_REDIS"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	c := redisConn{Conn: conn, Reader: bufio.NewReader(conn)}
	r, keys := rand.New(rand.NewPCG(3, 3)), 0
	word := func(form string) string {
		at := strings.IndexByte(form, '$')
		if at < 0 {
			return form
		}
		var choice []string
		switch form[at+1] {
		case 'K', 'k':
			keys += int('k'-form[at+1]) / int('k'-'K')
			choice = []string{"k" + strconv.Itoa(keys)}
		case 'n':
			choice = strings.Fields("0 -1 1 5 9223372036854775807 -9223372036854775808 4294967296 600000000 -5")
		case 'm':
			choice = strings.Fields("0 1 5 9223372036854775807 4294967296 600000000")
		default:
			choice = strings.Fields("0 -1 0.5 inf -inf +inf infinity 1e3 0x10 1e308 -1e308 .5 5.")
		}
		return form[:at] + choice[r.IntN(len(choice))]
	}
	eras := []decode.Fields{0, decode.HasLogicID | decode.HasServerID, decode.HasLogicID} // 2.x, 3.0 to 3.2, later
	for round := range 40 {
		for _, form := range strings.Split(strings.ReplaceAll(accepted, "\n", " "), "; ") {
			var argv [][]byte
			for part := range strings.FieldsSeq(form) {
				argv = append(argv, []byte(word(part)))
			}
			c.check(t, argv, eras[round%len(eras)])
		}
	}
}

type redisConn struct {
	net.Conn
	*bufio.Reader
}

// check sends what a command becomes.
func (c redisConn) check(t *testing.T, argv [][]byte, era decode.Fields) {
	t.Helper()
	change := decode.Change{Log: &decode.Log{DB: "db0", Slot: -1}, Has: era | decode.HasTime, Time: 1_700_000_000, Argv: argv, Before35: era != decode.HasLogicID}
	decode.LookupCommand(argv[0]).Build(&change, argv, 0)
	enc := resp.NewRedis(resp.Options{})
	stream := enc.AppendChange(nil, &change)
	if _, err := c.Write(stream); err != nil {
		t.Fatal(err)
	}
	for range commandsIn(stream) {
		if reply := c.reply(t); strings.HasPrefix(reply, "-ERR") && enc.Doubt(&change) == "" && !strings.Contains(reply, "would overflow") {
			t.Errorf("%q: %s", argv, reply)
		}
	}
}

// commandsIn counts the commands of a stream, whose arguments have no lines of their own.
func commandsIn(stream []byte) (n int) {
	for line := range strings.SplitSeq(string(stream), "\r\n") {
		if len(line) > 1 && line[0] == '*' {
			n++
		}
	}
	return n
}

// reply reads a reply, and gives its first line.
func (c redisConn) reply(t *testing.T) string {
	t.Helper()
	line, err := c.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var n int
	switch _, _ = fmt.Sscanf(line[1:], "%d", &n); line[0] {
	case '$':
		if n >= 0 {
			_, err = c.Discard(n + 2)
		}
	case '*':
		for range n {
			c.reply(t)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return line
}
