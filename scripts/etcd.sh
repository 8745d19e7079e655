#!/usr/bin/env bash
# A real etcd of three nodes on 127.0.0.1 for the tests behind -tags etcd.
#
#   scripts/etcd.sh test   start it, and an S3 server as scripts/s3.sh does; run the tests; stop both
#   scripts/etcd.sh torture [KILLS [KIND]]   the kill torture alone: so many kills and stops of pikabins for each kind of state and output, 500
#                          unless told otherwise, or for one of them, such as own-disks-etcd
#   scripts/etcd.sh up     start it and print its nodes
#   scripts/etcd.sh down   stop it and remove its data
#   scripts/etcd.sh env    the variables that the tests read, for eval
#
# Without etcd on the machine it is installed from Debian's packages.
set -euo pipefail
cd "$(dirname "$0")/.."

run_dir=${TMPDIR:-/tmp}/pikabin-etcd
nodes=3

install_server() {
	if command -v etcd >/dev/null; then
		return
	fi
	command -v apt-get >/dev/null || {
		echo "etcd: there is no etcd here and no apt-get to install it" >&2
		exit 1
	}
	apt-get -qq update && apt-get -qq install -y etcd-server >/dev/null
}

# Ports that are free, below those that the kernel gives to clients.
free_ports() {
	local port found=0
	for port in $(shuf -n 200 -i 20000-32000); do
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
		echo "$port"
		((++found < $1)) || return 0
	done
}

up() {
	[[ ! -e $run_dir/nodes ]] || {
		echo "etcd: one is running: $(<"$run_dir/nodes")" >&2
		exit 1
	}
	install_server
	mkdir -p "$run_dir"
	local ports i cluster='' clients=''
	mapfile -t ports < <(free_ports $((2 * nodes)))
	for ((i = 0; i < nodes; i++)); do
		cluster+=${cluster:+,}node$i=http://127.0.0.1:${ports[2 * i + 1]}
		clients+=${clients:+,}127.0.0.1:${ports[2 * i]}
	done
	for ((i = 0; i < nodes; i++)); do
		cat >"$run_dir/node$i.sh" <<-END
			exec etcd --name node$i --data-dir '$run_dir/node$i' --unsafe-no-fsync --auto-compaction-retention=1h --logger zap \
			  --heartbeat-interval 100 --election-timeout 1000 \
			  --listen-client-urls http://127.0.0.1:${ports[2 * i]} --advertise-client-urls http://127.0.0.1:${ports[2 * i]} \
			  --listen-peer-urls http://127.0.0.1:${ports[2 * i + 1]} --initial-advertise-peer-urls http://127.0.0.1:${ports[2 * i + 1]} \
			  --initial-cluster $cluster >>'$run_dir/node$i.log' 2>&1
		END
		start "$i"
	done
	for _ in {1..300}; do
		if [[ $(grep -l '"became leader\|elected leader' "$run_dir"/node*.log | wc -l) == "$nodes" ]]; then
			echo "$clients" | tee "$run_dir/nodes"
			return
		fi
		sleep 0.1
	done
	tail -n 20 "$run_dir"/node*.log >&2
	echo "etcd: no leader was elected" >&2
	exit 1
}

start() {
	bash "$run_dir/node$1.sh" &
	echo $! >"$run_dir/node$1.pid"
	disown
}

variables() {
	echo "export PIKABIN_TEST_ETCD=$(<"$run_dir/nodes")"
	echo "export PIKABIN_TEST_ETCD_DIR=$run_dir"
}

down() {
	local file pid
	for file in "$run_dir"/node*.pid; do
		[[ -e $file ]] || continue
		pid=$(<"$file")
		kill -KILL "$pid" 2>/dev/null || true
		while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
	done
	rm -rf "$run_dir"
}

both_down() {
	down
	scripts/s3.sh down
}

# tests ARG... runs them against servers of their own.
tests() {
	trap both_down EXIT
	up >&2
	scripts/s3.sh up >&2
	eval "$(variables)"
	eval "$(scripts/s3.sh env)"
	go test -tags etcd -run TestRealEtcd -count=1 -p 1 -parallel 5 ${VERBOSE:+-v} "$@"
}

case ${1:-} in
up) up ;;
down) down ;;
env) variables ;;
test) tests -timeout 5m ./encode/claim/etcd ./encode/claim/bucket ./encode/cli/torture ;;
torture) VERBOSE=1 tests -timeout 4h ./encode/cli/torture -torture.kills "${2:-500}" -torture.only "${3:-}" -torture.time 3h ;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
	;;
esac
