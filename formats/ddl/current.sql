CREATE VIEW {{view}} AS
WITH
-- one event for each key that a command names, with its place in its log as two numbers
events AS (
  SELECT "db", coalesce("slot", 0) AS slot, coalesce("epoch", 0) * 4294967296 + "segment" AS seg, "offset" * 8388608 + coalesce("part", 0) AS pos, "ts" AS ts,
    CASE WHEN "cmd" IN ('smove', 'rpoplpush') THEN 'update' ELSE "op" END AS op, "cmd" AS cmd, "effect" AS effect, "scope" AS scope,
    CASE "type" WHEN 'hll' THEN 'string' WHEN 'bitmap' THEN 'string' WHEN 'geo' THEN 'zset' ELSE "type" END AS kind,
    "key" AS key_, "value" AS value_, "elements" AS elements, "delta" AS delta, "expire_at_ms" AS until_, coalesce({{size "args"}}, 0) AS argc
  FROM {{table}}
  UNION ALL
  SELECT "db", coalesce("slot", 0) AS slot, coalesce("epoch", 0) * 4294967296 + "segment" AS seg, "offset" * 8388608 + coalesce("part", 0) AS pos, "ts" AS ts,
    'remove' AS op, "cmd" AS cmd, "effect" AS effect, "scope" AS scope, "type" AS kind,
    "args"[{{first}}] AS key_, "value" AS value_, "elements" AS elements, "delta" AS delta, "expire_at_ms" AS until_, 0 AS argc
  FROM {{table}} WHERE "cmd" IN ('smove', 'rpoplpush')
),
kinds AS (SELECT DISTINCT "db", slot, key_, kind FROM events WHERE key_ IS NOT NULL AND kind IS NOT NULL),
-- the last flush of each log, and the last event after which nothing of before is sure
flushes AS (
  SELECT "db", slot, seg, pos, row_number() OVER (PARTITION BY "db", slot ORDER BY seg DESC, pos DESC) AS n
  FROM events WHERE op = 'flush' AND argc <= 0
),
breaks AS (
  SELECT "db", slot, seg, pos, row_number() OVER (PARTITION BY "db", slot ORDER BY seg DESC, pos DESC) AS n
  FROM events WHERE op IN ('gap', 'corrupt', 'rewritten') OR op = 'flush' AND argc > 0 OR cmd = 'pkpatternmatchdel'
),
logs AS (
  SELECT "db", slot, min(CASE WHEN seg = 0 THEN pos END) AS beginning, max(CASE WHEN scope = 'instance' THEN ts END) AS emptied
  FROM events GROUP BY "db", slot
),
wipes AS (SELECT "db", slot, beginning, max(emptied) OVER () AS wiped FROM logs),
bounds AS (
  SELECT l."db" AS db_, l.slot AS slot_, l.wiped AS wiped, f.seg AS flush_seg, f.pos AS flush_pos, b.seg AS break_seg, b.pos AS break_pos,
    CASE WHEN l.beginning = 0 OR f.seg IS NOT NULL OR l.wiped IS NOT NULL THEN 1 ELSE 0 END AS whole
  FROM wipes l
  LEFT JOIN (SELECT * FROM flushes WHERE n = 1) f ON f."db" = l."db" AND f.slot = l.slot
  LEFT JOIN (SELECT * FROM breaks WHERE n = 1) b ON b."db" = l."db" AND b.slot = l.slot
),
-- what happened to each key since. Commands that name no type are for all that the key has. 3.5 logs pksetexat with 0 where a key keeps its deadline
keyed AS (
  SELECT e."db" AS db_, e.slot AS slot_, e.key_ AS key_, k.kind AS kind, e.seg AS seg, e.pos AS pos, e.ts AS ts, e.op AS op, e.cmd AS cmd,
    e.value_ AS value_, e.elements AS elements, e.delta AS delta, e.effect AS effect, b.whole AS whole,
    CASE WHEN e.op = 'delete' AND e.effect = 'exact' THEN 0 WHEN e.cmd = 'pksetexat' AND e.until_ = 0 THEN NULL WHEN e.op = 'set' THEN coalesce(e.until_, 0) WHEN k.kind <> 'stream' THEN e.until_ END AS deadline,
    CASE WHEN e.op IN ('set', 'store') OR e.op = 'delete' AND e.effect = 'exact' THEN 1 ELSE 0 END AS replaces,
    CASE WHEN e.op IN ('set', 'store', 'update') THEN 1 ELSE 0 END AS writes,
    CASE WHEN e.seg < b.break_seg OR e.seg = b.break_seg AND e.pos < b.break_pos OR e.ts = b.wiped THEN 1 ELSE 0 END AS broken
  FROM events e
  JOIN bounds b ON b.db_ = e."db" AND b.slot_ = e.slot
  JOIN kinds k ON k."db" = e."db" AND k.slot = e.slot AND k.key_ = e.key_
  WHERE (e.kind IS NULL OR e.kind = k.kind) AND (b.wiped IS NULL OR e.ts >= b.wiped)
    AND (b.flush_seg IS NULL OR e.seg > b.flush_seg OR e.seg = b.flush_seg AND e.pos > b.flush_pos)
),
-- a life of a key ends when it is replaced, or at its deadline, which the first event past it sees
due AS (
  SELECT keyed.*, {{last deadline}} OVER (PARTITION BY db_, slot_, key_, kind ORDER BY seg, pos ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS due,
    max(CASE WHEN deadline IS NULL THEN ts * 1000 ELSE -1 END) OVER (PARTITION BY db_, slot_, key_, kind ORDER BY seg, pos ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING) AS seen
  FROM keyed
),
judged AS (
  SELECT due.*, CASE WHEN replaces = 1 OR due <> 0 AND due <= ts * 1000 AND due > seen THEN 1 ELSE 0 END AS fresh,
    CASE
      WHEN broken = 1 THEN 1
      WHEN cmd = 'pksetexat' AND deadline IS NULL AND due > ts * 1000 THEN 1
      WHEN op = 'set' OR op = 'delete' THEN CASE WHEN effect = 'exact' THEN 0 ELSE 1 END
      WHEN due <> 0 AND due BETWEEN ts * 1000 - 2000 AND ts * 1000 + 2000 THEN 1
      WHEN op IN ('expire', 'persist') OR cmd IN ('hset', 'hmset', 'hdel', 'sadd', 'srem', 'zadd', 'zrem') THEN CASE WHEN effect = 'exact' THEN 0 ELSE 1 END
      WHEN cmd = 'append' OR {{whole delta}} THEN 0
      ELSE 1
    END AS doubt
  FROM due
),
lives AS (SELECT judged.*, sum(fresh) OVER (PARTITION BY db_, slot_, key_, kind ORDER BY seg, pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS life FROM judged),
latest AS (SELECT lives.*, max(life) OVER (PARTITION BY db_, slot_, key_, kind) AS last_life FROM lives),
-- a key that lost its last element lost its deadline, too, and the events do not tell whether it did
former AS (SELECT latest.*, max(CASE WHEN op = 'remove' AND life = last_life - 1 THEN 1 ELSE 0 END) OVER (PARTITION BY db_, slot_, key_, kind) AS shrunk FROM latest),
present AS (
  SELECT former.*, CASE WHEN doubt = 1 OR fresh = 1 AND replaces = 0 AND shrunk = 1 THEN 1 ELSE 0 END AS doubts, sum(writes) OVER (PARTITION BY db_, slot_, key_, kind ORDER BY seg, pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS written
  FROM former WHERE life = last_life
),
keys AS (
  SELECT present.*,
    {{last CASE WHEN written > 0 THEN coalesce(deadline, CASE WHEN cmd = 'pksetexat' AND due > ts * 1000 THEN due END) END}} OVER (PARTITION BY db_, slot_, key_, kind ORDER BY seg, pos ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS dies,
    max(doubts) OVER (PARTITION BY db_, slot_, key_, kind) AS doubts_,
    max(CASE WHEN op = 'remove' THEN 1 ELSE 0 END) OVER (PARTITION BY db_, slot_, key_, kind) AS shrinks,
    max(written) OVER (PARTITION BY db_, slot_, key_, kind) AS content,
    max(CASE WHEN op = 'store' THEN 1 ELSE 0 END) OVER (PARTITION BY db_, slot_, key_, kind) AS computed,
    CASE WHEN whole = 1 OR max(fresh) OVER (PARTITION BY db_, slot_, key_, kind) = 1 THEN 1 ELSE 0 END AS known,
    max(ts) OVER (PARTITION BY db_, slot_, key_, kind) AS changed,
    CASE WHEN min(CASE WHEN written > 0 THEN kind END) OVER (PARTITION BY db_, slot_, key_) <> max(CASE WHEN written > 0 THEN kind END) OVER (PARTITION BY db_, slot_, key_) THEN 1 ELSE 0 END AS several,
    row_number() OVER (PARTITION BY db_, slot_, key_, kind ORDER BY seg DESC, pos DESC) AS from_last
  FROM present
),
alive AS (SELECT keys.*, CASE WHEN doubts_ = 1 OR shrinks = 1 AND dies <> 0 THEN 1 ELSE 0 END AS doubtful FROM keys WHERE content > 0 AND (coalesce(dies, 0) = 0 OR dies >= {{now}})),
-- a string is what it was set to, and what was appended or added since
texts AS (
  SELECT alive.*,
    max(CASE WHEN op = 'set' THEN {{hex value_}} END) OVER (PARTITION BY db_, slot_, key_) AS base,
    {{join CASE WHEN op = 'set' OR cmd = 'append' THEN {{hex value_}} END OVER (PARTITION BY db_, slot_, key_ ORDER BY seg, pos ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)}} AS joined,
    sum(CASE WHEN op = 'set' OR cmd = 'append' THEN 1 ELSE 0 END) OVER (PARTITION BY db_, slot_, key_) AS pieces,
    sum(CASE WHEN cmd = 'append' THEN 1 ELSE 0 END) OVER (PARTITION BY db_, slot_, key_) AS appended,
    count(delta) OVER (PARTITION BY db_, slot_, key_) AS deltas,
    sum(CASE WHEN {{whole delta}} THEN {{long delta}} ELSE 0 END) OVER (PARTITION BY db_, slot_, key_) AS added
  FROM alive WHERE kind = 'string'
),
strings AS (
  SELECT texts.*, CASE WHEN base IS NULL THEN known WHEN {{wholeHex base}} THEN 1 ELSE 0 END AS countable
  FROM texts WHERE from_last = 1
),
-- a field or a member is what it was written as, and what was added since
named AS (
  SELECT db_, slot_, key_, kind, seg, pos, op, cmd, delta, doubtful, known, dies, changed, several,
    CASE WHEN kind = 'hash' THEN element_field ELSE element_value END AS member, CASE WHEN kind = 'hash' THEN {{hex element_value}} END AS text_, element_score AS score,
    CASE WHEN kind = 'zset' THEN -element_index ELSE element_index END AS place
  FROM ({{explode}}) exploded
),
versions AS (
  SELECT named.*, sum(CASE WHEN delta IS NULL THEN 1 ELSE 0 END) OVER (PARTITION BY db_, slot_, key_, kind, member ORDER BY seg, pos, place ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS version,
    count(*) OVER (PARTITION BY db_, slot_, key_, kind, member, seg, pos) AS times
  FROM named
),
newest AS (SELECT versions.*, max(version) OVER (PARTITION BY db_, slot_, key_, kind, member) AS last_version FROM versions),
members AS (
  SELECT db_, slot_, key_, kind, member, max(dies) AS dies, max(changed) AS changed,
    max(CASE WHEN delta IS NULL AND op = 'update' THEN text_ END) AS base, max(CASE WHEN delta IS NULL AND op = 'update' THEN score END) AS score,
    max(CASE WHEN delta IS NULL THEN 1 ELSE 0 END) AS based, max(CASE WHEN op = 'remove' THEN 1 ELSE 0 END) AS removed,
    count(delta) AS deltas, sum(CASE WHEN {{whole delta}} THEN {{long delta}} ELSE 0 END) AS added,
    max(CASE WHEN doubtful = 1 OR several = 1 OR kind = 'zset' AND times > 1 OR cmd = 'geoadd' THEN 1 ELSE 0 END) AS doubtful, max(known) AS known
  FROM newest WHERE version = last_version GROUP BY db_, slot_, key_, kind, member
),
items AS (
  SELECT members.*, CASE
      WHEN deltas = 0 THEN 1
      WHEN based = 0 THEN known
      WHEN removed = 1 THEN 1
      WHEN kind = 'hash' AND {{wholeHex base}} OR kind = 'zset' AND {{wholeScore score}} THEN 1
      ELSE 0
    END AS countable
  FROM members WHERE removed = 0 OR deltas > 0
)
SELECT db_ AS "db", slot_ AS "slot", key_ AS "key", kind AS "type", {{null binary}} AS "field",
  CASE WHEN deltas = 0 AND pieces > 0 THEN {{unhex joined}} WHEN deltas > 0 AND appended = 0 AND countable = 1 THEN {{bytes {{number base}} + added}} END AS "value",
  {{null text}} AS "score", CASE WHEN dies <> 0 THEN dies END AS "expire_at_ms", changed AS "ts",
  doubtful = 0 AND several = 0 AND (deltas = 0 OR countable = 1 AND appended = 0) AND (base IS NOT NULL OR known = 1) AS "certain"
FROM strings
UNION ALL
SELECT db_, slot_, key_, kind, member,
  CASE WHEN kind = 'hash' THEN CASE WHEN deltas = 0 THEN {{unhex base}} WHEN countable = 1 THEN {{bytes {{number base}} + added}} END END,
  CASE WHEN kind = 'zset' THEN CASE WHEN deltas = 0 THEN score WHEN countable = 1 THEN {{text coalesce({{long score}}, 0) + added}} END END,
  CASE WHEN dies <> 0 THEN dies END, changed, doubtful = 0 AND countable = 1
FROM items
UNION ALL
SELECT db_, slot_, key_, kind, {{null binary}}, {{null binary}}, {{null text}}, CASE WHEN dies <> 0 THEN dies END, changed, 1 = 0
FROM alive WHERE from_last = 1 AND kind <> 'string' AND (computed = 1 OR kind NOT IN ('hash', 'set', 'zset'));
