#!/usr/bin/env bash
# Installs what the tests need and is missing, then runs all of them.
set -euo pipefail
cd "$(dirname "$0")/.."

. tests/install.sh

need curl curl
need python3 python3

export QWETTY_TESTS_ALL=1 CARGO_TERM_COLOR=never

# Every interleaving of the limiter's window; its own target directory, since the flag rebuilds everything.
RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test --quiet --release -p qwetty-ratelimit --test loom

# Schedules of the engine's threads: revocation, eviction, counts, look-ups. Likewise.
RUSTFLAGS="--cfg shuttle" CARGO_TARGET_DIR=target/shuttle cargo test --quiet -p qwetty --lib races

# The crates can be packaged. They are not built from their packages here: cargo keeps what it unpacked of one version,
# and would build that again after a change.
cargo package --workspace --quiet --allow-dirty --no-verify

# Licences, forbidden crates and sources of what is in the lock file.
tests/supply_chain.sh

# A live server against its own description.
tests/schemathesis.sh

# What the console's browser tests need; the tests themselves run with the others.
tests/console.sh install

# The gateways, likewise.
tests/gateways.sh install

exec cargo test --workspace --no-fail-fast
