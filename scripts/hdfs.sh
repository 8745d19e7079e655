#!/usr/bin/env bash
# A real HDFS on 127.0.0.1 for the tests behind -tags hdfs: a namenode and a datanode of Hadoop 3.4.2.
#
#   scripts/hdfs.sh test     start it, run the tests, stop it
#   scripts/hdfs.sh torture [KILLS]   the same for the kill torture alone, 1000 kills unless told otherwise
#   scripts/hdfs.sh kerberos the same with logins by Kerberos, for what is tested of them
#   scripts/hdfs.sh up       start it and print its address
#   scripts/hdfs.sh down     stop it and remove its data
#   scripts/hdfs.sh env      the variables that the tests read, for eval
#   scripts/hdfs.sh safemode enter|leave|get   as dfsadmin does
#
#   HDFS_DIR   where Hadoop is kept, about 90 MB (default ${XDG_CACHE_HOME:-~/.cache}/pikabin-hdfs)
#
# Needs Java 11 or 17, and Maven, which brings Hadoop. The KDC is installed from Debian's packages if it is not there.
set -euo pipefail
cd "$(dirname "$0")/.."

lib=${HDFS_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/pikabin-hdfs}/3.4.2
run_dir=${TMPDIR:-/tmp}/pikabin-hdfs
host=127.0.0.1
java=(java -Xmx384m)

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

install_kdc() {
	! command -v krb5kdc >/dev/null || return 0
	command -v apt-get >/dev/null || {
		echo "hdfs: there is no krb5kdc here and no apt-get to install it" >&2
		exit 1
	}
	apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y krb5-kdc krb5-admin-server >/dev/null
}

# kdc starts a realm with the servers and a user in it. Their names are those of a host, and not of an address.
kdc() {
	install_kdc
	mkdir -p "$run_dir/conf"
	local port name
	port=$(free_port)
	host=localhost
	cat >"$run_dir/krb5.conf" <<-END
		[libdefaults]
		 default_realm = TEST
		 dns_lookup_kdc = false
		 dns_lookup_realm = false
		 rdns = false
		 udp_preference_limit = 1
		[realms]
		 TEST = {
		  kdc = 127.0.0.1:$port
		 }
	END
	cat >"$run_dir/kdc.conf" <<-END
		[realms]
		 TEST = {
		  database_name = $run_dir/principal
		  key_stash_file = $run_dir/stash
		  kdc_listen = 127.0.0.1:$port
		  kdc_tcp_listen = 127.0.0.1:$port
		  supported_enctypes = aes256-cts-hmac-sha1-96:normal
		 }
	END
	export KRB5_CONFIG=$run_dir/krb5.conf KRB5_KDC_PROFILE=$run_dir/kdc.conf
	{
		kdb5_util create -s -r TEST -P for-tests
		for name in nn/localhost dn/localhost HTTP/localhost pikabin; do
			kadmin.local -r TEST -q "addprinc -randkey $name"
			kadmin.local -r TEST -q "ktadd -k $run_dir/${name%%/*}.keytab $name"
		done
	} >"$run_dir/kdc.log" 2>&1
	setsid krb5kdc -n -r TEST >>"$run_dir/kdc.log" 2>&1 </dev/null &
	echo $! >"$run_dir/kdc.pid"
	disown
	until (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
		kill -0 "$(<"$run_dir/kdc.pid")"
		sleep 0.1
	done
	echo for-tests >"$run_dir/signature"
	java+=("-Djava.security.krb5.conf=$run_dir/krb5.conf")
}

# secure are the properties by which the servers ask for logins. pikabin is the user that owns the root.
secure() {
	local name
	property hadoop.security.authentication kerberos
	property hadoop.security.auth_to_local "RULE:[1:\$1@\$0](.*@TEST)s/.*/$(id -un)/ RULE:[2:\$1@\$0](.*@TEST)s/.*/$(id -un)/"
	property dfs.block.access.token.enable true
	property ignore.secure.ports.for.testing true
	for name in namenode:nn datanode:dn; do
		property "dfs.${name%:*}.kerberos.principal" "${name#*:}/localhost@TEST"
		property "dfs.${name%:*}.keytab.file" "$run_dir/${name#*:}.keytab"
	done
	property dfs.web.authentication.kerberos.principal HTTP/localhost@TEST
	property dfs.web.authentication.kerberos.keytab "$run_dir/HTTP.keytab"
	property hadoop.http.filter.initializers org.apache.hadoop.security.AuthenticationFilterInitializer
	property hadoop.http.authentication.type kerberos
	property hadoop.http.authentication.kerberos.principal HTTP/localhost@TEST
	property hadoop.http.authentication.kerberos.keytab "$run_dir/HTTP.keytab"
	property hadoop.http.authentication.signature.secret.file "$run_dir/signature"
}

property() { echo "<property><name>$1</name><value>$2</value></property>"; }

configure() {
	local rpc=$1 http=$2
	{
		echo "<configuration>"
		property fs.defaultFS "hdfs://$host:$rpc"
		property hadoop.tmp.dir "$run_dir/tmp"
		[[ ! -e $run_dir/kdc.pid ]] || secure
		echo "</configuration>"
	} >"$run_dir/conf/core-site.xml"
	{
		echo "<configuration>"
		property dfs.replication 1
		[[ ! -e $run_dir/kdc.pid ]] || secure # there, too: the defaults of dfs.… go before the other file
		property dfs.namenode.rpc-address "$host:$rpc"
		property dfs.namenode.http-address "$host:$http"
		property dfs.namenode.name.dir "file://$run_dir/name"
		property dfs.namenode.safemode.extension 0
		property dfs.datanode.data.dir "file://$run_dir/data"
		property dfs.datanode.address "$host:0"
		property dfs.datanode.http.address "$host:0"
		property dfs.datanode.ipc.address "$host:0"
		property dfs.datanode.hostname "$host"
		echo "</configuration>"
	} >"$run_dir/conf/hdfs-site.xml"
}

hadoop() { "${java[@]}" -cp "$run_dir/conf:$lib/*" "$@"; }

# start NAME CLASS starts a server that stays.
start() {
	setsid "${java[@]}" -cp "$run_dir/conf:$lib/*" "$2" >"$run_dir/$1.log" 2>&1 </dev/null &
	echo $! >"$run_dir/$1.pid"
	disown
}

alive() { kill -0 "$(<"$run_dir/namenode.pid")" "$(<"$run_dir/datanode.pid")" 2>/dev/null; }

# answers tells whether content can be written, or with logins whether there is a server that asks for them.
answers() {
	if [[ -e $run_dir/kdc.pid ]]; then
		[[ $(curl -s -o /dev/null -w '%{http_code}' "http://$host:$1/webhdfs/v1/?op=LISTSTATUS") == 401 ]]
		return
	fi
	local address=http://$host:$1/webhdfs/v1/started
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
	hadoop org.apache.hadoop.hdfs.server.namenode.NameNode -format -nonInteractive >"$run_dir/format.log" 2>&1 || {
		cat "$run_dir/format.log" >&2
		exit 1
	}
	start namenode org.apache.hadoop.hdfs.server.namenode.NameNode
	start datanode org.apache.hadoop.hdfs.server.datanode.DataNode
	for _ in {1..300}; do
		if answers "$http"; then
			echo "webhdfs://$host:$http/" | tee "$run_dir/address"
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
	echo "export PIKABIN_TEST_HDFS_LOGIN='user=pikabin@TEST&kerberos-keytab=$run_dir/pikabin.keytab&kerberos-config=$run_dir/krb5.conf'"
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
kerberos)
	trap down EXIT
	kdc
	tests -timeout 5m -run TestKerberosHDFS ./encode/output/object
	;;
torture) VERBOSE=1 tests -timeout 60m ./encode/cli/torture -torture.kills "${2:-1000}" ;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
	;;
esac
