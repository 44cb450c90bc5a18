#!/usr/bin/env bash
# A private MariaDB on 127.0.0.1, port MARIADB_PORT (13306).
#
#   mariadb.sh possible   say what is missing, if anything is
#   mariadb.sh start      print the variable for the tests
#   mariadb.sh stop
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
dir=$servers/mariadb port=${MARIADB_PORT:-13306}
socket=${TMPDIR:-/tmp}/event-books-mariadb-$port.sock # a long path wouldn't fit into a socket's address
me=$(id -un)

case ${1:-} in
possible) can mariadbd mariadb-install-db mariadb mariadb-admin setsid ;;
start)
  new "$dir"
  mariadb-install-db --no-defaults --user="$me" --datadir="$dir/data" --skip-test-db \
    --auth-root-authentication-method=normal >"$dir/install.log" 2>&1 || { cat "$dir/install.log" >&2; exit 1; }
  launch "$dir" mariadbd --no-defaults --user="$me" --datadir="$dir/data" --socket="$socket" \
    --bind-address=127.0.0.1 --port="$port" --skip-name-resolve --character-set-server=utf8mb4 --innodb-buffer-pool-size=256M
  await "$dir" mariadb-admin --no-defaults -uroot -S "$socket" ping
  mariadb --no-defaults -uroot -S "$socket" <<END
CREATE DATABASE event_books CHARACTER SET utf8mb4;
CREATE USER 'tester'@'127.0.0.1' IDENTIFIED BY 'tester';
GRANT ALL ON *.* TO 'tester'@'127.0.0.1';
END
  echo "TEST_MARIADB_DSN=tester:tester@tcp(127.0.0.1:$port)/event_books?charset=utf8mb4&parseTime=True&loc=Local" ;;
stop) halt "$dir" ;;
*) sed -n '2,6s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
