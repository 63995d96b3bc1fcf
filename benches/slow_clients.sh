#!/usr/bin/env bash
# What slow clients cost the others: the 99th percentile of POST /verify with and without thousands of clients beside that
# are silent, send a byte a second in head or body, or read no answer. Prints a line each, and the ratio of the medians.
#
#   benches/slow_clients.sh                 # five rounds of five seconds each way, beside 2,000 slow clients
#   ROUNDS=3 SLOW=500 benches/slow_clients.sh
#   BIN=target/release benches/slow_clients.sh   # what is built already
#
# Needs wrk (Debian's package) and python3. The slow clients and wrk take their share of the same cores.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-5} seconds=${SECONDS_EACH:-5} slow=${SLOW:-2000} port=${PORT:-18090}
. benches/prepare.sh
require wrk python3
built
dir=$(mktemp -d)
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT

# A quota that no key uses up in the time: what is refused costs something else.
"$bin/make_database" --keys 1000 "$dir/keys.db" >"$dir/values"
"$bin/qwetty-server" serve --listen "127.0.0.1:$port" --database "$dir/keys.db" --tier-standard 10000000/3600 \
  >"$dir/server" 2>&1 &
started+=($!)
until grep -q '^listening' "$dir/server"; do sleep 0.1; done

measure() { # name; the 99th percentile in milliseconds, to a file of that name
  wrk -t1 -c32 -d"${seconds}s" --latency -s benches/http/requests.lua "http://127.0.0.1:$port" -- verify "$dir/values" >"$dir/wrk"
  ! grep -E 'Non-2xx|Socket errors' "$dir/wrk" >&2 || exit 1
  awk '/99%/ { value = $2 + 0; if ($2 ~ /us$/) value /= 1000; else if ($2 !~ /ms$/) value *= 1000; printf "%.3f\n", value }' \
    "$dir/wrk" >>"$dir/$1"
}

measure unmeasured
for _ in $(seq "$rounds"); do
  measure alone
  rm -f "$dir/slow"
  python3 benches/http/slow_clients.py 127.0.0.1 "$port" "$(head -n 1 "$dir/values")" "$slow" >"$dir/slow" &
  slow_pid=$!
  started+=("$slow_pid")
  until grep -qs slow "$dir/slow"; do sleep 0.1; done
  measure beside
  kill "$slow_pid"
  wait "$slow_pid" 2>/dev/null || true
done

median() { sort -n "$dir/$1" | awk '{ values[NR] = $1 } END { print values[int((NR + 1) / 2)] }'; }
alone=$(median alone) beside=$(median beside)
echo "99th percentile alone: $alone ms (of $(sort -n "$dir/alone" | tr '\n' ' '))"
echo "99th percentile beside $slow slow clients: $beside ms (of $(sort -n "$dir/beside" | tr '\n' ' '))"
awk -v alone="$alone" -v beside="$beside" 'BEGIN { printf "ratio: %.2f\n", beside / alone }'
