#!/usr/bin/env bash
# The server under load beside a bare hyper server that gives the same answers, alone and behind nginx: requests a second,
# 99th percentile, the time on a processor that the server takes for one, and the ratios to the bare server's in the same
# round. Prints the table of docs/benchmarks.md.
#
#   benches/http.sh                  # nine rounds of three seconds each, about three minutes
#   ROUNDS=3 SECONDS_EACH=2 benches/http.sh
#   BIN=target/release benches/http.sh   # what is built already
#   KEYS=32 benches/http.sh          # as many keys in turn instead of 1,000
#
# Needs wrk, nginx and curl (Debian's packages), and a machine that has its cores for this alone as far as possible: what
# else runs is felt by all alike, but a ratio of two that both waited is worth less.
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=${ROUNDS:-9}
seconds=${SECONDS_EACH:-3}
keys=${KEYS:-1000}
port=${PORT:-18080}
. benches/prepare.sh
require wrk nginx curl python3
built
dir=$(mktemp -d)
started=()
trap 'kill "${started[@]}" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT

server=127.0.0.1:$port metrics=127.0.0.1:$((port + 1)) nginx=127.0.0.1:$((port + 2)) bare_nginx=127.0.0.1:$((port + 3))
bare_verify=127.0.0.1:$((port + 4)) bare_authorize=127.0.0.1:$((port + 5)) api=127.0.0.1:$((port + 6))

answers() { # whoever listens there
  for _ in $(seq 100); do
    ! (exec 3<>"/dev/tcp/${1/:/\/}") 2>/dev/null || return 0
    sleep 0.1
  done
  echo "nobody listens on $1" >&2
  exit 1
}

# A quota that no key uses up in the time: what is refused costs something else.
"$bin/make_database" --keys "$keys" "$dir/keys.db" >"$dir/values"
"$bin/qwetty-server" serve --listen $server --metrics-listen $metrics --database "$dir/keys.db" \
  --trusted-proxy 127.0.0.1 --tier-standard 10000000/3600 >"$dir/server" 2>&1 &
server_pid=$!
started+=($server_pid)
answers $server

# The bare server's answers are the server's own, to the byte; the API behind nginx has a short one.
caller=$(sed -n 1p "$dir/values") value=$(sed -n 2p "$dir/values")
curl -sSi "http://$server/api/v1/verify" -H "Authorization: Bearer $caller" --json \
  "{\"key\":\"$value\",\"permissions\":[\"chats:read\"]}" >"$dir/verify"
curl -sSi "http://$server/api/v1/authorize" -H "Authorization: Bearer $value" -H "X-Forwarded-For: 203.0.113.9" \
  -H "X-Forwarded-Method: GET" -H "X-Forwarded-Uri: /api/v1/chats" >"$dir/authorize"
grep -q '"valid":true' "$dir/verify" && grep -q '^HTTP/1.1 200' "$dir/authorize" || { cat "$dir/verify" "$dir/authorize" >&2; exit 1; }
printf 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nhello' >"$dir/api"
"$bin/bare_server" $bare_verify "$dir/verify" "$dir/authorize" "$dir/api" &
bare_pid=$!
started+=($bare_pid)
answers $api

for pair in "$nginx $server" "$bare_nginx $bare_authorize"; do
  read -r front behind <<<"$pair"
  mkdir "$dir/$front"
  sed -e "s/127\.0\.0\.1:8080/$behind/; s/127\.0\.0\.1:9000/$api/; s/0\.0\.0\.0:8000/$front/" \
    docs/gateways/nginx.conf >"$dir/$front/nginx.conf"
  nginx -p "$dir/$front" -c "$dir/$front/nginx.conf" 2>>"$dir/$front/errors" &
  started+=($!)
  answers "$front"
done

cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

measure() { # name, kind of request, address, process
  local before after
  before=$(cpu_ticks "$4")
  wrk -t1 -c32 -d"${seconds}s" --latency -s benches/http/requests.lua "http://$3" -- "$2" "$dir/values" >"$dir/wrk"
  after=$(cpu_ticks "$4")
  ! grep -E 'Non-2xx|Socket errors' "$dir/wrk" >&2 || exit 1
  awk -v name="$1" -v cpu=$(((after - before) * 1000000 / $(getconf CLK_TCK))) \
    '/99%/ { p99 = $2 } /requests in/ { requests = $1 } /Requests\/sec/ { print name, $2, p99, cpu / requests }' \
    "$dir/wrk" >>"$dir/measured"
}

# Once round unmeasured, so that every key is in memory and every connection of nginx is open.
for round in $(seq 0 "$rounds"); do
  measure bare_verify verify $bare_verify $bare_pid
  measure verify verify $server $server_pid
  measure bare_authorize authorize $bare_authorize $bare_pid
  measure authorize authorize $server $server_pid
  measure nginx_bare proxied $bare_nginx $bare_pid
  measure nginx_authorize proxied $nginx $server_pid
  [ "$round" != 0 ] || : >"$dir/measured"
done

# Every decision was the one that the lines are named after.
codes=$(curl -sS "http://$metrics/metrics" | grep '^qwetty_decisions_total{' | sed 's/.*code="\([a-z_]*\)".*/\1/' | sort -u)
[ "$codes" = valid ] || { echo "decisions were not all valid: $codes" >&2; exit 1; }
python3 benches/http/table.py <"$dir/measured"
