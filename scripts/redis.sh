#!/usr/bin/env bash
# A real Redis on 127.0.0.1 for the tests behind -tags redis; those of kills start one of their own.
#
#   scripts/redis.sh test   start it, run the tests, stop it
#   scripts/redis.sh up     start it and print its address
#   scripts/redis.sh down   stop it
#
# Without a redis-server on the machine it is installed from Debian's packages.
set -euo pipefail
cd "$(dirname "$0")/.."

run_dir=${TMPDIR:-/tmp}/pikabin-redis

install_server() {
	if command -v redis-server redis-cli >/dev/null; then
		return
	fi
	command -v apt-get >/dev/null || {
		echo "redis: there is no redis-server here and no apt-get to install it" >&2
		exit 1
	}
	apt-get -qq update && apt-get -qq install -y redis-server >/dev/null
}

up() {
	install_server
	mkdir -p "$run_dir"
	# Port 0 would switch TCP off, so a free one is asked of the kernel first.
	local port
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null) ||
		port=$((20000 + RANDOM))
	redis-server --bind 127.0.0.1 --port "$port" --dir "$run_dir" --save '' --daemonize yes \
		--pidfile "$run_dir/pid" --logfile "$run_dir/log" >/dev/null
	until redis-cli -p "$port" ping >/dev/null 2>&1; do sleep 0.1; done
	echo "$port" >"$run_dir/port"
	echo "127.0.0.1:$port"
}

down() {
	[[ -f $run_dir/port ]] || return 0
	redis-cli -p "$(<"$run_dir/port")" shutdown nosave >/dev/null 2>&1 || true
	rm -rf "$run_dir"
}

case ${1:-} in
up) up ;;
down) down ;;
test)
	trap down EXIT
	PIKABIN_TEST_REDIS=$(up)
	export PIKABIN_TEST_REDIS
	go test -tags redis -run TestRedis -count=1 ${VERBOSE:+-v} ./encode/cli ./encode/cli/torture
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
	exit 2
	;;
esac
