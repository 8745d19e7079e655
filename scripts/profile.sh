#!/usr/bin/env bash
# Writes default.pgo anew: the profile by which the compiler decides what to inline (go.dev/doc/pgo). It is worth about a tenth of
# the time of small records. Functions are found in it by name and line, so that an old profile is only less good, never wrong:
# write it anew when the hot path has changed shape.
#
#   scripts/profile.sh
set -euo pipefail
cd "$(dirname "$0")/.."

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
for kind in small medium large; do
	go run ./scripts/genlog -case "$kind" -size 256MiB "$tmp/logs/$kind" >&2
done
GOMAXPROCS=1 go test -run '^$' -bench '^BenchmarkConvert$' -benchtime 4x -cpuprofile "$tmp/cpu" -o "$tmp/cli.test" ./encode/cli -profile.logs "$tmp/logs" >&2
go tool pprof -proto "$tmp/cpu" >"$tmp/default.pgo"
mv "$tmp/default.pgo" default.pgo
