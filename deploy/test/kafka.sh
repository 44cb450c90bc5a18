#!/usr/bin/env bash
# A private Apache Kafka on 127.0.0.1: one node, KRaft, three ports. Clients use
# plain text on KAFKA_PORT (19092) and TLS with SASL (PLAIN, SCRAM) on the port
# two above it; the controller has the one between.
#
#   kafka.sh possible   say what is missing, if anything is
#   kafka.sh start      print the variables for the tests
#   kafka.sh stop
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
dir=$servers/kafka libs=$tools/kafka-libs
port=${KAFKA_PORT:-19092} user=tester password=tester-secret

java_() { java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$libs/*" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn "$@"; }

# A CA for this run, and a certificate of it for 127.0.0.1 and localhost.
certify() {
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=event-books test CA" -keyout ca.key -out ca.pem
  openssl req -newkey rsa:2048 -nodes -subj "/CN=localhost" -keyout server.key -out server.csr
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out server.crt \
    -extfile <(echo "subjectAltName=DNS:localhost,IP:127.0.0.1")
  cat <(openssl pkcs8 -topk8 -nocrypt -in server.key) server.crt ca.pem >server.pem
}

properties() {
  local scram=org.apache.kafka.common.security.scram.ScramLoginModule
  cat <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1)),SASL_SSL://127.0.0.1:$((port + 2))
advertised.listeners=PLAINTEXT://127.0.0.1:$port,SASL_SSL://127.0.0.1:$((port + 2))
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=$scram required;
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=$scram required;
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_$user="$password";
ssl.keystore.type=PEM
ssl.keystore.location=$dir/server.pem
ssl.truststore.type=PEM
ssl.truststore.location=$dir/ca.pem
log.dirs=$dir/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
END
}

case ${1:-} in
possible)
  can java openssl setsid
  [ -d "$libs" ] || { echo "Kafka's jars are not in $libs"; exit 1; } ;;
start)
  new "$dir"
  (cd "$dir" && certify) >"$dir/certify.log" 2>&1
  properties >"$dir/server.properties"
  java_ kafka.tools.StorageTool format -t MkU3OEVBNTcwNTJENDM2Qg -c "$dir/server.properties" \
    --add-scram "SCRAM-SHA-256=[name=$user,password=$password]" \
    --add-scram "SCRAM-SHA-512=[name=$user,password=$password]" >"$dir/format.log" 2>&1 || { cat "$dir/format.log" >&2; exit 1; }
  launch "$dir" java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xms512m -Xmx512m -cp "$libs/*" \
    -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info \
    kafka.Kafka "$dir/server.properties"
  await "$dir" grep -q "Kafka Server started" "$dir/server.log"
  cat <<END
TEST_KAFKA_BROKERS=127.0.0.1:$port
TEST_KAFKA_TLS_BROKERS=127.0.0.1:$((port + 2))
TEST_KAFKA_TLS_CA=$dir/ca.pem
TEST_KAFKA_TLS_USER=$user
TEST_KAFKA_TLS_PASSWORD=$password
END
  ;;
stop) halt "$dir" ;;
*) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
