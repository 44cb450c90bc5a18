#!/usr/bin/env bash
# Installs what make check can use, on Debian or Ubuntu, as root: servers, clients
# and a compiler for the race detector. What is there already stays as it is. make
# check itself installs nothing. Under sudo, what no package manager installs goes
# to the folder of the user who called sudo.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ -n "${SUDO_USER:-}" ] && [ -z "${TEST_TOOLS:-}" ]; then
  export TEST_TOOLS; TEST_TOOLS=$(getent passwd "$SUDO_USER" | cut -d: -f6)/.cache/event-books
fi
. "$here/lib.sh"
mkdir -p "$tools"

packages=()
need() { command -v "$1" >/dev/null || packages+=("$2"); } # need COMMAND PACKAGE
need gcc gcc
need mariadbd mariadb-server
need kcat kcat
need java default-jre-headless
need mvn maven
need openssl openssl
need node nodejs
need npm npm
need python3 python3
need promtool prometheus
command -v chromium-browser google-chrome >/dev/null || need chromium chromium # Ubuntu has no package of it
# Pages are tried with real glyphs of all scripts.
for font in fonts-noto-cjk fonts-noto-color-emoji; do
  dpkg -s "$font" >/dev/null 2>&1 || packages+=("$font")
done
python3 -c 'import ensurepip' 2>/dev/null || packages+=(python3-venv)
apt-get update -q
if ((${#packages[@]})); then
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}"
fi

# fetch NAME WHAT COMMAND… lets the command fill the folder $part, and puts it in place
# of $tools/NAME, unless that folder has the same WHAT already.
fetch() {
  local name=$1 what=$2 part=$tools/$1.part
  shift 2
  if [ "$(cat "$tools/$name/.installed" 2>/dev/null)" = "$what" ]; then return; fi
  rm -rf "$part"
  mkdir "$part"
  "$@"
  echo "$what" >"$part/.installed"
  rm -rf "${tools:?}/$name"
  mv "$part" "$tools/$name"
}

kafka_jars() {
  mvn -q -B -f "$here/kafka-jars.xml" org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$part"
}
fetch kafka-libs "$(cat "$here/kafka-jars.xml")" kafka_jars

# MySQL's packages can't be installed beside MariaDB's: they are unpacked. Debian
# has them in its unstable suite only.
unpack_mysql() {
  local work=$1 uri
  mkdir -p "$work"/{lists,cache/archives}/partial "$work/root"
  : >"$work/status"
  . /etc/os-release
  if [ "$ID" = debian ]; then
    uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
    echo "deb $uri sid main" >"$work/sources.list"
  else
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | sort -u >"$work/sources.list"
  fi
  local options=(-q -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$work/lists"
    -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" -o APT::Sandbox::User="$(id -un)")
  apt-get "${options[@]}" update
  apt-get "${options[@]}" install -y --download-only --no-install-recommends mysql-server-core
  local package
  for package in "$work"/cache/archives/*.deb; do dpkg-deb -x "$package" "$work/root"; done
  mv "$work/root" "$tools/mysql-root"
}
if [ ! -d "$tools/mysql-root" ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (unpack_mysql "$work") >"$work/log" 2>&1 || { tail -n 5 "$work/log"; echo "no MySQL server could be had; its tests will be skipped"; }
fi

npm_package() { npm install --silent --no-audit --no-fund --prefix "$part" "$1"; }
for package in kafkajs@2.2.4 @asyncapi/parser@3.6.3 axe-core@4.14.1; do
  name=${package#@}
  fetch "${name%%[@/]*}" "$package" npm_package "$package"
done

# A Python environment can't be moved: it is brought up to date in place.
[ -x "$tools/python/bin/python" ] || python3 -m venv "$tools/python"
"$tools/python/bin/pip" install --quiet --disable-pip-version-check confluent-kafka==2.16.1 kafka-python==3.0.12 schemathesis==4.32.5 duckdb==2.0.1
if [ -n "${SUDO_USER:-}" ]; then chown -R "$SUDO_USER:" "$tools"; fi
