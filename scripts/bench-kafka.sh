#!/usr/bin/env bash
# Measures how fast pikabin fills a topic of a real Kafka on this machine, beside kcat -P and Kafka's own producer-perf-test,
# and how late the changes of a live log come to a consumer. It needs what scripts/kafka.sh needs, and kcat.
#
#   scripts/bench-kafka.sh [--quick] [--rounds N] [--size SIZE] [--nodes N] [--partitions N] [--without-kcat]
#                          [--cases "small medium bulky"] [--codecs "zstd lz4 none"] [--latency S] [--rates "1 1000"]
#
# All get the same values, pikabin's JSON lines of a generated log, and the same settings: acks=all, idempotent, batches of up
# to a megabyte, 5 ms of linger, 64 MiB that may wait. pikabin (alone, and with exactly-once) and kcat send keys, pikabin headers,
# too; the perf tool sends neither, and lines that it picks at random from a part of the file.
#
# MB/s are those of the values. The time is that of the whole program; that of the perf tool only its steady state, after as
# many records again. Figures are medians of interleaved rounds, and ratios those of the rounds. CPU is in seconds for each
# GB of values: that of the client, and that of the brokers meanwhile, which have the same CPUs.
#
# Latencies are from right before the writer (scripts/pikasim) stores the position to the line of kcat -C, read committed.
#
#   --size SIZE    of each log (default 512MiB)
#   --nodes N      1, or 3 with all records on each (default 1)
#   --latency S    for how long each rate of writes is followed (default 20; 0: not at all)
#   --quick        one round of 64 MiB, 5 s for each latency
#
#   BENCH_DIR  where all data is (default /dev/shm if 4 GiB are free there, else TMPDIR); a new folder in it, removed at the end
#   PIKABIN    a binary to measure instead of one built from the working tree
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C # EPOCHREALTIME and TIMEFORMAT with a point
TIMEFORMAT='%R %U %S'

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

rounds=3 size=512MiB nodes=1 partitions=6 latency=20 kcat=yes
cases="small medium bulky" codecs="zstd lz4 none" rates="1 1000"
while (($#)); do
	case $1 in
	--quick) rounds=1 size=64MiB latency=5 ;;
	--rounds | --size | --nodes | --partitions | --cases | --codecs | --latency | --rates)
		printf -v "${1#--}" %s "${2?$1 takes a value}" && shift
		;;
	--without-kcat) kcat=no latency=0 ;;
	*) usage ;;
	esac
	shift
done

die() {
	echo "bench-kafka: $*" >&2
	exit 1
}

[[ -n ${EPOCHREALTIME:-} ]] || die "bash 5 or later is needed"
[[ $nodes == 1 || $nodes == 3 ]] || die "--nodes: 1 or 3"
[[ $kcat == no ]] || command -v kcat >/dev/null ||
	die "there is no kcat here: install the package kcat, or give --without-kcat, which leaves out what needs it"
root=$(cd "$(dirname "$0")/.." && pwd)
base=${BENCH_DIR:-/dev/shm}
free=$(df -Pk "$base" 2>/dev/null | awk 'NR == 2 { print $4 }')
[[ -n ${BENCH_DIR:-} || ${free:-0} -ge $((4 << 20)) ]] || base=${TMPDIR:-/tmp}
tmp=$(mktemp -d "$base/pikabin-bench-kafka.XXXXXX")
ticks=$(getconf CLK_TCK)
results=$tmp/results # case, codec, client, records a second, MB a second, CPU of the client and of the brokers for each GB
others=()            # processes that are to end with the script

kafka() {
	TMPDIR=$tmp "$root/scripts/kafka.sh" "$@"
}

cleanup() {
	local pid
	for pid in "${others[@]}"; do kill "$pid" 2>/dev/null || true; done
	kafka down || true
	wait
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

build() {
	pikabin=${PIKABIN:-$tmp/pikabin}
	[[ -n ${PIKABIN:-} ]] || CGO_ENABLED=0 go build -C "$root" -o "$pikabin" .
	go build -C "$root" -o "$tmp" ./scripts/genlog ./scripts/pikasim ./scripts/latency
}

# up starts the brokers. They look for what to delete all the time, so that the topics keep to some hundred MB.
up() {
	local single=(--single)
	((nodes == 1)) || single=()
	brokers=$(KAFKA_HEAP=1g KAFKA_PROPERTIES=log.retention.check.interval.ms=500 kafka up "${single[@]}" | head -n 1)
}

# make_topic NAME [SETTING]: with one record in it.
make_topic() {
	"$pikabin" convert --quiet "$tmp/small" --limit 1 --create-topics \
		-o "kafka://$brokers/$1?partitions=$partitions&topic-config=file.delete.delay.ms=100,${2:-segment.bytes=33554432,retention.bytes=33554432}" \
		2>/dev/null || die "topic $1 cannot be made"
}

# prepare CASE: the log; its changes with their keys for kcat, and a part of them without for the perf tool.
prepare() {
	"$tmp/genlog" --case "$1" --size "$size" "$tmp/$1"
	"$pikabin" convert --quiet "$tmp/$1" -o "$tmp/$1.lines"
	read -r records bytes <<<"$(wc -lc <"$tmp/$1.lines")"
	head -c 32M "$tmp/$1.lines" | sed '$d' >"$tmp/$1.part"
	[[ $kcat == no ]] || sed -E 's/^.*"key":"([^"]*)".*$/\1\t&/' "$tmp/$1.lines" >"$tmp/$1.keyed"
	rm "$tmp/$1.lines"
}

# broker_ticks: what the brokers have taken so far, user and system. The name of their program has no spaces.
broker_ticks() {
	local n stat sum=0
	for ((n = 1; n <= nodes; n++)); do
		read -ra stat <"/proc/$(<"$tmp/pikabin-kafka/$n/pid")/stat"
		sum=$((sum + stat[13] + stat[14]))
	done
	echo "$sum"
}

# measure CASE CODEC CLIENT: runs the function of the client, and notes what it took.
measure() {
	local before taken seconds user system rate='' times=1
	before=$(broker_ticks)
	{ time "$3" "$1" "$2" >"$tmp/out" 2>"$tmp/err"; } 2>"$tmp/time" || die "$1, $2: $3 ended: $(tail -n 5 "$tmp/out" "$tmp/err")"
	taken=$(($(broker_ticks) - before))
	read -r seconds user system <"$tmp/time"
	if [[ $3 == perf ]]; then
		times=2 rate=$(sed -n 's/.*steady state records sent, \([0-9.]*\) records.*/\1/p' "$tmp/out")
		[[ -n $rate ]] || die "the perf tool tells no rate: $(<"$tmp/out")"
	fi
	awk -v OFS='\t' -v what="$1 $2 $3" -v n="$records" -v b="$bytes" -v s="$seconds" -v cpu="$user+$system" \
		-v rate="$rate" -v broker="$(awk -v t="$taken" -v hz="$ticks" 'BEGIN { print t / hz }')" -v times="$times" 'BEGIN {
		split(what, w, " "); split(cpu, c, "+")
		if (rate == "") rate = n / s
		gb = times * b / 1e9
		print w[1], w[2], w[3], rate, rate * b / n / 1e6, (c[1] + c[2]) / gb, broker / gb
	}' >>"$results"
}

pikabin() {
	"$pikabin" convert --quiet "$tmp/$1" -o "kafka://$brokers/bench?compression=$2"
}

exactly-once() {
	"$pikabin" convert --quiet "$tmp/$1" --exactly-once --create-topics -o "kafka://$brokers/bench?compression=$2&source=$SRANDOM"
}

kcat() {
	command kcat -P -b "$brokers" -t bench -l -K '\t' -X acks=all -X enable.idempotence=true -X compression.codec="$2" \
		-X partitioner=murmur2_random -X batch.size=1000000 -X batch.num.messages=100000 -X linger.ms=5 \
		-X queue.buffering.max.kbytes=65536 -X queue.buffering.max.messages=1000000 "$tmp/$1.keyed"
}

perf() {
	KAFKA_HEAP=1g kafka run org.apache.kafka.tools.ProducerPerformance --bootstrap-server "$brokers" --topic bench \
		--num-records $((2 * records)) --warmup-records "$records" --payload-file "$tmp/$1.part" --throughput -1 \
		--command-property acks=all enable.idempotence=true compression.type="$2" batch.size=1000000 linger.ms=5 \
		buffer.memory=67108864 max.request.size=8388608
}

# warm_up CASE lets the brokers compile what they run.
warm_up() {
	local client
	for client in perf pikabin exactly-once; do
		"$client" "$1" "${codecs%% *}" >"$tmp/out" 2>&1 || die "$client: $(<"$tmp/out")"
	done
}

bench() {
	local case codec client round clients="pikabin exactly-once kcat perf"
	[[ $kcat == yes ]] || clients=${clients/kcat /}
	for case in $cases; do
		prepare "$case"
		[[ -e $results ]] || warm_up "$case"
		for ((round = 1; round <= rounds; round++)); do
			echo "bench-kafka: $case, round $round of $rounds, $records values of $((bytes / records)) bytes" >&2
			for codec in $codecs; do
				for client in $clients; do measure "$case" "$codec" "$client"; done
			done
		done
		[[ $case == small ]] || rm -r "${tmp:?}/$case"
		rm -f "$tmp/$case".*
	done
}

table() {
	awk -F '\t' -v rounds="$rounds" '
	function median(list,   n, i, j, v, t) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++) {
			t = v[i] + 0
			for (j = i - 1; j > 0 && v[j] + 0 > t; j--) v[j + 1] = v[j]
			v[j + 1] = t
		}
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	# ratio is the median of the ratios in each round.
	function ratio(key, other,   n, i, a, b, list) {
		n = split(all[key, 4], a, " ")
		if (split(all[other, 4], b, " ") != n) return "-"
		for (i = 1; i <= n; i++) list = list " " a[i] / b[i]
		return sprintf("%.2f", median(list))
	}
	{
		key = $1 FS $2 FS $3
		if (!(key in seen)) order[++count] = key
		seen[key] = 1
		for (i = 4; i <= NF; i++) all[key, i] = all[key, i] " " $i
	}
	END {
		format = "%-7s %-5s %-13s %10s %8s %8s %8s %8s %8s\n"
		printf format, "case", "codec", "client", "records/s", "MB/s", "of perf", "of kcat", "CPU s/GB", "brokers"
		for (i = 1; i <= count; i++) {
			key = order[i]
			split(key, k, FS)
			printf format, k[1], k[2], k[3], sprintf("%.0f", median(all[key, 4])), sprintf("%.0f", median(all[key, 5])),
				ratio(key, k[1] FS k[2] FS "perf"), ratio(key, k[1] FS k[2] FS "kcat"),
				sprintf("%.1f", median(all[key, 6])), sprintf("%.1f", median(all[key, 7]))
		}
	}' "$results"
}

# follow RATE OPTION...: one tail with these options, from the writer to the reader of the topic.
follow() {
	local rate=$1 topic=latency-$SRANDOM tail_pid reader_pid field for=$latency count=0 p50=0 p99=0 max=0 machine=0
	shift
	((rate > 1)) || for=$((3 * latency))
	make_topic "$topic" retention.ms=-1
	rm -rf "$tmp/log" "$tmp/pipe"
	mkdir "$tmp/log"
	mkfifo "$tmp/pipe"
	"$tmp/latency" --machine --skip 2s <"$tmp/pipe" >"$tmp/ages" &
	local meter_pid=$!
	command kcat -C -q -u -b "$brokers" -t "$topic" -o beginning -X isolation.level=read_committed >"$tmp/pipe" 2>"$tmp/err" &
	reader_pid=$!
	"$pikabin" tail "$tmp/log" --from start --quiet --idle-exit 3s --create-topics -o "kafka://$brokers/$topic" "$@" 2>"$tmp/out" &
	tail_pid=$!
	others=("$meter_pid" "$reader_pid" "$tail_pid")
	"$tmp/pikasim" --stamp --rate "$rate" --duration "${for}s" "$tmp/log" </dev/null >/dev/null
	wait "$tail_pid" || die "pikabin tail ended with $?: $(<"$tmp/out")"
	sleep 1
	kill "$reader_pid"
	wait "$meter_pid"
	others=()
	for field in $(<"$tmp/ages"); do printf -v "${field%%=*}" %s "${field#*=}"; done
	((count > 0)) || die "no line has come: $(<"$tmp/out")"
	latency_row "$rate/s" "${*:-default}" "$count" "$(ms "$p50")" "$(ms "$p99")" "$(ms "$max")" "$(ms "$machine")"
}

latency_row() {
	printf '%-7s %-15s %8s %8s %8s %8s %8s\n' "$@"
}

ms() {
	awk -v us="$1" 'BEGIN { printf "%.1f", us / 1000 }'
}

latencies() {
	local rate
	echo
	latency_row writes options lines "p50 ms" "p99 ms" "max ms" machine
	for rate in $rates; do
		follow "$rate"
		follow "$rate" --exactly-once
	done
}

build
up
"$tmp/genlog" --case small --size 1MiB "$tmp/small"
make_topic bench
rm -r "$tmp/small"
if [[ -n $cases ]]; then
	bench
	table
fi
[[ -d $tmp/small ]] || "$tmp/genlog" --case small --size 1MiB "$tmp/small"
((latency == 0)) || latencies
read -r load _ </proc/loadavg
echo "load average at the end: $load, on $(getconf _NPROCESSORS_ONLN) CPUs that clients and brokers share"
