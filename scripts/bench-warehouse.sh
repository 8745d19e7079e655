#!/usr/bin/env bash
# Measures what it costs to make files for warehouses of a log: pikabin's Parquet and Avro, and DuckDB and pyarrow on pikabin's JSON lines.
#
#   scripts/bench-warehouse.sh [--size SIZE] [--rounds N]
#
# CPU is user and system time on one core, the least of N interleaved rounds (default 3) over logs of SIZE (default 256MiB); that of DuckDB and pyarrow
# holds the conversion to JSON lines, too. "speed" and "size" are ratios to JSON lines with zstd.
#
#   READERS_DIR  where scripts/readers.sh install has put DuckDB and pyarrow; without them they are left out
#   PIKABIN      a binary to measure instead of one built from the working tree
set -euo pipefail
export LC_ALL=C GOMAXPROCS=1
TIMEFORMAT='%U %S'

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
}

rounds=3 size=256MiB
while (($#)); do
	case $1 in
	--size) size=${2:?--size takes a size} && shift ;;
	--rounds) rounds=${2:?--rounds takes a number} && shift ;;
	*) usage ;;
	esac
	shift
done

cd "$(dirname "$0")/.."
python=${READERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pikabin-readers}/venv/bin/python
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
pikabin=${PIKABIN:-$tmp/pikabin}
[[ -n ${PIKABIN:-} ]] || CGO_ENABLED=0 go build -o "$pikabin" .

# measure CASE WHAT COMMAND...: runs the command, and notes its CPU and the size of what it wrote into $tmp/out.
measure() {
	local case=$1 what=$2 cpu
	shift 2
	rm -rf "$tmp/out" && mkdir "$tmp/out"
	cpu=$({ time "$@" >/dev/null 2>"$tmp/stderr"; } 2>&1) || { cat "$tmp/stderr" >&2 && exit 1; }
	printf '%s\t%s\t%s\t%s\n' "$case" "$what" "$cpu" "$(find "$tmp/out" -type f ! -name '.*' -printf '%s\n' | awk '{n += $1} END {print n}')" >>"$tmp/results"
}

convert() { "$pikabin" convert -q "$tmp/log" "$@"; }

duckdb_copy() {
	convert -o "$tmp/lines.jsonl" && "$python" -c "import duckdb
duckdb.sql('SET threads=1')
duckdb.sql(\"COPY (FROM read_json('$tmp/lines.jsonl')) TO '$tmp/out/rows.parquet' (FORMAT parquet, COMPRESSION zstd)\")" && rm "$tmp/lines.jsonl"
}

pyarrow_copy() {
	convert -o "$tmp/lines.jsonl" && "$python" -c "import pyarrow as pa, pyarrow.json, pyarrow.parquet
pa.set_cpu_count(1)
rows = pa.json.read_json('$tmp/lines.jsonl', read_options=pa.json.ReadOptions(use_threads=False, block_size=16 << 20))
pa.parquet.write_table(rows, '$tmp/out/rows.parquet', compression='zstd')" && rm "$tmp/lines.jsonl"
}

for case in small medium; do
	go run ./scripts/genlog --case "$case" --size "$size" "$tmp/log"
	for ((round = 1; round <= rounds; round++)); do
		echo "bench-warehouse: $case, round $round of $rounds" >&2
		measure "$case" "jsonl, zstd" convert --compress zstd -o "$tmp/out/"
		measure "$case" "parquet, zstd" convert -f parquet -o "$tmp/out/"
		for codec in none deflate zstd; do
			measure "$case" "avro, $codec" convert -f avro --compress "$codec" -o "$tmp/out/"
		done
		measure "$case" "protobuf" convert -f protobuf -o "$tmp/out/"
		[[ -x $python ]] || continue
		measure "$case" "jsonl, DuckDB COPY" duckdb_copy
		measure "$case" "jsonl, pyarrow" pyarrow_copy
	done
	rm -rf "$tmp/log"
done

awk -F '\t' '
{
	key = $1 FS $2
	split($3, t, " ")
	cpu = t[1] + t[2]
	if (!(key in least)) order[++n] = key
	if (!(key in least) || cpu < least[key]) least[key] = cpu
	size[key] = $4
}
END {
	printf "%-7s %-20s %7s %7s %7s %7s\n", "case", "what", "CPU s", "speed", "MB", "size"
	for (i = 1; i <= n; i++) {
		split(order[i], k, FS)
		base = k[1] FS "jsonl, zstd"
		printf "%-7s %-20s %7.2f %7.2f %7.1f %7.2f\n", k[1], k[2], least[order[i]], least[base] / least[order[i]], size[order[i]] / 1e6, size[order[i]] / size[base]
	}
}' "$tmp/results"
