package pikakeys

import (
	"fmt"
	"slices"
	"strings"
)

// Shown describes the keys in the words of RedisShows, a line each.
func (s *Server) Shown() []string {
	var lines []string
	for name, k := range s.Keys() {
		items := slices.Clone(k.List)
		switch k.Type {
		case "string":
			items = []string{k.Text}
		case "hash", "zset", "set":
			for item, of := range k.Items {
				items = append(items, item+"="+of)
			}
			slices.Sort(items)
		}
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %d%s", name, k.Type, k.Expires, joined(items))))
	}
	slices.Sort(lines)
	return lines
}

// joined writes items as RedisShows does.
func joined(items []string) string {
	var b strings.Builder
	for _, item := range items {
		b.WriteString(" '")
		for _, c := range []byte(item) {
			if c > ' ' && c < 0x7f {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, "<%d>", c)
			}
		}
		b.WriteString("'")
	}
	return b.String()
}

// RedisShows is a Lua script for a Redis that puts into the table out a line for each key that it holds at a time, in unix milliseconds, which is its
// argument. What is to be done with the lines comes after it.
const RedisShows = `
local out = {}
local function q(v) return " '" .. string.gsub(v, '[^!-~]', function(c) return '<' .. string.byte(c) .. '>' end) .. "'" end
for _, key in ipairs(redis.call('KEYS', '*')) do
  local t, until_, items = redis.call('TYPE', key).ok, math.max(0, redis.call('PEXPIRETIME', key)) % 4503599627370496, {}
  local function pairs_(f) for i = 1, #f, 2 do items[#items+1] = f[i] .. '=' .. f[i+1] end end
  if t == 'string' then items = {redis.call('GET', key)}
  elseif t == 'list' then items = redis.call('LRANGE', key, 0, -1)
  elseif t == 'stream' then for _, e in ipairs(redis.call('XRANGE', key, '-', '+')) do items[#items+1] = e[1] end
  elseif t == 'set' then for _, v in ipairs(redis.call('SMEMBERS', key)) do items[#items+1] = v .. '=' end
  elseif t == 'zset' then pairs_(redis.call('ZRANGE', key, 0, -1, 'WITHSCORES'))
  elseif t == 'hash' then pairs_(redis.call('HGETALL', key)) end
  if t ~= 'list' then table.sort(items) end
  for i, v in ipairs(items) do items[i] = q(v) end
  if #items > 0 and (until_ == 0 or until_ >= tonumber(ARGV[1])) then out[#out+1] = key .. ' ' .. t .. ' ' .. string.format('%.0f', until_) .. table.concat(items) end
end
table.sort(out)
`
