#!/usr/bin/env bash
# Other programs read what pikabin writes: each fixture as Parquet, Avro, JSON lines and CSV in folders with partitions, every column compared with pikabin's own JSONL.
# The view of the current state gives what the server held, where it says that it is certain.
#
#   scripts/readers.sh test [--quick]   DuckDB, pyarrow, pandas, polars, chdb, fastavro and avro-tools; --quick: three fixtures, without avro-tools
#   scripts/readers.sh install          only fetch the programs
#
#   READERS_DIR  where these are kept, about 2 GB (default ${XDG_CACHE_HOME:-~/.cache}/pikabin-readers)
#
# pip brings the readers, Maven avro-tools, which needs a JDK from 17 on.
set -euo pipefail
cd "$(dirname "$0")/.."

versions=(duckdb==2.0.1 pyarrow==26.0.1 pandas==3.1.1 polars==2.1.0 chdb==4.4.0 fastavro==1.13.1 cramjam==2.14.0)
avro_tools=1.12.1
dir=${READERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pikabin-readers}

install() {
	mkdir -p "$dir"
	[[ -x $dir/venv/bin/python ]] || python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" --quiet --disable-pip-version-check install "${versions[@]}"
}

install_java() {
	[[ -e $dir/avro-tools.jar ]] || mvn -B -q dependency:copy -Dartifact="org.apache.avro:avro-tools:$avro_tools" -DoutputDirectory="$dir" -Dmdep.stripVersion=true
}

run() {
	local failed=0
	CGO_ENABLED=0 go build -o "$tmp/pikabin" .
	for log in "${logs[@]}"; do
		rm -rf "$tmp/rows" && mkdir "$tmp/rows"
		"$tmp/pikabin" convert --quiet "$log" --bytes base64 -o "$tmp/rows/lines.jsonl"
		[[ -s $tmp/rows/lines.jsonl ]] || continue # a log without events gives no files
		"$tmp/pikabin" convert --quiet "$log" -f parquet --partition hive --timestamps -o "$tmp/rows/parquet/"
		for codec in none deflate snappy; do
			"$tmp/pikabin" convert --quiet "$log" -f avro --compress "$codec" --partition hive -o "$tmp/rows/avro-$codec/"
		done
		tables
		echo "== $log"
		"$dir/venv/bin/python" scripts/warehouse/readers.py "$tmp/rows" "${java[@]}" || failed=1
	done
	keys || failed=1
	return $failed
}

# tables writes files of text, and the statements that make tables of them.
tables() {
	local format codec engine
	for format in jsonl:zstd csv:none; do
		codec=${format#*:} format=${format%:*}
		"$tmp/pikabin" convert --quiet "$log" -f "$format" --compress "$codec" --partition hive -o "$tmp/rows/$format/"
		for engine in duckdb clickhouse; do
			"$tmp/pikabin" schema "$engine" --table x.changes --location "$tmp/rows/$format/" -f "$format" --compress "$codec" >"$tmp/rows/$format-$engine.sql"
		done
	done
}

# keys compares the view of the current state with what keys held: random commands on a simulated Pika, and deadlines of real ones.
keys() {
	local failed=0 version engine to=$tmp/keys
	CGO_ENABLED=0 go build -o "$tmp/model" ./scripts/warehouse/keys
	for version in "${models[@]}"; do
		echo "== current state of Pika $version"
		rm -rf "$to" && mkdir "$to"
		"$tmp/model" --pika "$version" --without pkpatternmatchdel "$to"
		view "$to/log"
		for engine in duckdb clickhouse; do
			"$dir/venv/bin/python" scripts/warehouse/current.py "$engine" "$to" || failed=1
		done
	done
	for version in testdata/*-ttl; do
		echo "== $version"
		rm -rf "$to" && mkdir "$to"
		view "$version/log"
		zstd -qdc "$version/ttl.json.zst" >"$to/ttl.json"
		"$dir/venv/bin/python" scripts/warehouse/current.py duckdb "$to" "$to/ttl.json" || failed=1
	done
	return $failed
}

# view makes a folder of a log, and the statements for it.
view() {
	local engine
	"$tmp/pikabin" convert --quiet "$1" -f parquet --partition hive -o "$to/parquet/"
	for engine in duckdb clickhouse; do
		"$tmp/pikabin" schema "$engine" --table changes --location "$to/parquet/" >"$to/$engine.sql"
		"$tmp/pikabin" schema "$engine" --table changes --current >"$to/$engine-current.sql"
	done
}

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
java=()
models=(2.2.6 2.3.6 3.0.4 3.0.16 3.2.9 3.3.6 3.4.1 3.5.5 4.0.1)
logs=(testdata/*/log testdata/*/*/log testdata/4.0.1-replica/*)
if [[ ${2:-} == --quick ]]; then
	models=(2.3.6 4.0.1)
	logs=(testdata/4.0.1-everytype/log testdata/2.3.6-everytype/log testdata/3.2.9-everytype-sharding/log)
fi
keep=()
for log in "${logs[@]}"; do
	[[ ! -d $log ]] || keep+=("$log")
done
logs=("${keep[@]}")

case ${1:-} in
install) install ;;
test)
	install
	if [[ ${2:-} != --quick ]]; then
		install_java
		java=("$dir/avro-tools.jar")
	fi
	run
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
	;;
esac
