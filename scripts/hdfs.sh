#!/usr/bin/env bash
# A real HDFS on 127.0.0.1 for the tests behind -tags hdfs: a namenode and a datanode of Hadoop 3.4.2.
#
#   scripts/hdfs.sh test     start it, run the tests, stop it
#   scripts/hdfs.sh torture [KILLS]   the same for the kill torture alone, 1000 kills unless told otherwise
#   scripts/hdfs.sh up       start it and print its address
#   scripts/hdfs.sh down     stop it and remove its data
#   scripts/hdfs.sh env      the variables that the tests read, for eval
#   scripts/hdfs.sh safemode enter|leave|get   as dfsadmin does
#
#   HDFS_DIR   where Hadoop is kept, about 90 MB (default ${XDG_CACHE_HOME:-~/.cache}/pikabin-hdfs)
#
# Needs Java 11 or 17, and Maven, which brings Hadoop.
set -euo pipefail
cd "$(dirname "$0")/.."

lib=${HDFS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pikabin-hdfs}/3.4.2
run_dir=${TMPDIR:-/tmp}/pikabin-hdfs

fetch() {
	[[ ! -e $lib/.done ]] || return 0
	mvn -q -B -f scripts/warehouse/hdfs/pom.xml dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$lib"
	touch "$lib/.done"
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

property() { echo "<property><name>$1</name><value>$2</value></property>"; }

configure() {
	local rpc=$1 http=$2
	{
		echo "<configuration>"
		property fs.defaultFS "hdfs://127.0.0.1:$rpc"
		property hadoop.tmp.dir "$run_dir/tmp"
		echo "</configuration>"
	} >"$run_dir/conf/core-site.xml"
	{
		echo "<configuration>"
		property dfs.replication 1
		property dfs.namenode.rpc-address "127.0.0.1:$rpc"
		property dfs.namenode.http-address "127.0.0.1:$http"
		property dfs.namenode.name.dir "file://$run_dir/name"
		property dfs.namenode.safemode.extension 0
		property dfs.datanode.data.dir "file://$run_dir/data"
		property dfs.datanode.address 127.0.0.1:0
		property dfs.datanode.http.address 127.0.0.1:0
		property dfs.datanode.ipc.address 127.0.0.1:0
		property dfs.datanode.hostname 127.0.0.1
		echo "</configuration>"
	} >"$run_dir/conf/hdfs-site.xml"
}

hadoop() { java -Xmx384m -cp "$run_dir/conf:$lib/*" "$@"; }

# start NAME CLASS starts a server that stays.
start() {
	setsid java -Xmx384m -cp "$run_dir/conf:$lib/*" "$2" >"$run_dir/$1.log" 2>&1 </dev/null &
	echo $! >"$run_dir/$1.pid"
	disown
}

alive() { kill -0 "$(<"$run_dir/namenode.pid")" "$(<"$run_dir/datanode.pid")" 2>/dev/null; }

# answers tells whether content can be written.
answers() {
	local address=http://127.0.0.1:$1/webhdfs/v1/started
	curl -sf -L -o "$run_dir/answer" -X PUT -d started -H 'Content-Type: application/octet-stream' "$address?op=CREATE&overwrite=true&user.name=$(id -un)"
}

up() {
	[[ ! -e $run_dir/address ]] || {
		echo "hdfs: one is running: $(<"$run_dir/address")" >&2
		exit 1
	}
	fetch
	mkdir -p "$run_dir/conf"
	local http _
	http=$(free_port)
	configure "$(free_port)" "$http"
	hadoop org.apache.hadoop.hdfs.server.namenode.NameNode -format -nonInteractive >"$run_dir/format.log" 2>&1
	start namenode org.apache.hadoop.hdfs.server.namenode.NameNode
	start datanode org.apache.hadoop.hdfs.server.datanode.DataNode
	for _ in {1..300}; do
		if answers "$http"; then
			echo "webhdfs://127.0.0.1:$http/" | tee "$run_dir/address"
			return
		fi
		alive || break
		sleep 0.2
	done
	cat "$run_dir"/*.log >&2
	echo "hdfs: the servers did not start" >&2
	exit 1
}

variables() {
	echo "export PIKABIN_TEST_HDFS=$(<"$run_dir/address")"
}

down() {
	local pid file
	for file in "$run_dir"/*.pid; do
		[[ -e $file ]] || continue
		pid=$(<"$file")
		kill -KILL "$pid" 2>/dev/null || true
		while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
	done
	rm -rf "$run_dir"
}

# tests ARG... runs them against servers of their own.
tests() {
	trap down EXIT
	up >&2
	eval "$(variables)"
	go test -tags hdfs -run TestRealHDFS -count=1 -p 1 ${VERBOSE:+-v} "$@"
}

case ${1:-} in
up) up ;;
down) down ;;
env) variables ;;
safemode) hadoop org.apache.hadoop.hdfs.tools.DFSAdmin -safemode "$2" ;;
test) tests -timeout 10m ./encode/output/object ./encode/cli/torture ;;
torture) VERBOSE=1 tests -timeout 60m ./encode/cli/torture -torture.kills "${2:-1000}" ;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
	;;
esac
