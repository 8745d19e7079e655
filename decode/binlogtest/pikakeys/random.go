package pikakeys

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// forms are commands that clients send, a version with those that came with it a paragraph. Words that begin with $ are chosen: a key of a type ($s,
// $h, $l, $e, $z, $x; $k of any), and see word.
const forms = `
2.0.0: SET $s $v; set $s $v; SET $s $v EX $t; SET $s $v px $p; set $s $v EX $t NX; SET $s $v XX PX $p; SET $s $v NX; SET $s $v XX; SETEX $s $t $v;
2.0.0: SETNX $s $v; GETSET $s $v; MSET $s $v $s $v; MSETNX $s $v $s $v; APPEND $s $v; SETRANGE $s $o $m; INCR $n; DECR $n; INCRBY $n $i; DECRBY $n $i;
2.0.0: INCRBYFLOAT $n $f; SET $n $i; SET $n $u; INCR $n; DEL $k $k; EXPIRE $k $t; PEXPIRE $k $p; EXPIREAT $k $T; PEXPIREAT $k $M; PERSIST $k;
2.0.0: EXPIRE $k $t; HSET $h $m $v; HMSET $h $m $v $m $v; HSETNX $h $m $v; HDEL $h $m $m; HINCRBY $h c $i; HDEL $h $m $m $m c; LPUSH $l $m;
2.0.0: RPUSH $l $m $m $m; LPUSHX $l $m; LPOP $l; RPOP $l; LINSERT $l BEFORE $m $m; LINSERT $l after $m $m; LSET $l $j $m; LREM $l $j $m; LTRIM $l $j $j;
2.0.0: RPOPLPUSH $l $l; SADD $e $m; SADD $e $m $m $m; SREM $e $m $m; SMOVE $e $e $m; SUNIONSTORE $e $e $e; SINTERSTORE $e $e $e; SDIFFSTORE $e $e $e;
2.0.0: SREM $e $m $m $m $m $m; ZADD $z $i $m; ZADD $z $f $m $i $m $i $m; ZINCRBY $z $f $m; ZREM $z $m $m; ZREM $z $m $m $m $m $m;
2.0.0: ZREMRANGEBYRANK $z $j $j; ZREMRANGEBYSCORE $z $i $i; ZREMRANGEBYSCORE $z ($i ($i; ZREMRANGEBYLEX $z [$m ($m; ZREMRANGEBYLEX $z - [$m;
2.0.0: ZUNIONSTORE $z 2 $z $z; ZUNIONSTORE $z 2 $z $z WEIGHTS $i $f; ZINTERSTORE $z 2 $z $z; ZINTERSTORE $z 1 $z;
2.0.5: SETBIT $s $b 0; SETBIT $s $b 1; BITOP and $s $s $s; BITOP OR $s $s $s $s; BITOP xor $s $s $s; BITOP NOT $s $s;
3.0.2: SET $s $v VX $v; SET $s $v EX $t VX $v; PSETEX $s $p $v; DELVX $s $v;
3.0.8: PKSETEXAT $s $T $v;
3.2.1: ZPOPMIN $z; ZPOPMAX $z 2;
3.2.3: PKPATTERNMATCHDEL $q;
3.5.0: UNLINK $k $k; RPUSHX $l $m $m; LPOP $l 3;
3.5.3: XADD $x $d f $v; XADD $x $d f $v g $v; XADD $x MAXLEN 3 $d f $v; XADD $x NOMKSTREAM maxlen ~ 4 LIMIT 9 $d f $v; XADD $x MINID ~ $d $d f $v;
3.5.3: XDEL $x $d $d $d; XTRIM $x MAXLEN ~ 2; XTRIM $x MINID $d; XTRIM $x MAXLEN 0;
3.5.4: SPOP $e;
`

// names is how many keys there are of each type.
const names = 40

// Random gives a command that clients of the version may send.
func (s *Server) Random(r *rand.Rand) []string {
	var argv []string
	for word := range strings.FieldsSeq(s.forms[r.IntN(len(s.forms))]) {
		if at := strings.IndexByte(word, '$'); at >= 0 {
			word = word[:at] + s.word(r, word[at+1])
		}
		argv = append(argv, word)
	}
	return argv
}

// formsOf are those of a version.
func formsOf(v Version) []string {
	var list []string
	for line := range strings.Lines(strings.TrimSpace(forms)) {
		since, some, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), ";"), ": ")
		if v.from(since) {
			list = append(list, strings.Split(some, "; ")...)
		}
	}
	return list
}

// word chooses one.
func (s *Server) word(r *rand.Rand, kind byte) string {
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch kind {
	case 's', 'n', 'h', 'l', 'e', 'z', 'x': // n: a string that is a number
		return string(kind) + strconv.Itoa(r.IntN(names))
	case 'k':
		return s.word(r, "snhlezx"[r.IntN(7)])
	case 'q':
		return s.word(r, 'k') + "*"
	case 'v':
		return pick("", "a", "bcd", "\x00\xff\r\n", "0", "12")
	case 'u': // what servers take for a number
		return pick("", "007", "+5", "-0", "9")
	case 'm':
		return pick("a", "b", "c", "d", "\xff\x00")
	case 'i':
		return number(r.Int64N(20) - 10)
	case 'j':
		return number(r.Int64N(8) - 4)
	case 'f':
		return pick("0.5", "-1.25", "3", "100")
	case 'o':
		return number(r.Int64N(6))
	case 'b':
		return number(r.Int64N(40))
	case 'd':
		return pick("1", "2", "3", "4", "5", "6", "7", "8", "9") + "-1"
	}
	return s.time(r, kind)
}

// time chooses a time: $t and $p are from now on, $T and $M are absolute; $t and $T are seconds. Some are over.
func (s *Server) time(r *rand.Rand, kind byte) string {
	n := []int64{1 + r.Int64N(15), 1_000_000_000, 1 + r.Int64N(100), 1000}[r.IntN(4)]
	millis := n*1000 + r.Int64N(2)*r.Int64N(1000)
	if kind == 'p' && r.IntN(8) == 0 {
		millis = 1 + r.Int64N(999)
	}
	if kind == 'T' || kind == 'M' {
		over := r.Int64N(4) / 3 * (2*n + 5)
		n, millis = n+s.Now-over, millis+(s.Now-over)*1000
	}
	if kind == 't' || kind == 'T' {
		return strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(millis, 10)
}
