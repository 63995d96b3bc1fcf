#!/usr/bin/env bash
# Installs what the browser tests of the console need and is missing: Chromium and npm (Debian's packages), and two packages
# of npm in the versions of tests/console/package-lock.json. Then runs them, unless told `install`.
set -euo pipefail
cd "$(dirname "$0")/console"

need() { # command, Debian package
  command -v "$1" >/dev/null && return
  echo "installing $2" >&2
  [ "$(id -u)" = 0 ] || { echo "$1 is missing: install the package $2, or run this as root" >&2; exit 1; }
  [ -n "${updated:-}" ] || { apt-get update -qq; updated=yes; }
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2" >/dev/null
}
need chromium chromium
need node nodejs
need npm npm
if ! cmp -s package-lock.json node_modules/.installed; then
  npm ci --silent --no-audit --no-fund --ignore-scripts
  cp package-lock.json node_modules/.installed
fi
[ "${1:-}" = install ] || QWETTY_TESTS_ALL=1 exec cargo test --quiet -p qwetty-tests --test console -- --nocapture
