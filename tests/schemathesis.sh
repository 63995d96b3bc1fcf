#!/usr/bin/env bash
# Generates requests from /openapi.json, sends them to a live server, and holds every answer against the description.
set -euo pipefail
cd "$(dirname "$0")/.."

VERSION=4.32.5
LEAST_CASES=2000

. tests/install.sh
need python3 python3
venv=target/schemathesis/venv
venv "$venv" "schemathesis==$VERSION"

cargo build --quiet -p qwetty-server
dir=$(mktemp -d)
server=
cleanup() {
  [ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  rm -rf "$dir"
}
trap cleanup EXIT

"${CARGO_TARGET_DIR:-target}/debug/qwetty-server" serve --listen 127.0.0.1:0 --database "$dir/qwetty.db" \
  --tier-admin 10000000/3600 --trusted-proxy 127.0.0.1 >"$dir/out" 2>"$dir/log" &
server=$!
for _ in $(seq 100); do
  grep -q '^listening on ' "$dir/out" && break
  kill -0 "$server" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
  sleep 0.1
done
url=$(sed -n 's/^listening on //p' "$dir/out")
root=$(sed -n 's/^root key: //p' "$dir/out")

call() { curl -sSf -H "Authorization: Bearer $root" -H "Content-Type: application/json" "$@"; }
id() { grep -o '"id":"[^"]*"' | head -n 1 | cut -d '"' -f 4; }

keys=()
for number in $(seq 24); do
  keys+=("$(call "$url/api/v1/api-keys" -d "{\"name\": \"Key $number\", \"permissions\": [\"chats:read\"]}" | id)")
done
organizations=("$(call "$url/api/v1/me" | grep -o '"organizationId":"[^"]*"' | cut -d '"' -f 4)")
for number in $(seq 12); do
  organizations+=("$(call "$url/api/v1/organizations" -d "{\"name\": \"Organization $number\"}" | id)")
done

for organization in "${organizations[@]}"; do
  call -X PUT "$url/api/v1/channels/wa-sales?organizationId=$organization" -d '{"name": "Sales", "type": "whatsapp"}' >/dev/null
done

list() { printf '"%s",' "$@" | sed 's/,$//'; }
QWETTY_OWN_KEY=$(call "$url/api/v1/me" | id)
QWETTY_EXISTING_IDS="{\"api-keys\": [$(list "${keys[@]}")], \"organizations\": [$(list "${organizations[@]}")], \"channels\": [\"wa-sales\"]}"
export QWETTY_OWN_KEY QWETTY_EXISTING_IDS SCHEMATHESIS_HOOKS=schemathesis_hooks PYTHONPATH="$PWD/tests" PYTHONDONTWRITEBYTECODE=1

st=$PWD/$venv/bin/st
config=$PWD/tests/schemathesis.toml
status=0
(cd "$dir" && "$st" --config-file "$config" run "$url/openapi.json" -H "Authorization: Bearer $root" \
  --phases examples,coverage,fuzzing,stateful --max-examples 250 --seed 20260101 --generation-database none \
  --no-color --warnings off) >"$dir/summary" || status=$?
cat "$dir/summary"
[ "$status" = 0 ] || exit "$status"

cases=$(sed -n 's/^ *\([0-9]*\) generated.*/\1/p' "$dir/summary" | head -n 1)
[ "${cases:-0}" -ge "$LEAST_CASES" ] || { echo "only ${cases:-0} cases, not $LEAST_CASES" >&2; exit 1; }
