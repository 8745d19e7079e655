#!/usr/bin/env bash
# A real Hive reads what pikabin writes: HiveServer2 with its own metastore, on 127.0.0.1.
#
#   scripts/hive.sh up            fetches it and starts it
#   scripts/hive.sh test [spark]  each fixture as Parquet, Avro and JSON lines with --partition hive, in tables that pikabin schema makes: rows and values are those of
#                                 the JSON lines, and the view of the current state gives what DuckDB's gives and a simulated Pika held. With spark: Spark with its metastore instead
#   scripts/hive.sh down          stops it
#
#   HIVE_DIR   where it is kept, about 0.4 GB, 0.9 GB with Spark (default ${XDG_CACHE_HOME:-~/.cache}/pikabin-hive)
#   HIVE_PORT  default 10010
#   HIVE_LOGS  the fixtures, if not all (folders of testdata)
#
# Needs Python, a JDK 17 and Maven, which brings Hive 4.0.1; pip brings the client.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${HIVE_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pikabin-hive}
port=${HIVE_PORT:-10010}
client=(pyhive==0.7.0 thrift==0.25.0 thrift_sasl==0.4.3 pure-sasl==0.6.2 duckdb==2.0.1)
run=$dir/run

install() {
	mkdir -p "$dir"
	[[ -x $dir/venv/bin/python ]] || python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" --quiet --disable-pip-version-check install "$@"
}

install_hive() {
	[[ ! -e $dir/lib/.done ]] || return 0
	mvn -q -B -f scripts/warehouse/hive/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$dir/lib"
	# it needs a class of the first, and the second has other versions of what is in the others
	mvn -q -B dependency:copy -Dartifact=org.apache.hadoop:hadoop-hdfs:3.3.6 -DoutputDirectory="$dir/lib"
	rm -f "$dir"/lib/hadoop-client-api-*.jar
	touch "$dir/lib/.done"
}

running() { [[ -e $run/pid ]] && kill -0 "$(cat "$run/pid")" 2>/dev/null; }

answers() { "$dir/venv/bin/python" scripts/warehouse/hive.py ping "$port" 2>/dev/null; }

up() {
	install "${client[@]}"
	install_hive
	! running || return 0
	rm -rf "$run" && mkdir -p "$run"/{conf,home/bin,scratch,wh,log}
	sed "s#@DIR@#$run#g; s#@PORT@#$port#" scripts/warehouse/hive/hive-site.xml.in >"$run/conf/hive-site.xml"
	local opens=() package
	for package in java.base/java.{lang,util,util.concurrent,util.concurrent.atomic,net,io,nio,time,util.regex,lang.reflect,text} java.base/sun.nio.ch java.sql/java.sql; do
		opens+=(--add-opens "$package=ALL-UNNAMED")
	done
	(
		cd "$run"
		export HADOOP_HOME=$run/home HIVE_CONF_DIR=$run/conf
		exec setsid java -Xmx2g "${opens[@]}" -Dhive.log.dir=log -cp "conf:$dir/lib/*" org.apache.hive.service.server.HiveServer2 >log/out 2>&1 </dev/null &
		echo $! >pid
	)
	for ((i = 0; i < 90; i++)); do
		! answers || return 0
		running || break
		sleep 2
	done
	tail -20 "$run/log/out" >&2
	return 1
}

down() {
	! running || kill "$(cat "$run/pid")"
	rm -rf "$run"
}

# write makes the folders of a log, and the statements for them.
write() {
	local log=$1 engine=$2 to=$3 format name
	"$tmp/pikabin" convert --quiet "$log" --bytes base64 -o "$to/lines.jsonl"
	for format in parquet avro jsonl; do
		"$tmp/pikabin" convert --quiet "$log" -f "$format" --partition hive -o "$to/$format/"
		name=${to##*/}_$format
		"$tmp/pikabin" schema "$engine" --table "$name" --location "file://$to/$format/" -f "$format" >"$to/$format.sql"
		[[ $format == jsonl ]] || "$tmp/pikabin" schema "$engine" --table "$name" --current >"$to/$format-current.sql"
	done
	"$tmp/pikabin" schema duckdb --table changes --location "$to/parquet/" >"$to/duckdb.sql"
	"$tmp/pikabin" schema duckdb --table changes --current >"$to/duckdb-current.sql"
}

run_test() {
	local engine=$1 log n=0 to
	CGO_ENABLED=0 go build -o "$tmp/pikabin" .
	CGO_ENABLED=0 go build -o "$tmp/keys" ./scripts/warehouse/keys
	for log in ${HIVE_LOGS:-testdata/*/log}; do
		to=$tmp/t$((n += 1))
		mkdir "$to"
		echo "$log" >"$to/name"
		write "$log" "$engine" "$to"
	done
	for version in 2.3.6 3.2.9 4.0.1; do
		to=$tmp/t$((n += 1))
		mkdir "$to"
		echo "keys of Pika $version" >"$to/name"
		"$tmp/keys" --pika "$version" --without pkpatternmatchdel "$to"
		write "$to/log" "$engine" "$to"
	done
	"$dir/venv/bin/python" scripts/warehouse/hive.py "$engine" "$port" "$tmp"/t*
}

case ${1:-} in
up) up ;;
down) down ;;
test)
	tmp=$(mktemp -d)
	trap 'rm -rf "$tmp"' EXIT
	if [[ ${2:-} == spark ]]; then
		install "${client[@]}" pyspark==4.3.0
		run_test spark
	else
		running || trap 'down; rm -rf "$tmp"' EXIT
		up
		run_test hive
	fi
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
	;;
esac
