#!/usr/bin/env bash
# Counts the instructions of the hot path under callgrind, and fails if any count is more than 5 % above the one in
# benches/instructions.txt.
#
#   benches/instructions.sh            # compare
#   benches/instructions.sh --bless    # take the new counts as what later ones are compared with
#
# Installs valgrind (Debian's package) and, under target/, gungraun-runner where they are missing. The counts depend on the
# compiler and on the libraries, and on nothing else that runs: renew them with either. With another compiler than the
# baseline's there is nothing to compare, and it says so.
set -euo pipefail
cd "$(dirname "$0")/.."

baseline=benches/instructions.txt
most=1.05
compiler=$(rustc --version)
. tests/install.sh
need valgrind valgrind
target=${CARGO_TARGET_DIR:-$PWD/target}
# The runner must be of the library's version.
version=$(sed -n '/^name = "gungraun"$/{n;s/^version = "\(.*\)"$/\1/p}' Cargo.lock)
export PATH=$target/gungraun-$version/bin:$PATH
command -v gungraun-runner >/dev/null ||
  CARGO_TARGET_DIR=$target/gungraun-build cargo install --quiet --locked --root "$target/gungraun-$version" --version "=$version" gungraun-runner

if [ "${1:-}" != --bless ] && [ -f "$baseline" ] && ! grep -qxF "# $compiler" "$baseline"; then
  echo "$baseline is of another compiler than $compiler: no instructions are compared"
  exit
fi

counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
cargo bench --quiet -p qwetty-benches --bench instructions -- --output-format=json |
  python3 benches/instructions.py >"$counts"

if [ "${1:-}" = --bless ]; then
  { echo "# $compiler"; cat "$counts"; } >"$baseline"
  cat "$baseline"
  exit
fi
[ -f "$baseline" ] || { echo "$baseline is missing: run benches/instructions.sh --bless" >&2; exit 1; }
awk -v most=$most '
  /^#/ { next }
  NR == FNR { known[$1] = $2; next }
  !($1 in known) { print $1 " is not in the baseline: run benches/instructions.sh --bless"; failed = 1; next }
  {
    ratio = $2 / known[$1]
    printf "%-24s %9d instructions, %9d before: %+.1f %%\n", $1, $2, known[$1], (ratio - 1) * 100
    if (ratio > most) { print $1 " takes too many instructions; if it must, run benches/instructions.sh --bless"; failed = 1 }
  }
  END { exit failed }
' "$baseline" "$counts"
