//go:build redis

package cli_test

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode/binlogtest"
)

// dump is a Lua script that prints every key that has no deadline, with its type and content in an order that
// does not depend on how it came to be.
const dump = `
local out = {}
for _, key in ipairs(redis.call('KEYS', '*')) do
  if redis.call('TTL', key) == -1 then
    local type, value = redis.call('TYPE', key).ok, nil
    if type == 'string' then value = {redis.call('GET', key)}
    elseif type == 'list' then value = redis.call('LRANGE', key, 0, -1)
    elseif type == 'set' then value = redis.call('SMEMBERS', key); table.sort(value)
    elseif type == 'zset' then value = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    elseif type == 'hash' then
      value = {}
      local flat = redis.call('HGETALL', key)
      for i = 1, #flat, 2 do value[#value + 1] = flat[i] .. '=' .. flat[i + 1] end
      table.sort(value)
    elseif type == 'stream' then value = {tostring(redis.call('XLEN', key))}
    end
    for i, v in ipairs(value) do value[i] = redis.sha1hex(v) .. ' ' .. string.gsub(string.sub(v, 1, 40), '[^%w%p]', '.') end
    out[#out + 1] = type .. ' ' .. string.gsub(key, '[^%w%p]', '.') .. ': ' .. table.concat(value, ', ')
  end
end
table.sort(out)
return out`

// notReplayed are commands that a replay on one connection cannot take as they were sent: flushes, which
// would leave nothing to compare, and what blocks or is no data.
var notReplayed = []string{
	"flushall", "flushdb", "blpop", "brpop", "select", "config", "publish", "pkpatternmatchdel", "watch", "multi", "exec",
	"subscribe", "psubscribe", "shutdown", "debug", "monitor",
}

// TestRedis loads what the resp and redis formats give into a real Redis with redis-cli --pipe, and compares its keys with
// those of one to which the fixture's own commands were sent.
func TestRedis(t *testing.T) {
	for _, c := range []struct {
		fixture string
		format  string
		least   int      // keys that have to be there
		excused []string // patterns of keys that may differ, with the reason
	}{
		{fixture: "2.3.6-rotate-tiny", format: "resp", least: 10},
		{fixture: "2.3.6-rotate-tiny", format: "redis", least: 10},
		{fixture: "3.0.16-rotate-tiny", format: "resp", least: 10},
		{fixture: "3.3.6-rotate-tiny", format: "resp", least: 10},
		{fixture: "3.3.6-rotate-tiny", format: "redis", least: 10},
		{fixture: "4.0.1-everytype", format: "redis", least: 30, excused: []string{
			"list b*",                     // popped by commands that block, which are not replayed
			"* pat:*", "* eh", "list tl2", // deleted by a pattern, by a rename or by what is not replayed
			"set s", "set sp*", "set ts*", // SPOP takes what it likes
			"string kbdst*",           // BITOP is logged as set dst "" after an error
			"string p1", "string p12", // PFMERGE is logged as a SET of Pika's own encoding
			"zset gdst*",                  // GEORADIUS with STORE is not logged
			"stream ex",                   // Pika ignores EXPIRE of a stream, to which it was sent
			"string ksetnx",               // deleted by DELVX, which Redis does not know
			"string t[45]",                // in a transaction that was discarded
			"string e[0-9]*", "* ksrttl*", // a deadline that has passed between the sending and now
		}},
	} {
		t.Run(c.fixture+"/"+c.format, func(t *testing.T) {
			f := binlogtest.FixtureNamed(t, c.fixture)
			logged := load(t, convert(t, filepath.Join(f.Dir, "log"), "-f", c.format, "--exclude-command", "flushdb", "--exclude-command", "flushall"))
			sent := load(t, sentCommands(t, f))
			for _, pattern := range c.excused {
				for _, keys := range []map[string]string{logged, sent} {
					maps.DeleteFunc(keys, func(key, _ string) bool {
						ok, err := path.Match(pattern, key)
						return err == nil && ok
					})
				}
			}
			if len(logged) < c.least {
				t.Errorf("only %d keys", len(logged))
			}
			if diff := cmp.Diff(sent, logged); diff != "" {
				t.Errorf("-as sent +as logged:\n%s", diff)
			}
		})
	}
}

// sentCommands are the commands that the server took, in the Redis protocol, DB by DB as a log has them.
func sentCommands(t *testing.T, f binlogtest.Fixture) []byte {
	t.Helper()
	var stream []byte
	for db := range 3 {
		stream = appendCommand(stream, []byte("SELECT"), []byte(strconv.Itoa(db)))
		for _, c := range f.Commands(t) {
			reply := string(c.Reply)
			if c.DB != db || len(c.Argv) == 0 || strings.HasPrefix(reply, `"ERR`) || strings.HasPrefix(reply, `"-`) ||
				slices.Contains(notReplayed, strings.ToLower(string(c.Argv[0]))) {
				continue
			}
			stream = appendCommand(stream, c.Argv...)
		}
	}
	return stream
}

func appendCommand(dst []byte, argv ...[]byte) []byte {
	dst = fmt.Appendf(dst, "*%d\r\n", len(argv))
	for _, arg := range argv {
		dst = fmt.Appendf(dst, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return dst
}

// load empties the server, pipes a stream into it and gives back its keys with their content.
func load(t *testing.T, stream []byte) map[string]string {
	t.Helper()
	redis(t, nil, "flushall")
	t.Logf("redis-cli --pipe: %s", redis(t, stream, "--pipe"))
	keys := map[string]string{}
	for db := range 3 {
		for line := range strings.Lines(redis(t, nil, "--raw", "-n", strconv.Itoa(db), "eval", dump, "0")) {
			key, content, _ := strings.Cut(strings.TrimSpace(line), ": ")
			keys[key] = content
		}
	}
	return keys
}

func redis(t *testing.T, stdin []byte, args ...string) string {
	t.Helper()
	host, port, err := net.SplitHostPort(os.Getenv("PIKABIN_TEST_REDIS"))
	if err != nil {
		t.Fatalf("PIKABIN_TEST_REDIS: %v: run scripts/redis.sh test", err)
	}
	cmd := exec.CommandContext(t.Context(), "redis-cli", append([]string{"-h", host, "-p", port}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil && !bytes.Contains(out, []byte("replies:")) {
		t.Fatalf("redis-cli: %v: %s", err, out)
	}
	return string(out)
}
