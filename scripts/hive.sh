#!/usr/bin/env bash
# A real Hive reads what pikabin writes: HiveServer2 with its own metastore, on 127.0.0.1. So do Spark and Trino.
#
#   scripts/hive.sh up                  fetches Hive and starts it
#   scripts/hive.sh test [spark|trino]  each fixture as Parquet, Avro and JSON lines with --partition hive, in tables that pikabin schema makes: rows and values are those
#                                       of the JSON lines, and the view of the current state gives what DuckDB's gives and a simulated Pika held. With spark or trino: that
#                                       one, with its own metastore, instead
#   scripts/hive.sh down                stops Hive
#
#   HIVE_DIR    where it is kept, about 0.4 GB, 0.9 GB with Spark, and 1 GB more with Trino (default ${XDG_CACHE_HOME:-~/.cache}/pikabin-hive)
#   HIVE_PORT   default 10010
#   HIVE_LOGS   the fixtures, if not all (folders of testdata)
#   TRINO_JAVA  the folder of a JDK 24 or later, which Trino needs (default: $JAVA_HOME)
#
# Needs Python, a JDK 17 and Maven, which brings Hive 4.0.1 and Trino 476; pip brings the clients.
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

# answers ENGINE
answers() { "$dir/venv/bin/python" scripts/warehouse/hive.py ping "$1" "$port" 2>/dev/null; }

# await ENGINE: until it answers.
await() {
	for ((i = 0; i < 90; i++)); do
		! answers "$1" || return 0
		running || break
		sleep 2
	done
	tail -20 "$run/log/out" >&2
	return 1
}

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
	await hive
}

# The archive holds hard links, so that all of it is unpacked; of the connectors that of Hive is enough, and starts soonest.
install_trino() {
	[[ ! -e $dir/trino/.done ]] || return 0
	rm -rf "$dir/trino" && mkdir -p "$dir/trino"
	mvn -q -B dependency:copy -Dartifact=io.trino:trino-server:476:tar.gz -DoutputDirectory="$dir/trino"
	tar -xzf "$dir"/trino/trino-server-476.tar.gz -C "$dir/trino" --strip-components=1
	find "$dir/trino/plugin" -mindepth 1 -maxdepth 1 ! -name hive -exec rm -r {} +
	rm "$dir"/trino/*.tar.gz
	touch "$dir/trino/.done"
}

# up_trino FOLDER starts one that reads below the folder, which it calls local:///.
up_trino() {
	running && down
	install_trino
	mkdir -p "$run"/{etc/catalog,data,log}
	printf '%s\n' coordinator=true node-scheduler.include-coordinator=true "http-server.http.port=$port" "discovery.uri=http://127.0.0.1:$port" \
		query.max-memory-per-node=700MB memory.heap-headroom-per-node=300MB >"$run/etc/config.properties"
	printf '%s\n' -Xmx2g -Djdk.attach.allowAttachSelf=true -XX:+EnableDynamicAgentLoading >"$run/etc/jvm.config"
	printf '%s\n' node.environment=test node.id=one "node.data-dir=$run/data" >"$run/etc/node.properties"
	printf '%s\n' connector.name=hive hive.metastore=file hive.metastore.catalog.dir=local:///metastore fs.native-local.enabled=true "local.location=$1" \
		>"$run/etc/catalog/hive.properties"
	(
		export JAVA_HOME=${TRINO_JAVA:-${JAVA_HOME:-}} && export PATH=$JAVA_HOME/bin:$PATH
		exec setsid "$dir/trino/bin/launcher" --etc-dir "$run/etc" run >"$run/log/out" 2>&1 </dev/null &
		echo $! >"$run/pid"
	)
	await trino
}

down() {
	! running || kill "$(cat "$run/pid")"
	rm -rf "$run"
}

# write makes the folders of a log, and the statements for them.
write() {
	local log=$1 engine=$2 to=$3 format name at
	at=file://$to
	[[ $engine != trino ]] || at=local:///${to##*/}
	"$tmp/pikabin" convert --quiet "$log" --bytes base64 -o "$to/lines.jsonl"
	for format in parquet avro jsonl; do
		"$tmp/pikabin" convert --quiet "$log" -f "$format" --partition hive -o "$to/$format/"
		name=${to##*/}_$format
		"$tmp/pikabin" schema "$engine" --table "$name" --location "$at/$format/" -f "$format" >"$to/$format.sql"
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
	case ${2:-hive} in
	spark)
		install "${client[@]}" pyspark==4.3.0
		run_test spark
		;;
	trino)
		install "${client[@]}" trino==0.340.0
		trap 'down; rm -rf "$tmp"' EXIT
		up_trino "$tmp"
		run_test trino
		;;
	*)
		running || trap 'down; rm -rf "$tmp"' EXIT
		up
		run_test hive
		;;
	esac
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
	;;
esac
