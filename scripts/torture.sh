#!/usr/bin/env bash
# Kills pikabin and a writer that does what a Pika server does, at random moments and thousands of times, lets disks run
# full, and compares all that came out with all that was committed. It fails at the first record that is missing, comes
# twice in a file, or stands in the wrong place.
#
#   scripts/torture.sh                  every scenario but those of the night until it was killed KILLS times, and two
#                                       minutes of a stalled reader
#   scripts/torture.sh --night          purges, gaps, pins and full disks for 30 minutes
#   KILLS=50 scripts/torture.sh folder  only scenarios whose name matches
#
#   KILLS    of each scenario (default 500)
#   TIME     after which no more rounds are begun (default 20m; 30m with --night)
#   STALLED  how long nobody reads in the test of memory (default 2m)
#   SEED     of moments and sizes (default 1); a failure names its own
#   WORK     where the files lie (default: a temporary folder); those of a failed round stay
#
# The small disks are mounted, which takes root or a user namespace.
set -euo pipefail
cd "$(dirname "$0")/.."

# In a mount namespace of its own, so that no disk stays mounted whatever happens.
if [[ -z ${PIKABIN_TEST_INSIDE-} ]]; then
	space=(unshare --mount)
	((EUID == 0)) || space+=(--user --map-root-user)
	if ! "${space[@]}" true; then
		echo "torture: neither root nor a user namespace (unshare -rm): the small disks cannot be mounted" >&2
		exit 1
	fi
	PIKABIN_TEST_INSIDE=1 exec "${space[@]}" "$0" "$@"
fi

tests='^(TestTorture|TestStalledMemory)$' only=${1-^[^n]} time=${TIME-20m} kills=${KILLS-500} round=100
if [[ $only == --night ]]; then
	tests='^TestTorture$' only='^night' time=${TIME-30m} kills=${KILLS-1000000} round=250
fi

work=${WORK-$(mktemp -d)}
mkdir -p "$work"
go test -c -o "$work/torture.test" ./encode/cli/torture
echo "torture: $only, $kills kills each, $time at most, in $work"
TMPDIR=$work "$work/torture.test" -test.run "$tests" -test.v -test.timeout 0 -test.parallel 32 \
	-torture.kills "$kills" -torture.time "$time" -torture.round "$round" -torture.only "$only" -torture.seed "${SEED-1}" \
	-torture.stalled "${STALLED-2m}" -torture.disk -torture.dir "$work" >"$work/log" 2>&1 || {
	grep -v '^=== ' "$work/log" >&2
	echo "torture: FAILED; all of it is in $work/log" >&2
	exit 1
}
sed -n 's/^ *[a-z_]*_test\.go:[0-9]*: //p' "$work/log"
echo "torture: all that was committed came out, once in files and in order"
[[ -n ${WORK-} ]] || rm -rf "$work"
