#!/usr/bin/env bash
# A real schema registry, Apicurio on 127.0.0.1, and a real Kafka: each fixture is sent as Avro, Protobuf and JSON with the ids of their schemas, and
# Confluent's client for Python reads it back. Every column is compared with pikabin's own JSONL.
#
#   scripts/registry.sh test [--quick]   --quick: three fixtures
#
#   REGISTRY_DIR  where the programs are kept, about 400 MB (default ${XDG_CACHE_HOME:-~/.cache}/pikabin-registry)
#
# Maven brings the registry and the broker, which need a JDK from 17 on, pip the client.
set -euo pipefail
cd "$(dirname "$0")/.."

apicurio=2.6.13.Final
versions=('confluent-kafka[avro,json,protobuf,schemaregistry]==2.16.1' grpcio-tools==1.85.1)
dir=${REGISTRY_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pikabin-registry}

install() {
	mkdir -p "$dir/apicurio"
	[[ -x $dir/venv/bin/python ]] || python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" --quiet --disable-pip-version-check install "${versions[@]}"
	[[ ! -e $dir/apicurio/apicurio-registry-app-$apicurio-runner.jar ]] || return 0
	mvn -B -q dependency:copy -Dartifact="io.apicurio:apicurio-registry-app:$apicurio:tar.gz:all" -DoutputDirectory="$dir"
	tar -xzf "$dir/apicurio-registry-app-$apicurio-all.tar.gz" -C "$dir/apicurio"
	rm "$dir/apicurio-registry-app-$apicurio-all.tar.gz"
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# up starts the registry, and waits until it answers.
up() {
	local port _
	port=$(free_port)
	java -Xmx512m -Dquarkus.http.host=127.0.0.1 -Dquarkus.http.port="$port" -jar "$dir/apicurio/apicurio-registry-app-$apicurio-runner.jar" >"$tmp/registry.log" 2>&1 &
	registry_pid=$!
	registry=http://127.0.0.1:$port/apis/ccompat/v7
	for _ in {1..600}; do
		! curl -sf "$registry/subjects" >"$tmp/answer" || return 0
		kill -0 "$registry_pid" 2>/dev/null || break
		sleep 0.1
	done
	tail -n 30 "$tmp/registry.log" >&2
	echo "registry: it did not start" >&2
	return 1
}

# send LOG TOPIC FORMAT fills the topic TOPIC-FORMAT.
send() {
	"$tmp/pikabin" convert --quiet "$1" -f "$3" -o "kafka://$brokers/$2-$3?create-topics&partitions=1&registry=$registry"
}

run() {
	local failed=0 n=0 log format
	"$dir/venv/bin/python" -m grpc_tools.protoc -I proto --python_out="$tmp" proto/change.proto
	for log in "$@"; do
		n=$((n + 1))
		"$tmp/pikabin" convert --quiet "$log" --bytes base64 -o "$tmp/lines.jsonl"
		echo "== $log"
		for format in avro protobuf jsonl; do
			PIKABIN_KAFKA_REGISTER_SCHEMAS=true send "$log" "fixture$n" "$format"
		done
		[[ -s $tmp/lines.jsonl ]] || continue # nothing is registered and no topic is made
		PYTHONPATH=$tmp "$dir/venv/bin/python" scripts/warehouse/registry.py "$brokers" "$registry" "fixture$n" "$tmp/lines.jsonl" || failed=1
	done
	return $failed
}

# refusals has the registry refuse what a run must not begin with: a schema that is not there, and one that is not compatible.
refusals() {
	local schema='{"schema":"{\"type\":\"record\",\"name\":\"Change\",\"namespace\":\"pikabin.v1\",\"fields\":[{\"name\":\"db\",\"type\":\"int\"}]}"}' json='Content-Type: application/json'
	refused "$1" none 'does not have the schema of this pikabin'
	curl -sf -o "$tmp/answer" -H "$json" -d "$schema" "$registry/subjects/other-avro-value/versions"
	curl -sf -o "$tmp/answer" -X PUT -H "$json" -d '{"compatibility":"FULL"}' "$registry/config/other-avro-value"
	PIKABIN_KAFKA_REGISTER_SCHEMAS=true refused "$1" other 'does not take the schema of this pikabin'
}

# refused LOG TOPIC TEXT wants exit code 2, and what the user is told.
refused() {
	local code=0
	send "$1" "$2" avro 2>"$tmp/told" || code=$?
	[[ $code == 2 ]] && grep -q "$3" "$tmp/told" && echo "refused: $(<"$tmp/told")" && return
	echo "registry: exit code $code, and not 2 with \"$3\": $(<"$tmp/told")" >&2
	return 1
}

down() {
	[[ -z ${registry_pid:-} ]] || { kill -KILL "$registry_pid" && wait "$registry_pid"; } 2>/dev/null || true
	scripts/kafka.sh down
	rm -rf "$tmp"
}

case ${1:-} in
test)
	logs=(testdata/*/log testdata/*/*/log testdata/4.0.1-replica/*)
	if [[ ${2:-} == --quick ]]; then
		logs=(testdata/4.0.1-everytype/log testdata/2.3.6-everytype/log testdata/3.2.9-everytype-sharding/log)
	fi
	keep=()
	for log in "${logs[@]}"; do
		[[ ! -d $log ]] || keep+=("$log")
	done
	install
	tmp=$(mktemp -d)
	trap down EXIT
	CGO_ENABLED=0 go build -o "$tmp/pikabin" .
	brokers=$(scripts/kafka.sh up --single)
	up
	run "${keep[@]}"
	refusals "${keep[0]}"
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
	;;
esac
