# Sourced by the scripts here, at the root of the project: what they need, and the programs that they measure.

require() { # commands, each of which Debian has in a package
  local tool
  for tool in "$@"; do
    command -v "$tool" >/dev/null || { echo "$tool is missing: install Debian's package of that name" >&2; exit 1; }
  done
}

built() { # sets bin: where the programs are, which is BIN if that is set, else where they are built now
  bin=${BIN:-}
  if [ -z "$bin" ]; then
    cargo build --release --quiet -p qwetty-server -p qwetty-benches --bins
    bin=${CARGO_TARGET_DIR:-target}/release
  fi
}
