#!/usr/bin/env bash
# Consumers read the envelopes of --envelope: Kafka Connect's JsonConverter and Debezium's ExtractNewRecordState, and the SDK of CloudEvents for Python.
# Each event of each fixture has to say in them what the plain event says.
#
#   scripts/envelopes.sh
#
#   ENVELOPES_DIR  where they are kept, about 0.1 GB (default ${XDG_CACHE_HOME:-~/.cache}/pikabin-envelopes)
#
# Needs Python, a JDK 17 and Maven.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=${ENVELOPES_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pikabin-envelopes}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

install() {
	mkdir -p "$dir"
	[[ -x $dir/venv/bin/python ]] || python3 -m venv "$dir/venv"
	"$dir/venv/bin/pip" --quiet --disable-pip-version-check install cloudevents==2.2.0
	[[ -e $dir/lib/.done ]] || mvn -q -B -f scripts/envelopes/pom.xml dependency:copy-dependencies -DoutputDirectory="$dir/lib"
	touch "$dir/lib/.done"
}

# convert LOG ENVELOPE appends the events to a file of that name.
convert() {
	"$work/pikabin" convert --quiet "$1" --envelope "$2" --on-gap skip --on-corrupt skip >>"$work/$2"
}

install
go build -o "$work/pikabin" .
for log in testdata/*/log; do
	: >"$work/cloudevents" # a source is one server
	: >"$work/none"
	convert "$log" none
	convert "$log" cloudevents
	"$dir/venv/bin/python" scripts/envelopes/consumer.py "$work/cloudevents" "$work/none"
	cat "$work/none" >>"$work/all"
	convert "$log" debezium
done
java -cp "$dir/lib/*" scripts/envelopes/Consumer.java "$work/debezium" "$work/all"
