#!/usr/bin/env bash
# Measures how fast pikabin tail follows a writer (scripts/pikasim) and what it costs, and prints a table.
#
#   scripts/bench-tail.sh [--quick] [--rounds N] [--seconds S] [--full S] [--idle S] [--rates "1 1000"] [--poll-max TIME]
#
# A latency is the time from right before the writer stores the position in the manifest to the line in the reader of a pipe
# behind pikabin. CPU is that of pikabin, in percent of one core. "machine" is how late a thread that does nothing but sleep
# is woken meanwhile, 99th percentile: where that is not far below a millisecond, others use the CPUs and the latencies are
# theirs. Figures of several rounds are medians; "best p99" is that of the best round.
#
#   --rounds N     how often each rate is measured (default 3)
#   --seconds S    for how long (default 10; one write a second takes three times as long)
#   --full S       for how long a writer at full speed is followed (default 30; some 150 MB a second; 0: not at all)
#   --idle S       silence before the CPU of an idle tail is measured (default 60), over 20 s
#   --rates "N..."  writes a second (default "1 1000 50000"), "" for none
#   --poll-max T   for pikabin tail
#   --quick        one round of 5 s, full speed for 5 s, 15 s of silence
#
#   BENCH_DIR  where the log is written (default /dev/shm, else TMPDIR); a new folder in it, removed at the end
#   PIKABIN    a binary to measure instead of one built from the working tree
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C # EPOCHREALTIME with a point

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

rounds=3 seconds=10 full=30 idle=60 rates="1 1000 50000" extra=()
while (($#)); do
	case $1 in
	--quick) rounds=1 seconds=5 full=5 idle=15 ;;
	--rounds | --seconds | --full | --idle | --rates)
		printf -v "${1#--}" %s "${2?$1 takes a value}" && shift
		;;
	--poll-max) extra=(--poll-max "${2:?--poll-max takes a time}") && shift ;;
	*) usage ;;
	esac
	shift
done

die() {
	echo "bench-tail: $*" >&2
	exit 1
}

[[ -r /proc/self/stat ]] || die "/proc is needed"
[[ -n ${EPOCHREALTIME:-} ]] || die "bash 5 or later is needed"
root=$(cd "$(dirname "$0")/.." && pwd)
base=${BENCH_DIR:-/dev/shm}
[[ -d $base && -w $base ]] || base=${TMPDIR:-/tmp}
tmp=$(mktemp -d "$base/pikabin-bench-tail.XXXXXX")
ticks=$(getconf CLK_TCK)
tail_pid='' reader_pid='' writer_pid=''
count=0 p50=0 p99=0 max=0 last=0 bytes=0 lines=0 machine=0 # what the reader says, see end

cleanup() {
	local pid
	for pid in $tail_pid $reader_pid $writer_pid; do
		kill "$pid" 2>/dev/null || true
	done
	wait
	rm -rf "$tmp"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

build() {
	pikabin=${PIKABIN:-$tmp/pikabin}
	[[ -n ${PIKABIN:-} ]] || CGO_ENABLED=0 go build -C "$root" -o "$pikabin" .
	go build -C "$root" -o "$tmp" ./scripts/pikasim ./scripts/latency
}

# begin SKIP ARGS...: a new log, and a tail into the reader, which leaves out the first SKIP.
begin() {
	local skip=$1
	shift
	rm -rf "$tmp/log" "$tmp/pipe"
	mkdir "$tmp/log"
	mkfifo "$tmp/pipe"
	"$tmp/latency" --machine --skip "$skip" <"$tmp/pipe" >"$tmp/ages" &
	reader_pid=$!
	"$pikabin" tail "$tmp/log" --from start -f jsonl -o - --quiet "${extra[@]}" "$@" >"$tmp/pipe" 2>"$tmp/stderr" &
	tail_pid=$!
}

# end: waits for a tail that ends by itself, and for its reader. Sets what the reader says.
end() {
	wait "$tail_pid" || die "pikabin ended with $?: $(<"$tmp/stderr")"
	tail_pid=''
	wait "$reader_pid"
	reader_pid=''
	local field
	for field in $(<"$tmp/ages"); do
		printf -v "${field%%=*}" %s "${field#*=}"
	done
}

# write ARGS...: runs the writer to its end. Sets microseconds, and cpu to what pikabin took of a core meanwhile, in
# thousandths.
write() {
	local before from=${EPOCHREALTIME/./}
	before=$(cpu_ticks)
	"$tmp/pikasim" --stamp "$@" "$tmp/log" </dev/null >/dev/null &
	writer_pid=$!
	wait "$writer_pid" || die "pikasim ended with $?"
	writer_pid=''
	microseconds=$((${EPOCHREALTIME/./} - from))
	cpu=$((($(cpu_ticks) - before) * (1000 * 1000000 / ticks) / microseconds))
}

# cpu_ticks: what pikabin has taken so far, user and system. The program's name has no spaces.
cpu_ticks() {
	local stat
	read -ra stat <"/proc/$tail_pid/stat"
	echo $((stat[13] + stat[14]))
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# column N FILE: the median of a column.
column() {
	cut -f "$1" "$2" | median
}

ms() {
	awk -v us="$1" 'BEGIN { printf "%.2f", us / 1000 }'
}

percent() {
	awk -v thousandths="$1" 'BEGIN { printf "%.1f", thousandths / 10 }'
}

row() {
	printf '%-11s %9s %8s %8s %8s %8s %8s %6s  %s\n' "$@"
}

# at RATE: the rounds of one rate.
at() {
	local rate=$1 round for=$seconds results=$tmp/results goal=5
	((rate > 1)) || for=$((3 * seconds)) goal=30
	: >"$results"
	for ((round = 1; round <= rounds; round++)); do
		echo "bench-tail: $rate writes a second, round $round of $rounds" >&2
		begin 1s --idle-exit 3s
		write --rate "$rate" --duration "${for}s"
		end
		((count > 0)) || die "no line has come: $(<"$tmp/stderr")"
		printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$count" "$p50" "$p99" "$max" "$cpu" "$machine" >>"$results"
	done
	row "$rate/s" "$(column 1 "$results")" "$(ms "$(column 2 "$results")")" "$(ms "$(column 3 "$results")")" \
		"$(ms "$(cut -f 3 "$results" | sort -n | head -n 1)")" "$(ms "$(column 4 "$results")")" \
		"$(ms "$(column 6 "$results")")" "$(percent "$(column 5 "$results")")" "p99 < $goal"
}

# full_speed: how late lines come there, the last one above all, says whether the tail keeps up.
full_speed() {
	echo "bench-tail: full speed, $full s" >&2
	begin 0s --idle-exit 3s
	write --duration "${full}s"
	end
	local log cat_us from
	log=$(cat "$tmp"/log/log_db0/write2file* | wc -c)
	from=${EPOCHREALTIME/./}
	cat "$tmp"/log/log_db0/write2file* >/dev/null
	cat_us=$((${EPOCHREALTIME/./} - from))
	row "full speed" "$count" "$(ms "$p50")" "$(ms "$p99")" "$(ms "$p99")" "$(ms "$max")" "$(ms "$machine")" \
		"$(percent "$cpu")" "keeps up"
	awk -v log_bytes="$log" -v lines="$lines" -v us="$microseconds" -v last="$last" -v out="$bytes" -v cat_us="$cat_us" 'BEGIN {
		printf "\nfull speed: %.0f writes/s, log %.0f MB/s, output %.0f MB/s (%.2f of cat); the last line came %.1f ms behind its commit\n",
			lines / us * 1e6, log_bytes / us, out / us, (log_bytes / us) / (log_bytes / cat_us), last / 1000
	}'
}

# silence: the CPU of a tail of a server that writes nothing.
silence() {
	local before window=20
	echo "bench-tail: $idle s of silence" >&2
	begin 0s
	write --count 1000
	sleep "$idle"
	before=$(cpu_ticks)
	sleep "$window"
	cpu=$((($(cpu_ticks) - before) * 100000 / ticks / window))
	kill -INT "$tail_pid"
	end
	awk -v c="$cpu" -v s="$idle" 'BEGIN { printf "silence: %.2f %% of a core %d s behind the last write (goal: < 0.5 %%)\n", c / 1000, s }'
}

build
row writes lines "p50 ms" "p99 ms" "best p99" "max ms" machine "CPU %" "goal ms"
for rate in $rates; do
	at "$rate"
done
((full == 0)) || full_speed
((idle == 0)) || silence
read -r load _ </proc/loadavg
echo "load average at the end: $load, on $(getconf _NPROCESSORS_ONLN) CPUs that writer, pikabin and reader share"
