#!/usr/bin/env bash
# What a million keys cost: bytes of the file, the time from the start of the server to its first decision, pages of lists; and
# what 64 clients that make keys at once gain over one. Prints the tables of docs/benchmarks.md.
#
#   benches/scale.sh                    # about five minutes, and 3 GB beside the build for as long
#   KEYS=100000 benches/scale.sh        # a tenth
#   BIN=target/release benches/scale.sh # what is built already
#
# Needs wrk, curl, sqlite3 and python3 (Debian's packages).
set -euo pipefail
cd "$(dirname "$0")/.."

keys=${KEYS:-1000000}
port=${PORT:-18090}
. benches/prepare.sh
require wrk curl sqlite3 python3
built
# On a disk: the system's directory for temporary files may be memory, in which nothing is ever slow to sync.
dir=$(mktemp -d "${CARGO_TARGET_DIR:-target}/scale.XXXXXX")
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait; rm -rf "$dir"' EXIT

make_database() { # name, keys, organizations
  "$bin/make_database" --keys "$2" --organizations "$3" --values 1 "$dir/$1.db" >"$dir/$1.values"
}
make_database 1000 1000 1
make_database 10000 10000 10
make_database "$keys" "$keys" $((keys / 1000))

echo "## Bytes a key, of $keys"
echo
echo "| | bytes |"
echo "|---|--:|"
sqlite3 "$dir/$keys.db" "
  WITH sizes AS (
    SELECT coalesce((SELECT tbl_name FROM sqlite_schema AS s WHERE s.name = dbstat.name), 'other') AS owner,
      dbstat.name = 'keys' OR dbstat.name = 'events' AS is_table, pgsize FROM dbstat
  )
  SELECT '| ' || CASE WHEN owner NOT IN ('keys', 'events') THEN 'everything else'
      WHEN is_table THEN 'table \`' || owner || '\`' ELSE 'indexes of \`' || owner || '\`' END AS part,
    round(sum(pgsize) * 1.0 / $keys, 1)
  FROM sizes GROUP BY part ORDER BY part LIKE '%else', part LIKE '%events%', part DESC" | sed 's/|\([0-9.]*\)$/ | \1 |/'
echo

now() { date +%s%N; }
median() { sort -n | awk '{ values[NR] = $1 } END { print values[int((NR + 1) / 2)] }'; }

# Microseconds from the start of the server to its first decision, which is that a key is valid.
start() { # name
  local began caller value
  { read -r caller; read -r value; } <"$dir/$1.values"
  began=$(now)
  "$bin/qwetty-server" serve --listen 127.0.0.1:$port --database "$dir/$1.db" >"$dir/log" 2>&1 &
  server=$!
  until curl -s "http://127.0.0.1:$port/api/v1/verify" -H "Authorization: Bearer $caller" --json "{\"key\":\"$value\"}" |
    grep -q '"valid":true'; do
    kill -0 $server 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
  done
  echo $((($(now) - began) / 1000))
  kill $server
  wait $server
  server=
}

for _ in $(seq 9); do
  start 1000 >>"$dir/start.few"
  start "$keys" >>"$dir/start.many"
done
few=$(median <"$dir/start.few") many=$(median <"$dir/start.many")
echo "## From the start to the first decision"
echo
echo "| keys in the file | median | ratio |"
echo "|---|--:|--:|"
echo "| 1000 | $((few / 1000)) ms | 1 |"
echo "| $keys | $((many / 1000)) ms | $(awk "BEGIN { printf \"%.2f\", $many / $few }") |"
echo

echo "## Pages, of $keys keys and of 10000"
echo
"$bin/pages" "$dir/$keys.db" "$dir/10000.db"
echo

"$bin/qwetty-server" serve --listen 127.0.0.1:$port --database "$dir/new.db" --tier-admin 10000000/3600 >"$dir/log" 2>&1 &
server=$!
until root=$(sed -n 's/^root key: //p' "$dir/log") && grep -q '^listening on' "$dir/log"; do sleep 0.1; done
creates() { # clients
  wrk -t1 -c"$1" -d2s -s benches/http/create.lua "http://127.0.0.1:$port" -- "$root" >"$dir/wrk"
  ! grep -E 'Non-2xx|Socket errors' "$dir/wrk" >&2 || exit 1
  awk '/Requests\/sec/ { print $2 }' "$dir/wrk"
}
for _ in $(seq 9); do
  one=$(creates 1) all=$(creates 64)
  echo "$one" >>"$dir/creates.one"
  echo "$all" >>"$dir/creates.all"
  awk "BEGIN { print $all / $one }" >>"$dir/creates.ratio"
done
echo "## Keys made in a second, each on the disk before it is answered"
echo
echo "| clients | median | ratio |"
echo "|---|--:|--:|"
echo "| 1 | $(median <"$dir/creates.one") | 1 |"
echo "| 64 | $(median <"$dir/creates.all") | $(median <"$dir/creates.ratio") |"
