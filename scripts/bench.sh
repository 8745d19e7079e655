#!/usr/bin/env bash
# Measures pikabin against the speed of cat on three generated logs, and prints a table.
#
#   scripts/bench.sh [--quick] [--rounds N]
#
# --quick takes one round over 64 MiB a log instead of five over 512 MiB. A ratio is the median time
# of cat over that of the run: 1.0 is as fast as cat, and a goal of "-" means that there is none, and that of stats is half the speed of verify.
# "of one" is how many times as fast as with one worker it is, "of other" as another program.
#
#   BENCH_DIR  where the logs are kept and used again (default ${TMPDIR:-/tmp}/pikabin-bench)
#   PIKABIN    a binary to measure instead of one built from the working tree
#   OTHER      another binary, such as one of an older version, that is measured in turn with it
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C # EPOCHREALTIME with a point

usage() {
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
}

rounds=5
size=512MiB
while (($#)); do
	case $1 in
	--quick) rounds=1 size=64MiB ;;
	--rounds) rounds=${2:?--rounds takes a number} && shift ;;
	*) usage ;;
	esac
	shift
done

die() {
	echo "bench: $*" >&2
	exit 1
}

[[ -n ${EPOCHREALTIME:-} ]] || die "bash 5 or later is needed"
root=$(cd "$(dirname "$0")/.." && pwd)
bench_dir=${BENCH_DIR:-${TMPDIR:-/tmp}/pikabin-bench}
cores=$(getconf _NPROCESSORS_ONLN)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
results=$tmp/results # case, what, workers, bytes, microseconds

build() {
	pikabin=${PIKABIN:-$tmp/pikabin}
	[[ -n ${PIKABIN:-} ]] || CGO_ENABLED=0 go build -C "$root" -o "$pikabin" .
	go build -C "$root" -o "$tmp/genlog" ./scripts/genlog
}

# log_of CASE: the folder of its log, generated if it is not there. It gets its name when it is complete.
log_of() {
	local dir=$bench_dir/$1-$size
	if [[ ! -d $dir ]]; then
		rm -rf "$dir.part"
		"$tmp/genlog" --case "$1" --size "$size" "$dir.part"
		mv "$dir.part" "$dir"
	fi
	echo "$dir"
}

# measure_both CASE WHAT WORKERS ARGUMENTS...: of pikabin, and right after it of the other program.
measure_both() {
	local case=$1 what=$2 workers=$3
	shift 3
	measure "$case" "$what" "$workers" "$pikabin" "$@" --progress never --quiet
	[[ -z ${OTHER:-} ]] || measure "$case" "other $what" "$workers" "$OTHER" "$@" --progress never --quiet
}

# measure CASE WHAT WORKERS COMMAND...: runs the command and notes how long it took.
measure() {
	local case=$1 what=$2 workers=$3 begin end
	shift 3
	begin=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>"$tmp/stderr" || die "$case, $what with $workers workers: $* ended with $?: $(<"$tmp/stderr")"
	end=${EPOCHREALTIME/./}
	printf '%s\t%s\t%s\t%s\t%s\n' "$case" "$what" "$workers" "$bytes" $((end - begin)) >>"$results"
}

convert_through_zstd() {
	"$pikabin" convert "$1" -f jsonl -o - --progress never --quiet | zstd -q -1 -T0
}

# one_round CASE DIR: each thing once, so that a noisy moment hits all of them alike.
one_round() {
	local case=$1 dir=$2 format workers counts=(1)
	((cores == 1)) || counts+=("$cores")
	measure "$case" cat 1 cat "$dir"/log_db0/write2file*
	for format in jsonl protobuf resp; do
		for workers in "${counts[@]}"; do
			measure_both "$case" "$format" "$workers" convert "$dir" -f "$format" -o /dev/null --workers "$workers"
		done
	done
	for workers in "${counts[@]}"; do
		measure_both "$case" "avro, no compression" "$workers" convert "$dir" -f avro --compress none -o /dev/null --workers "$workers"
		for format in jsonl parquet; do
			rm -rf "$tmp/folder"
			measure "$case" "$format, zstd, folder" "$workers" "$pikabin" convert "$dir" -f "$format" --compress zstd -o "$tmp/folder/" --workers "$workers" --progress never --quiet
		done
	done
	rm -rf "$tmp/folder"
	for workers in "${counts[@]}"; do
		measure_both "$case" verify "$workers" verify "$dir" --workers "$workers"
		measure_both "$case" stats "$workers" stats "$dir" --workers "$workers"
	done
	measure_both "$case" "jsonl, --compress zstd" "$cores" convert "$dir" -f jsonl --compress zstd -o /dev/null
	if command -v zstd >/dev/null; then
		measure "$case" "jsonl | zstd -1 -T0" "$cores" convert_through_zstd "$dir"
	fi
}

bench() {
	local case dir round
	for case in small medium large; do
		dir=$(log_of "$case")
		bytes=$(cat "$dir"/log_db0/write2file* | wc -c) # which warms the page cache too
		for ((round = 1; round <= rounds; round++)); do
			echo "bench: $case, round $round of $rounds" >&2
			one_round "$case" "$dir"
		done
	done
}

table() {
	awk -F '\t' -v cores="$cores" '
	function median(key,   n, i, j, v, t) {
		n = split(times[key], v, " ")
		for (i = 2; i <= n; i++) {
			t = v[i] + 0
			for (j = i - 1; j > 0 && v[j] + 0 > t; j--) v[j + 1] = v[j]
			v[j + 1] = t
		}
		return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	# The goals are for one worker; more of them should scale by three quarters, up to the speed of cat.
	function goal(name, what, workers,   g, of) {
		if (what in half) {
			of = name FS half[what] FS workers
			return sprintf("%.2f", median(name FS "cat" FS 1) / median(of) / 2)
		}
		if (!((name, what) in goals)) return "-"
		g = goals[name, what]
		if (what != "verify" && workers > 1) g = g * 0.75 * workers
		return sprintf("%.2f", g > 1 ? 1 : g)
	}
	# How many times as long the run with that key took. A key that was not measured gives "-".
	function times_as_long(key, m) {
		return key in times ? sprintf("%.2f", median(key) / m) : "-"
	}
	BEGIN {
		goals["small", "jsonl"] = 0.12; goals["medium", "jsonl"] = 0.20
		goals["small", "protobuf"] = 0.20; goals["medium", "protobuf"] = 0.50
		goals["small", "verify"] = 0.35; goals["medium", "verify"] = 0.50
		half["stats"] = "verify" # which is to be as fast as half of that in the same run
	}
	{
		key = $1 FS $2 FS $3
		if (!(key in times)) order[++n] = key
		times[key] = times[key] " " $5
		bytes[key] = $4
	}
	# How many times as fast as what it is compared with that a run was.
	function compared(name, what, workers, m) {
		if (what in half) printf "%s: %s with --workers %d is %.2f times as fast as %s\n", name, what, workers, median(name FS half[what] FS workers) / m, half[what]
	}
	END {
		format = "%-7s %-23s %7s %7s %6s %6s %7s %8s\n"
		printf format, "case", "what", "workers", "MB/s", "ratio", "goal", "of one", "of other"
		for (i = 1; i <= n; i++) {
			split(order[i], k, FS)
			if (k[2] ~ /^other /) continue
			m = median(order[i]) + (median(order[i]) == 0)
			ratio = median(k[1] FS "cat" FS 1) / m
			printf format, k[1], k[2], k[3], sprintf("%.0f", bytes[order[i]] / m), sprintf("%.2f", ratio), goal(k[1], k[2], k[3]),
				(k[3] > 1 ? times_as_long(k[1] FS k[2] FS 1, m) : "-"), times_as_long(k[1] FS "other " k[2] FS k[3], m)
		}
		for (i = 1; i <= n; i++) {
			split(order[i], k, FS)
			compared(k[1], k[2], k[3], median(order[i]))
		}
	}' "$results"
}

mkdir -p "$bench_dir"
build
bench
table
