#!/usr/bin/env bash
# Kills pikabin and the brokers of a real Kafka of three nodes, at random moments and many times, while a writer does what a Pika
# server does. Then kcat, which shares no code with pikabin, reads all that is committed in the topics, and that is compared with
# all that the writer committed: with --exactly-once each position once, and in order; without it none missing, and in order where
# repeats are passed over; and each FLUSHDB in every partition.
#
#   scripts/kafka-torture.sh                      at least once and exactly once
#   KILLS=5 scripts/kafka-torture.sh exactly      only scenarios whose name matches
#
#   KILLS  of pikabin in each scenario, and of brokers (default 50)
#   TIME   after which nothing more is killed (default 1h)
#   SEED   of moments (default 1)
#   WORK   where the files lie (default: a temporary folder); those of a failed scenario stay
#
# It needs kcat, and what scripts/kafka.sh needs.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v kcat >/dev/null || {
	echo "kafka-torture: there is no kcat here, which reads the topics (Debian has it: apt-get install kcat)" >&2
	exit 1
}
work=${WORK-$(mktemp -d)}
mkdir -p "$work"
export TMPDIR=$work # a cluster of its own
go test -c -tags kafka -o "$work/torture.test" ./encode/cli/torture
trap 'scripts/kafka.sh down' EXIT
PIKABIN_TEST_KAFKA=$(scripts/kafka.sh up)
export PIKABIN_TEST_KAFKA
kills=${KILLS-50} time=${TIME-1h}
echo "kafka-torture: $kills kills each, $time at most, in $work"
"$work/torture.test" -test.run '^TestRealKafkaTorture$' -test.v -test.timeout 0 -torture.kcat -torture.kafka "$kills" -torture.time "$time" \
	-torture.only "${1-}" -torture.seed "${SEED-1}" -torture.dir "$work" >"$work/log" 2>&1 || {
	cp -r "$work/pikabin-kafka" "$work/brokers"
	grep -v '^=== ' "$work/log" >&2
	echo "kafka-torture: FAILED; all of it is in $work/log, and the brokers' own logs and data in $work/brokers" >&2
	exit 1
}
sed -n 's/^ *[a-z_]*_test\.go:[0-9]*: //p' "$work/log"
echo "kafka-torture: all that was committed has come, in order"
[[ -n ${WORK-} ]] || rm -rf "$work"
