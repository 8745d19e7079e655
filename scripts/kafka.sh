#!/usr/bin/env bash
# A real Kafka on 127.0.0.1 for the tests behind -tags kafka: three KRaft nodes, or one.
#
#   scripts/kafka.sh test [--single]   start it, run the tests, stop it
#   scripts/kafka.sh up [--single]     start it and print the addresses of its brokers
#   scripts/kafka.sh down              stop it and remove its data
#   scripts/kafka.sh kill N            kill -9 node N, from 1 on
#   scripts/kafka.sh start N           start it again
#   scripts/kafka.sh signal N NAME     send node N a signal, such as STOP or CONT
#   scripts/kafka.sh env               the variables that the tests read, for eval
#   scripts/kafka.sh run CLASS ARG...  a program of Kafka's, such as org.apache.kafka.tools.ProducerPerformance
#
#   KAFKA_HEAP        of each node (default 512m)
#   KAFKA_PROPERTIES  more lines for server.properties
#
# Besides the listener in clear each node has one with TLS, one that wants a certificate of the client, too, and one with TLS that wants a
# login: user "writer" with a password by PLAIN or SCRAM, who has to log in again every three seconds, or any token of OAUTHBEARER, unsigned.
#
# Maven brings the broker. It needs a JDK from 17 on. The tests read topics with kcat, too, which apt-get brings if it is not there.
set -euo pipefail
cd "$(dirname "$0")/.."

kafka_version=4.4.0
tools_version=4.3.1 # the last one that there is, for "run"
run_dir=${TMPDIR:-/tmp}/pikabin-kafka
cluster_id=cGlrYWJpbi1jbHVzdGVyMQ # any 16 bytes
listeners=(PLAINTEXT CONTROLLER TLS MTLS LOGIN)
password=let-me-in

# The page about Kafka reads its topics with these.
install_clients() {
	local client missing=()
	for client in kcat jq; do
		command -v "$client" >/dev/null || missing+=("$client")
	done
	((${#missing[@]})) || return 0
	command -v apt-get >/dev/null || {
		echo "kafka: there is no ${missing[*]} here and no apt-get to install it" >&2
		exit 1
	}
	apt-get -qq update && apt-get -qq install -y "${missing[@]}" >/dev/null
}

# The class path is that of the jars in Maven's own cache.
fetch() {
	local tool
	for tool in java mvn openssl python3; do
		command -v "$tool" >/dev/null || {
			echo "kafka: there is no $tool here, which the broker needs" >&2
			exit 1
		}
	done
	cat >"$run_dir/pom.xml" <<-POM
		<project xmlns="http://maven.apache.org/POM/4.0.0">
		  <modelVersion>4.0.0</modelVersion>
		  <groupId>pikabin</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
		  <dependencies>
		    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka_version</version></dependency>
		    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$tools_version</version></dependency>
		    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
		  </dependencies>
		</project>
	POM
	mvn -B -q -f "$run_dir/pom.xml" dependency:build-classpath -Dmdep.outputFile="$run_dir/classpath" >"$run_dir/mvn.log" 2>&1 || {
		cat "$run_dir/mvn.log" >&2
		echo "kafka: Maven cannot bring org.apache.kafka:kafka_2.13:$kafka_version, see above" >&2
		exit 1
	}
}

# Ports that are free, below those that the kernel gives to clients: a node that is down would lose one of these.
free_ports() {
	python3 - "$1" <<-'PY'
		import random, socket, sys
		sockets = []
		while len(sockets) < int(sys.argv[1]):
		    s = socket.socket()
		    try:
		        s.bind(("127.0.0.1", random.randrange(20000, 32000)))
		        sockets.append(s)
		    except OSError:
		        pass
		print(*[s.getsockname()[1] for s in sockets])
	PY
}

# certificates makes an authority, and what it has signed for both sides.
certificates() {
	local dir=$run_dir/certs
	mkdir -p "$dir"
	{
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout "$dir/ca.key" -out "$dir/ca.pem"
		openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=leaf -keyout "$dir/key.pem" -out "$dir/request.pem"
		openssl x509 -req -in "$dir/request.pem" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 2 -out "$dir/cert.pem" \
			-extfile <(echo subjectAltName=IP:127.0.0.1)
	} >"$dir/log" 2>&1 || {
		cat "$dir/log" >&2
		exit 1
	}
	cat "$dir/key.pem" "$dir/cert.pem" >"$dir/both.pem"
}

# port LISTENER NODE
port() {
	local i
	for i in "${!listeners[@]}"; do
		[[ ${listeners[i]} != "$1" ]] || echo "${ports[i * nodes + $2 - 1]}"
	done
}

# each_node FORMAT LISTENER joins by commas what printf makes of the number and the port of each node.
each_node() {
	local n text=''
	for ((n = 1; n <= nodes; n++)); do
		# shellcheck disable=SC2059
		printf -v text "%s$1" "$text${text:+,}" "$n" "$(port "$2" "$n")"
	done
	echo "$text"
}

# java_main LOG_LEVEL CLASS ARG... becomes the program, so that its process is the one that was begun.
java_main() {
	exec java -Xmx"${KAFKA_HEAP:-512m}" -Dorg.slf4j.simpleLogger.defaultLogLevel="$1" -cp "$(<"$run_dir/classpath")" "${@:2}"
}

# configure NODE writes the properties of a node. Internal topics are small, so that they are there at once. Records have the times of
# their events, which are of long ago, and stay all the same.
configure() {
	local n=$1 copies=$((nodes > 1 ? 3 : 1)) in_sync=$((nodes > 1 ? 2 : 1)) jaas=org.apache.kafka.common.security
	local bound='' name
	for name in "${listeners[@]}"; do bound+=${bound:+,}$name://127.0.0.1:$(port "$name" "$n"); done
	mkdir -p "$run_dir/$n"
	cat >"$run_dir/$n/server.properties" <<-PROPERTIES
		process.roles=broker,controller
		node.id=$n
		controller.quorum.voters=$(each_node %d@127.0.0.1:%d CONTROLLER)
		controller.listener.names=CONTROLLER
		listeners=$bound
		listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,TLS:SSL,MTLS:SSL,LOGIN:SASL_SSL
		ssl.keystore.type=PEM
		ssl.keystore.location=$run_dir/certs/both.pem
		ssl.truststore.type=PEM
		ssl.truststore.location=$run_dir/certs/ca.pem
		listener.name.mtls.ssl.client.auth=required
		listener.name.login.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER
		listener.name.login.plain.sasl.jaas.config=$jaas.plain.PlainLoginModule required user_writer="$password";
		listener.name.login.scram-sha-256.sasl.jaas.config=$jaas.scram.ScramLoginModule required;
		listener.name.login.scram-sha-512.sasl.jaas.config=$jaas.scram.ScramLoginModule required;
		listener.name.login.oauthbearer.sasl.jaas.config=$jaas.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";
		listener.name.login.plain.connections.max.reauth.ms=3000
		listener.name.login.scram-sha-256.connections.max.reauth.ms=3000
		listener.name.login.scram-sha-512.connections.max.reauth.ms=3000
		log.dirs=$run_dir/$n/data
		auto.create.topics.enable=false
		log.retention.ms=-1
		default.replication.factor=$copies
		min.insync.replicas=$in_sync
		offsets.topic.replication.factor=$copies
		offsets.topic.num.partitions=3
		transaction.state.log.replication.factor=$copies
		transaction.state.log.min.isr=$in_sync
		transaction.state.log.num.partitions=3
		transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
		share.coordinator.state.topic.replication.factor=$copies
		share.coordinator.state.topic.min.isr=$in_sync
		group.initial.rebalance.delay.ms=0
		broker.session.timeout.ms=6000
		${KAFKA_PROPERTIES:-}
	PROPERTIES
	(java_main warn kafka.tools.StorageTool format -t "$cluster_id" -c "$run_dir/$n/server.properties" \
		--add-scram "SCRAM-SHA-256=[name=writer,password=$password]" --add-scram "SCRAM-SHA-512=[name=writer,password=$password]") >"$run_dir/$n/format.log" 2>&1 || {
		cat "$run_dir/$n/format.log" >&2
		exit 1
	}
}

start() {
	local n=$1
	: >"$run_dir/$n/log" # before anybody looks for a start in that of the last time
	java_main info kafka.Kafka "$run_dir/$n/server.properties" >>"$run_dir/$n/log" 2>&1 &
	echo $! >"$run_dir/$n/pid"
	disown
}

await() {
	local n=$1 _
	for _ in {1..600}; do
		grep -q 'Kafka Server started' "$run_dir/$n/log" && return
		kill -0 "$(<"$run_dir/$n/pid")" 2>/dev/null || break
		sleep 0.1
	done
	tail -n 30 "$run_dir/$n/log" >&2
	echo "kafka: node $n did not start" >&2
	return 1
}

up() {
	[[ ! -e $run_dir/nodes ]] || {
		echo "kafka: one is running: $(addresses)" >&2
		exit 1
	}
	mkdir -p "$run_dir"
	fetch
	nodes=3
	[[ ${1:-} != --single ]] || nodes=1
	read -ra ports <<<"$(free_ports $((${#listeners[@]} * nodes)))"
	certificates
	local n name
	for name in "${listeners[@]}"; do each_node '%.0s127.0.0.1:%d' "$name" >"$run_dir/$name"; done
	for ((n = 1; n <= nodes; n++)); do configure "$n"; done
	echo "$nodes" >"$run_dir/nodes"
	for ((n = 1; n <= nodes; n++)); do start "$n"; done
	for ((n = 1; n <= nodes; n++)); do await "$n"; done
	addresses
}

addresses() { cat "$run_dir/PLAINTEXT"; }

variables() {
	echo "export PIKABIN_TEST_KAFKA=$(addresses)"
	echo "export PIKABIN_TEST_KAFKA_TLS=$(<"$run_dir/TLS")"
	echo "export PIKABIN_TEST_KAFKA_MTLS=$(<"$run_dir/MTLS")"
	echo "export PIKABIN_TEST_KAFKA_LOGIN=$(<"$run_dir/LOGIN")"
	echo "export PIKABIN_TEST_KAFKA_CERTS=$run_dir/certs"
	echo "export PIKABIN_TEST_KAFKA_PASSWORD=$password"
}

# stop SIGNAL NODE ends a node and waits until it is gone.
stop() {
	local pid
	pid=$(<"$run_dir/$2/pid")
	kill "-$1" "$pid" 2>/dev/null || true
	while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
}

down() {
	local n
	for ((n = 1; n <= $(cat "$run_dir/nodes" 2>/dev/null || echo 0); n++)); do
		[[ ! -e $run_dir/$n/pid ]] || stop KILL "$n"
	done
	rm -rf "$run_dir"
}

case ${1:-} in
up) up "${2:-}" ;;
down) down ;;
kill) stop KILL "$2" ;;
start) start "$2" && await "$2" ;;
signal) kill "-$3" "$(<"$run_dir/$2/pid")" ;;
env) variables ;;
run) java_main warn "${@:2}" ;;
test)
	install_clients
	trap down EXIT
	up "${2:-}" >&2
	eval "$(variables)"
	# One package after the other: they kill brokers.
	go test -tags kafka -run TestRealKafka -count=1 -timeout 10m -p 1 ${VERBOSE:+-v} ./encode/output/kafka ./encode/cli ./encode/cli/torture
	;;
*)
	sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
	exit 2
	;;
esac
