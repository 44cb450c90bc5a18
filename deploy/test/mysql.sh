#!/usr/bin/env bash
# A private MySQL on 127.0.0.1, port MYSQL_PORT (13307). It runs from the packages
# that install.sh unpacked, with their own libraries.
#
#   mysql.sh possible   say what is missing, if anything is
#   mysql.sh start      print the variable for the tests
#   mysql.sh stop
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/lib.sh"
dir=$servers/mysql root=$tools/mysql-root port=${MYSQL_PORT:-13307}
socket=${TMPDIR:-/tmp}/event-books-mysql-$port.sock
libraries=$(echo "$root"/usr/lib/*-linux-gnu)
server=("$libraries"/ld-linux-*.so.* --library-path "$libraries" "$root/usr/sbin/mysqld" --no-defaults --user="$(id -un)"
  --basedir="$root/usr" --datadir="$dir/data" --lc-messages-dir="$root/usr/share/mysql"
  --plugin-dir="$root/usr/lib/mysql/plugin" --character-sets-dir="$root/usr/share/mysql/charsets" --secure-file-priv=)

case ${1:-} in
possible)
  can mariadb mariadb-admin setsid # the clients speak MySQL's protocol, too
  [ -x "$root/usr/sbin/mysqld" ] || { echo "MySQL is not in $root"; exit 1; } ;;
start)
  new "$dir"
  "${server[@]}" --initialize-insecure >"$dir/install.log" 2>&1 || { cat "$dir/install.log" >&2; exit 1; }
  launch "$dir" "${server[@]}" --socket="$socket" --mysqlx=OFF --bind-address=127.0.0.1 --port="$port" \
    --skip-name-resolve --innodb-buffer-pool-size=256M
  await "$dir" mariadb-admin --no-defaults -uroot -S "$socket" ping
  mariadb --no-defaults -uroot -S "$socket" <<END
CREATE DATABASE event_books;
CREATE USER 'tester'@'127.0.0.1' IDENTIFIED BY 'tester';
GRANT ALL ON *.* TO 'tester'@'127.0.0.1';
END
  echo "TEST_MYSQL_DSN=tester:tester@tcp(127.0.0.1:$port)/event_books?charset=utf8mb4&parseTime=True&loc=Local" ;;
stop) halt "$dir" ;;
*) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
