#!/usr/bin/env bash
# Other programs read what pikabin writes: each fixture as Parquet, Avro, JSON lines and CSV with partitions, in a folder and in a bucket, every column
# compared with pikabin's own JSONL. The view of the current state gives what the server held, where it says that it is certain.
#
#   scripts/readers.sh test [--quick]   DuckDB, pyarrow, pandas, polars, chdb, fastavro and avro-tools; --quick: two fixtures,
#                                       by DuckDB, pyarrow and fastavro
#   scripts/readers.sh install          only fetch the programs
#
#   READERS_DIR  where these are kept, about 2 GB (default ${XDG_CACHE_HOME:-~/.cache}/pikabin-readers)
#
# pip brings the readers, Maven avro-tools, which needs a JDK from 17 on. The bucket is that of scripts/s3.sh. Each reader reads it by its own support of S3 but
# for avro-tools, which comes without and is given the bytes.
set -euo pipefail
cd "$(dirname "$0")/.."

quick_versions=(duckdb==2.0.1 pyarrow==26.0.1 fastavro==1.13.1 cramjam==2.14.0)
versions=("${quick_versions[@]}" pandas==3.1.1 polars==2.1.0 chdb==4.4.0 s3fs==2026.9.0)
# DuckDB itself fetches httpfs, its support of S3, from a server of its own; pip has it for this version.
httpfs=1.5.5
avro_tools=1.12.1
dir=${READERS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pikabin-readers}

# install VERSION... fetches programs.
install() {
	local pip=("$dir/venv/bin/pip" --quiet --disable-pip-version-check)
	mkdir -p "$dir"
	[[ -x $dir/venv/bin/pip ]] || python3 -m venv "$dir/venv"
	"${pip[@]}" install "$@"
	if [[ ! -d $dir/httpfs-$httpfs ]]; then
		rm -rf "$dir/httpfs.new"
		"${pip[@]}" install --target "$dir/httpfs.new" "duckdb==$httpfs" "duckdb-extension-httpfs==$httpfs" "pytz==2026.6"
		mv "$dir/httpfs.new" "$dir/httpfs-$httpfs"
	fi
}

install_java() {
	[[ -e $dir/avro-tools.jar ]] || mvn -B -q dependency:copy -Dartifact="org.apache.avro:avro-tools:$avro_tools" -DoutputDirectory="$dir" -Dmdep.stripVersion=true
	export AVRO_TOOLS=$dir/avro-tools.jar
}

# bucket starts the server, and says where it is to all that reads and writes.
bucket() {
	scripts/s3.sh up >&2
	eval "$(scripts/s3.sh env)"
	export AWS_ENDPOINT_URL=$PIKABIN_TEST_S3 AWS_REGION=us-east-1
}

run() {
	local failed=0 number=0
	CGO_ENABLED=0 go build -o "$tmp/pikabin" .
	bucket
	for log in "${logs[@]}"; do
		rm -rf "$tmp/rows" && mkdir "$tmp/rows"
		"$tmp/pikabin" convert --quiet "$log" --bytes base64 -o "$tmp/rows/lines.jsonl"
		[[ -s $tmp/rows/lines.jsonl ]] || continue # a log without events gives no files
		echo "== $log"
		compare "$tmp/rows/files" "$tmp/rows/files" || failed=1
		echo "== $log, from a bucket"
		((++number))
		PYTHONPATH=$dir/httpfs-$httpfs compare "s3://bucket/$number" "$AWS_ENDPOINT_URL/bucket/$number" || failed=1
	done
	keys || failed=1
	return $failed
}

# compare PLACE URL writes files into a folder or a bucket, which ClickHouse knows by its URL, and has them read.
compare() {
	local codec
	convert parquet --timestamps -o "$1/parquet/"
	for codec in none deflate snappy; do
		convert avro --compress "$codec" -o "$1/avro-$codec/"
	done
	tables "$@"
	"$dir/venv/bin/python" scripts/warehouse/readers.py "$tmp/rows" "$1" "${readers[@]}"
}

convert() { "$tmp/pikabin" convert --quiet "$log" --partition hive -f "$@"; }

# tables PLACE URL writes files of text, and the statements that make tables of them.
tables() {
	local format codec
	for format in jsonl:zstd csv:none; do
		codec=${format#*:} format=${format%:*}
		convert "$format" --compress "$codec" -o "$1/$format/"
		"$tmp/pikabin" schema duckdb --table x.changes --location "$1/$format/" -f "$format" --compress "$codec" >"$tmp/rows/$format-duckdb.sql"
		"$tmp/pikabin" schema clickhouse --table x.changes --location "$2/$format/" -f "$format" --compress "$codec" >"$tmp/rows/$format-clickhouse.sql"
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
		for engine in "${engines[@]}"; do
			"$dir/venv/bin/python" scripts/warehouse/current.py "$engine" "$to" || failed=1
		done
	done
	for version in "${ttls[@]}"; do
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
export TMPDIR=$tmp # the server's data, and what has not been sent to it
trap 'scripts/s3.sh down; rm -rf "$tmp"' EXIT
readers=(duckdb pyarrow pandas polars chdb fastavro avro-tools)
engines=(duckdb clickhouse)
models=(2.2.6 2.3.6 3.0.4 3.0.16 3.2.9 3.3.6 3.4.1 3.5.5 4.0.1)
ttls=(testdata/*-ttl)
logs=(testdata/*/log testdata/*/*/log testdata/4.0.1-replica/*)
if [[ ${2:-} == --quick ]]; then
	versions=("${quick_versions[@]}")
	readers=(duckdb pyarrow fastavro)
	engines=(duckdb)
	models=(4.0.1)
	ttls=(testdata/4.0.1-ttl)
	logs=(testdata/4.0.1-everytype/log testdata/3.2.9-everytype-sharding/log)
fi
keep=()
for log in "${logs[@]}"; do
	[[ ! -d $log ]] || keep+=("$log")
done
logs=("${keep[@]}")

case ${1:-} in
install) install "${versions[@]}" ;;
test)
	install "${versions[@]}"
	[[ ${2:-} == --quick ]] || install_java
	run
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
	;;
esac
