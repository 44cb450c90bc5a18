# Shared by the scripts in this folder, which start private servers for tests.
# shellcheck shell=bash
#
# TEST_TOOLS    where install.sh puts what no package manager installs
# TEST_SERVERS  where the servers keep their data, logs and pid files

tools=${TEST_TOOLS:-${XDG_CACHE_HOME:-$HOME/.cache}/event-books}
servers=${TEST_SERVERS:-${TMPDIR:-/tmp}/event-books-servers-$UID}

# launch DIR COMMAND… starts a server in the background. The server keeps none of
# our file descriptors: a lock on one of them would outlive us.
launch() {
  local dir=$1
  shift
  (
    for fd in /proc/self/fd/*; do
      fd=${fd##*/}
      ((fd <= 2)) || eval "exec $fd>&-"
    done
    exec setsid "$@"
  ) >>"$dir/server.log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
}

# await DIR COMMAND… waits a minute until the command succeeds. If the server ends
# instead, its log is shown.
await() {
  local dir=$1 pid
  shift
  pid=$(<"$dir/pid")
  for _ in {1..600}; do
    "$@" >/dev/null 2>&1 && return
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 30 "$dir/server.log" >&2
  return 1
}

# halt DIR ends the server of that folder and removes the folder.
halt() {
  local dir=$1 pid
  if [ -s "$dir/pid" ]; then
    pid=$(<"$dir/pid")
    kill "$pid" 2>/dev/null || true
    for _ in {1..300}; do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  fi
  rm -rf "$dir"
}

# listens PORT
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# new DIR refuses to start a second server there.
new() {
  if [ -e "$1" ]; then
    echo "$1 exists: stop that server first" >&2
    return 1
  fi
  mkdir -p "$1"
}

# can COMMAND… says which of the commands is missing.
can() {
  local command
  for command; do
    command -v "$command" >/dev/null || { echo "$command is not installed"; return 1; }
  done
}
