#!/usr/bin/env bash
# Installs what the browser tests of the console need and is missing: Chromium and npm (Debian's packages), and two packages
# of npm in the versions of tests/console/package-lock.json. Then runs them.
#
#   console.sh            installs and runs
#   console.sh install    installs
#   console.sh pictures   installs, and takes the pictures in docs/console anew
set -euo pipefail
cd "$(dirname "$0")/console"

. ../install.sh

need chromium chromium
need node nodejs
need npm npm
node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' || { echo "node $(node --version) is too old: install 20 or later" >&2; exit 1; }
if ! cmp -s package-lock.json node_modules/.installed; then
  npm ci --silent --no-audit --no-fund --ignore-scripts
  cp package-lock.json node_modules/.installed
fi
case ${1:-} in
  install) ;;
  pictures)
    need pngquant pngquant
    cargo build --quiet -p qwetty-server
    rm -f ../../docs/console/*.png
    node pictures.js
    pngquant --quality 70-95 --speed 1 --strip --force --ext .png ../../docs/console/*.png
    ;;
  *) QWETTY_TESTS_ALL=1 exec cargo test --quiet -p qwetty-tests --test console -- --nocapture ;;
esac
