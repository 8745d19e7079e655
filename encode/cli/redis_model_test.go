//go:build redis

package cli_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode/cli"
)

// value is what a key of the model holds. Each kind of key has names of its own, since an old Pika could hold several kinds under one.
type value struct {
	text  []byte
	items map[string]string // hash fields, set members, zset members with scores
	list  []string
	until int64 // unix seconds, 0: for ever
}

// model is a Pika: it expires keys by the time of the records, and drops deadlines as its version does.
type model struct {
	generation decode.Generation
	before35   bool
	now        int64
	keys       map[string]*value
}

func (m *model) old() bool { return m.generation < decode.G3 }

// get gives a key that is there; with make one that is not is made.
func (m *model) get(key string, make bool) *value {
	v := m.keys[key]
	if v != nil && v.until != 0 && v.until < m.now {
		delete(m.keys, key)
		v = nil
	}
	if v == nil && make {
		v = &value{items: map[string]string{}}
		m.keys[key] = v
	}
	return v
}

// tidy deletes a key that holds nothing.
func (m *model) tidy(key string) {
	if v := m.keys[key]; v != nil && len(v.items)+len(v.list) == 0 {
		delete(m.keys, key)
	}
}

// random gives a command, after the model has run it.
func (m *model) random(r *rand.Rand) []string {
	pick := func(prefix string) string { return prefix + strconv.Itoa(r.IntN(4)) }
	commands := []func(*rand.Rand, func(string) string) []string{
		m.set, m.set, m.setIf, m.delVX, m.setbit, m.setrange, m.incr, m.deadline, m.deadline, m.persist, m.del,
		m.hset, m.hset, m.hdel, m.hsetnx, m.push, m.push, m.move, m.sadd, m.sadd, m.store, m.zadd, m.zadd,
	}
	if !m.old() {
		commands = append(commands, m.match)
	}
	return commands[r.IntN(len(commands))](r, pick)
}

// deadlineOf is soon, far away, or over.
func (m *model) deadlineOf(r *rand.Rand) int64 {
	return []int64{m.now + 1 + r.Int64N(20), 4_000_000_000, m.now - r.Int64N(50) - 1}[r.IntN(3)]
}

func (m *model) set(r *rand.Rand, pick func(string) string) []string {
	key, text := pick("s"), strconv.Itoa(r.IntN(50))
	v := m.get(key, true)
	v.text, v.until = []byte(text), 0
	if m.old() || r.IntN(2) == 0 {
		return []string{"SET", key, text}
	}
	v.until = m.deadlineOf(r)
	return []string{"pksetexat", key, strconv.FormatInt(v.until, 10), text}
}

func (m *model) setIf(r *rand.Rand, pick func(string) string) []string {
	key, text, old := pick("s"), strconv.Itoa(r.IntN(50)), strconv.Itoa(r.IntN(50))
	v := m.get(key, false)
	argv := []string{"SET", key, text, "EX", "7"}
	var does bool
	switch r.IntN(3) {
	case 0:
		argv, does = append(argv, "NX"), v == nil
	case 1:
		argv, does = append(argv, "XX"), v != nil
	default:
		if v != nil && r.IntN(2) == 0 {
			old = string(v.text)
		}
		argv, does = append(argv, "VX", old), v != nil && string(v.text) == old
	}
	if does {
		*m.get(key, true) = value{text: []byte(text), until: m.now + 7}
	}
	return argv
}

func (m *model) delVX(r *rand.Rand, pick func(string) string) []string {
	key, old := pick("s"), strconv.Itoa(r.IntN(50))
	if v := m.get(key, false); v != nil && (string(v.text) == old || r.IntN(2) == 0) {
		old = string(v.text)
		delete(m.keys, key)
	}
	return []string{"DELVX", key, old}
}

func (m *model) setbit(r *rand.Rand, pick func(string) string) []string {
	key, at, bit := pick("s"), r.IntN(40), r.IntN(2)
	var text []byte
	if v := m.get(key, false); v != nil {
		text = v.text
	}
	if set := at/8 < len(text) && text[at/8]>>(7-at%8)&1 == 1; set != (bit == 1) {
		v := m.get(key, true)
		v.text = append(bytes.Clone(v.text), make([]byte, max(0, at/8+1-len(v.text)))...)
		v.text[at/8] ^= 1 << (7 - at%8)
		if m.old() || m.generation == decode.G3 || m.before35 {
			v.until = 0
		}
	}
	return []string{"SETBIT", key, strconv.Itoa(at), strconv.Itoa(bit)}
}

func (m *model) setrange(r *rand.Rand, pick func(string) string) []string {
	key, at := pick("s"), r.IntN(5)
	v := m.get(key, true)
	v.text = append(bytes.Clone(v.text), make([]byte, max(0, at+2-len(v.text)))...)
	copy(v.text[at:], "xy")
	if m.generation == decode.G3 || m.before35 {
		v.until = 0
	}
	return []string{"SETRANGE", key, strconv.Itoa(at), "xy"}
}

func (m *model) incr(r *rand.Rand, pick func(string) string) []string {
	key := pick("n")
	v := m.get(key, true)
	n, _ := strconv.Atoi(string(v.text))
	v.text = []byte(strconv.Itoa(n - 3))
	return []string{"DECRBY", key, "3"}
}

func (m *model) deadline(r *rand.Rand, pick func(string) string) []string {
	key, at := pick(string("snhlSz"[r.IntN(6)])), m.deadlineOf(r)
	if r.IntN(10) == 0 {
		at = -9223372036854775
	}
	if v := m.get(key, false); v != nil {
		if v.until = at; at <= m.now {
			delete(m.keys, key)
		}
	}
	return []string{"expireat", key, strconv.FormatInt(at, 10)}
}

func (m *model) persist(r *rand.Rand, pick func(string) string) []string {
	key := pick(string("snhlSz"[r.IntN(6)]))
	if v := m.get(key, false); v != nil {
		v.until = 0
	}
	return []string{"PERSIST", key}
}

func (m *model) del(r *rand.Rand, pick func(string) string) []string {
	keys := []string{pick("h"), pick("s")}
	for _, key := range keys {
		delete(m.keys, key)
	}
	return append([]string{"DEL"}, keys...)
}

func (m *model) match(r *rand.Rand, _ func(string) string) []string {
	prefix := string("snhlSz"[r.IntN(6)])
	maps.DeleteFunc(m.keys, func(key string, _ *value) bool { return strings.HasPrefix(key, prefix) })
	return []string{"PKPATTERNMATCHDEL", prefix + "*"}
}

func (m *model) hset(r *rand.Rand, pick func(string) string) []string {
	key, field := pick("h"), strconv.Itoa(r.IntN(3))
	m.get(key, true).items[field] = "v"
	return []string{"HSET", key, field, "v"}
}

func (m *model) hsetnx(r *rand.Rand, pick func(string) string) []string {
	key, field := pick("h"), strconv.Itoa(r.IntN(3))
	v := m.get(key, true)
	if _, ok := v.items[field]; !ok {
		v.items[field] = "w"
		if m.old() {
			v.until = 0
		}
	}
	return []string{"HSETNX", key, field, "w"}
}

func (m *model) hdel(r *rand.Rand, pick func(string) string) []string {
	key, field := pick("h"), strconv.Itoa(r.IntN(3))
	if v := m.get(key, false); v != nil {
		if _, ok := v.items[field]; ok {
			delete(v.items, field)
			if m.old() {
				v.until = 0
			}
		}
		m.tidy(key)
	}
	return []string{"HDEL", key, field, "none"}
}

func (m *model) push(r *rand.Rand, pick func(string) string) []string {
	key := pick("l")
	v := m.get(key, true)
	v.list = append(v.list, strconv.Itoa(r.IntN(9)))
	return []string{"RPUSH", key, v.list[len(v.list)-1]}
}

func (m *model) move(_ *rand.Rand, pick func(string) string) []string {
	from, to := pick("l"), pick("l")
	if v := m.get(from, false); v != nil {
		item := v.list[len(v.list)-1]
		v.list = v.list[:len(v.list)-1]
		if m.old() {
			v.until = 0
		}
		if from != to {
			m.tidy(from)
		}
		w := m.get(to, true)
		w.list = append([]string{item}, w.list...)
	}
	return []string{"RPOPLPUSH", from, to}
}

func (m *model) sadd(r *rand.Rand, pick func(string) string) []string {
	key, member := pick("S"), strconv.Itoa(r.IntN(5))
	m.get(key, true).items[member] = ""
	return []string{"SADD", key, member}
}

func (m *model) store(_ *rand.Rand, pick func(string) string) []string {
	to, a, b := pick("S"), pick("S"), pick("S")
	union := map[string]string{}
	for _, key := range []string{a, b} {
		if v := m.get(key, false); v != nil {
			maps.Copy(union, v.items)
		}
	}
	var until int64
	if v := m.get(to, false); v != nil && m.old() {
		until = v.until
	}
	m.keys[to] = &value{items: union, until: until}
	m.tidy(to)
	return []string{"SUNIONSTORE", to, a, b}
}

func (m *model) zadd(r *rand.Rand, pick func(string) string) []string {
	key := pick("z")
	argv, v, named := []string{"ZADD", key}, m.get(key, true), map[string]bool{}
	for range 1 + r.IntN(3) {
		score, member := strconv.Itoa(r.IntN(9)), strconv.Itoa(r.IntN(3))
		if argv = append(argv, score, member); !named[member] || m.old() {
			v.items[member] = score
		}
		named[member] = true
	}
	return argv
}

// lines describe the keys that are there long after, in the words of dump.
func (m *model) lines() []string {
	var lines []string
	for key, v := range m.keys {
		if v.until != 0 && v.until < 2_000_000_000 {
			continue
		}
		var items []string
		for item, of := range v.items {
			items = append(items, item+"="+of)
		}
		slices.Sort(items)
		lines = append(lines, fmt.Sprintf("%s %d %q %q %q", key, v.until, v.text, items, v.list))
	}
	slices.Sort(lines)
	return lines
}

// modelDump shows a Redis in the words of model.lines.
const modelDump = `
local out = {}
local function q(v) return '"' .. string.gsub(v, '.', function(c) local b = string.byte(c)
  if b == 34 or b == 92 then return '\\' .. c elseif b >= 32 and b < 127 then return c end return '<' .. b .. '>' end) .. '"' end
for _, key in ipairs(redis.call('KEYS', '*')) do
  local t, text, items, list = redis.call('TYPE', key).ok, '', {}, {}
  if t == 'string' then text = redis.call('GET', key) end
  if t == 'list' then for _, v in ipairs(redis.call('LRANGE', key, 0, -1)) do list[#list+1] = q(v) end end
  if t == 'set' then for _, v in ipairs(redis.call('SMEMBERS', key)) do items[#items+1] = q(v .. '=') end end
  if t == 'zset' then local f = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES') for i = 1, #f, 2 do items[#items+1] = q(f[i] .. '=' .. f[i+1]) end end
  if t == 'hash' then local f = redis.call('HGETALL', key) for i = 1, #f, 2 do items[#items+1] = q(f[i] .. '=' .. f[i+1]) end end
  table.sort(items)
  out[#out+1] = key .. ' ' .. math.max(0, redis.call('EXPIRETIME', key)) .. ' ' .. q(text) .. ' [' .. table.concat(items, ' ') .. '] [' .. table.concat(list, ' ') .. ']'
end
table.sort(out)
return out`

// escapes writes bytes that are not printable as modelDump does.
func escapes(line string) string {
	for b := range 256 {
		for _, form := range []string{fmt.Sprintf(`\x%02x`, b), strings.Trim(strconv.Quote(string([]byte{byte(b)})), `"`)} {
			if strings.HasPrefix(form, `\`) && b != '"' && b != '\\' {
				line = strings.ReplaceAll(line, form, fmt.Sprintf("<%d>", b))
			}
		}
	}
	return line
}

// TestRedisHoldsWhatPikaHeld runs random commands on a model of each version while its clock continues, and loads their log into a
// Redis long after. Every key is the same.
func TestRedisHoldsWhatPikaHeld(t *testing.T) {
	for _, version := range []struct {
		pika       string
		generation decode.Generation
		before35   bool
	}{
		{"2.2", decode.G1, false}, {"2.3", decode.G2, false}, {"3.2", decode.G3, false}, {"3.4", decode.G4, true}, {"3.5", decode.G4, false}, {"4.0", decode.G5, false},
	} {
		t.Run(version.pika, func(t *testing.T) {
			r := rand.New(rand.NewPCG(5, uint64(version.generation)))
			w := binlogtest.NewWriter(binlogtest.Options{Generation: version.generation})
			m := &model{generation: version.generation, before35: version.before35, now: 1_700_000_000, keys: map[string]*value{}}
			for range 5000 {
				w.Command(m.random(r)...)
				step := max(0, r.IntN(6)-3)
				m.now += int64(step)
				w.Advance(step)
			}
			dir := t.TempDir()
			if err := w.WriteDir(filepath.Join(dir, "log", "log_db0")); err != nil {
				t.Fatal(err)
			}
			var stderr bytes.Buffer
			data := filepath.Join(dir, "redis")
			if code := cli.Run([]string{"redis", "--pika", version.pika, filepath.Join(dir, "log"), "--dir", data}, &bytes.Buffer{}, &stderr, ""); code != 0 {
				t.Fatal(stderr.String())
			}
			var want []string
			for _, line := range m.lines() {
				want = append(want, escapes(line))
			}
			if len(want) < 5 {
				t.Fatalf("only %d keys", len(want))
			}
			got := strings.Split(strings.TrimSpace(loadedBy(t, data)), "\n")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-in Pika +in Redis)\n%s", diff)
			}
		})
	}
}

// loadedBy starts a Redis on a folder and shows what it holds when it has loaded that.
func loadedBy(t *testing.T, data string) string {
	t.Helper()
	socket := filepath.Join(data, "s")
	server := exec.CommandContext(t.Context(), "redis-server", "--port", "0", "--unixsocket", socket, "--dir", data, "--appendonly", "yes", "--save", "")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Process.Kill(); _ = server.Wait() }()
	for {
		out, err := exec.CommandContext(t.Context(), "redis-cli", "-s", socket, "--raw", "eval", modelDump, "0").CombinedOutput()
		if err == nil && !bytes.Contains(out, []byte("LOADING")) {
			return string(out)
		}
		if t.Context().Err() != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
}
