#!/usr/bin/env bash
# make check: everything that this machine can check. It installs nothing, starts
# the servers that it finds (see install.sh), and lists what it skipped and why.
#
# CHECK_ALLOW  an extended regular expression: if it is set, a skipped test whose
#              name and reason don't match it is a failure
# TEST_…       servers, clients and data of your own: see docs/contributing.md
set -euo pipefail
cd "$(dirname "$0")/../.."
here=deploy/test
. "$here/lib.sh"
begun=$SECONDS
step() { printf '\n== %s (%d s)\n' "$*" $((SECONDS - begun)); }

step "format, modules, vet, staticcheck"
make lint
go mod tidy -diff
for os in darwin windows; do GOOS=$os CGO_ENABLED=0 go vet ./...; done

step "build"
work=$(mktemp -d)
stop=()
finish() {
  for script in "${stop[@]}"; do "$script" stop || true; done
  rm -rf "$work"
}
trap finish EXIT
CGO_ENABLED=0 go build -buildvcs=true -o "$work/event-books" .
"$work/event-books" version

step "make test: with only Go"
env -u TEST_KAFKA_BROKERS -u TEST_MARIADB_DSN -u TEST_MYSQL_DSN -u TEST_DATA_DIR make test

step "start servers"
export TEST_SERVERS=$work/servers
port=$((20000 + RANDOM % 8000))
export KAFKA_PORT=$port MARIADB_PORT=$((port + 10)) MYSQL_PORT=$((port + 11))
# serve SCRIPT VARIABLE starts a server, unless the variable names one.
serve() {
  if [ -n "${!2:-}" ]; then
    echo "$2 is set"
  elif missing=$("$here/$1" possible); then
    stop+=("$here/$1")
    while IFS='=' read -r name value; do export "$name=$value"; done < <("$here/$1" start)
    [ -n "${!2:-}" ] || { echo "$1 did not start"; exit 1; }
    echo "$2 is $1"
  else
    echo "no $1: $missing"
  fi
}
serve kafka.sh TEST_KAFKA_BROKERS
serve mariadb.sh TEST_MARIADB_DSN
serve mysql.sh TEST_MYSQL_DSN
# use VARIABLE PATH sets the variable to a path that exists, unless it is set.
use() { [ -n "${!1:-}" ] || [ ! -e "$2" ] || export "$1=$2"; }
use TEST_KAFKAJS_DIR "$tools/kafkajs"
use TEST_ASYNCAPI_DIR "$tools/asyncapi"
use TEST_AXE_DIR "$tools/axe-core"
use TEST_KAFKA_TOOLS "$tools/kafka-libs"
has() { "$tools/python/bin/python" -c "import $1" 2>/dev/null; }
if has confluent_kafka; then use TEST_CONFLUENT_PYTHON "$tools/python/bin/python"; fi
if has duckdb; then use TEST_DUCKDB_PYTHON "$tools/python/bin/python"; fi
if has kafka; then use TEST_KAFKA_PYTHON "$tools/python/bin/python"; fi

use TEST_SCHEMATHESIS "$tools/python/bin/schemathesis"

race=()
if [ "$(go env CGO_ENABLED)" = 1 ] && command -v "$(go env CC)" >/dev/null; then race=(-race); fi
step "go test ${race[*]} on these servers"
go test "${race[@]}" -count=1 -timeout 20m -json ./... 2>"$work/stderr" | go run ./deploy/test/report -allow "${CHECK_ALLOW:-}" || { cat "$work/stderr"; exit 1; }
step "done"
