#!/usr/bin/env bash
# A real S3 server on 127.0.0.1 for the tests behind -tags s3: versitygw, which keeps objects as files.
#
#   scripts/s3.sh test     start it, run the tests, stop it
#   scripts/s3.sh torture [KILLS]   the same for the kill torture alone, 1000 kills unless told otherwise
#   scripts/s3.sh up       start it and print its address
#   scripts/s3.sh down     stop it and remove its data
#   scripts/s3.sh env      the variables that the tests, and pikabin, read, for eval
#
# It has the bucket "bucket". "go install" brings the server, once for each version.
set -euo pipefail
cd "$(dirname "$0")/.."

version=v1.8.0
run_dir=${TMPDIR:-/tmp}/pikabin-s3
bin=$(go env GOCACHE)/pikabin-tools/versitygw-$version-$(go env GOVERSION)
user=pikabin
password=let-me-in

fetch() {
	[[ -x $bin/versitygw ]] || GOFLAGS='' GOBIN=$bin go install "github.com/versity/versitygw/cmd/versitygw@$version"
}

# A port that is free, below those that the kernel gives to clients.
free_port() {
	local port
	for port in $(shuf -n 50 -i 20000-32000); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || {
			echo "$port"
			return
		}
	done
}

up() {
	[[ ! -e $run_dir/address ]] || {
		echo "s3: one is running: $(<"$run_dir/address")" >&2
		exit 1
	}
	fetch
	mkdir -p "$run_dir/data/bucket" "$run_dir/iam"
	local port _
	port=$(free_port)
	ROOT_ACCESS_KEY=$user ROOT_SECRET_KEY=$password "$bin/versitygw" --port "127.0.0.1:$port" --iam-dir "$run_dir/iam" posix "$run_dir/data" >"$run_dir/log" 2>&1 &
	echo $! >"$run_dir/pid"
	disown
	for _ in {1..300}; do
		if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "http://127.0.0.1:$port" | tee "$run_dir/address"
			return
		fi
		kill -0 "$(<"$run_dir/pid")" 2>/dev/null || break
		sleep 0.1
	done
	cat "$run_dir/log" >&2
	echo "s3: the server did not start" >&2
	exit 1
}

variables() {
	echo "export PIKABIN_TEST_S3=$(<"$run_dir/address")"
	echo "export AWS_ACCESS_KEY_ID=$user"
	echo "export AWS_SECRET_ACCESS_KEY=$password"
}

down() {
	local pid
	if [[ -e $run_dir/pid ]]; then
		pid=$(<"$run_dir/pid")
		kill -KILL "$pid" 2>/dev/null || true
		while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
	fi
	rm -rf "$run_dir"
}

# tests ARG... runs them against a server of their own.
tests() {
	trap down EXIT
	up >&2
	eval "$(variables)"
	go test -tags s3 -run TestRealS3 -count=1 -p 1 ${VERBOSE:+-v} "$@"
}

case ${1:-} in
up) up ;;
down) down ;;
env) variables ;;
test) tests -timeout 5m ./encode/output/object ./encode/cli/torture ;;
torture) VERBOSE=1 tests -timeout 60m ./encode/cli/torture -torture.kills "${2:-1000}" ;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
	;;
esac
