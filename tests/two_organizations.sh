#!/usr/bin/env bash
# Sets up two organizations with channels and keys, uses them, reads usage and audit, and tries to cross from one to the
# other. Needs nothing but bash, curl and the root key. Ends with 1 at the first surprise.
#
#   two_organizations.sh http://127.0.0.1:8080 qwt_…
set -euo pipefail

base=${1:?base URL, such as http://127.0.0.1:8080}
root=${2:?root key}
run=$RANDOM$RANDOM

# call KEY METHOD PATH [BODY]: sets $status and $body.
call() {
  local key=$1 method=$2 path=$3
  local arguments=(--silent --show-error --max-time 30 --request "$method" --header @- --write-out '\n%{http_code}')
  [ $# -lt 4 ] || arguments+=(--header 'Content-Type: application/json' --data-binary "$4")
  # The key goes by standard input, so that no list of processes shows it.
  local answer
  answer=$(printf 'Authorization: Bearer %s\n' "$key" | curl "${arguments[@]}" "$base/api/v1$path")
  status=${answer##*$'\n'}
  body=${answer%$'\n'*}
  called="$method $path"
}

fail() {
  echo "surprise: $1" >&2
  echo "  $called answered $status $body" >&2
  exit 1
}

# expect STATUS [TEXT…]: the last answer has this status, and each text in its body.
expect() {
  local text
  [ "$status" = "$1" ] || fail "expected status $1"
  shift
  for text in "$@"; do
    case $body in *"$text"*) ;; *) fail "expected $text" ;; esac
  done
}

# lacks TEXT…: the last answer has none of the texts in its body.
lacks() {
  local text
  for text in "$@"; do
    case $body in *"$text"*) fail "did not expect $text" ;; esac
  done
}

# member NAME: the first text of that name in the last answer.
member() {
  [[ $body =~ \"$1\":\"([^\"]*)\" ]] || fail "there is no $1"
  printf '%s' "${BASH_REMATCH[1]}"
}

# same: the last answer is the one remembered, but for its request id.
nameless() { printf '%s %s' "$status" "${body/$(member requestId)/}"; }
remember() { remembered=$(nameless); }
same() { [ "$(nameless)" = "$remembered" ] || fail "expected the same as $remembered"; }

step() { echo "ok: $1"; }

# An organization with two channels, an administrator's key and a key for each of the product's uses. Sets $organization,
# $admin, $reader, $reader_id and $sender.
set_up() {
  call "$root" POST /organizations "{\"name\":\"$1 $run\"}"
  expect 201
  organization=$(member id)
  local channel administration='"api_keys:read","api_keys:manage","api_keys:verify","channels:manage","audit:read"'
  call "$root" POST /api-keys "{\"name\":\"$1 admin\",\"organizationId\":\"$organization\",\"tier\":\"admin\",
    \"permissions\":[\"chats:read\",\"messages:send\",$administration]}"
  expect 201 "\"organizationId\":\"$organization\""
  admin=$(member key)

  for channel in sales support; do
    call "$admin" PUT /channels/$2-$channel "{\"name\":\"$1 $channel\",\"type\":\"whatsapp\"}"
    expect 200 "\"id\":\"$2-$channel\""
  done
  call "$admin" POST /api-keys '{"name":"Reader","permissions":["chats:read"]}'
  expect 201 "\"organizationId\":\"$organization\"" '"channelScopes":null'
  reader=$(member key)
  reader_id=$(member id)
  call "$admin" POST /api-keys "{\"name\":\"Sender\",\"permissions\":[\"messages:send\"],\"channelScopes\":[\"$2-sales\"]}"
  expect 201
  sender=$(member key)
  step "$1 has two channels and three keys"
}

set_up Acme acme
acme=$organization acme_admin=$admin acme_reader=$reader acme_reader_id=$reader_id acme_sender=$sender
set_up Globex globex
globex=$organization globex_admin=$admin globex_reader=$reader globex_reader_id=$reader_id

# Each asks its own administrator what its keys may do.
verify() { call "$1" POST /verify "$2"; }
for times in 1 2 3; do
  verify "$acme_admin" "{\"key\":\"$acme_reader\",\"permissions\":[\"chats:read\"]}"
  expect 200 '"valid":true' '"code":"valid"' "\"organizationId\":\"$acme\""
done
verify "$acme_admin" "{\"key\":\"$acme_reader\",\"permissions\":[\"messages:send\"]}"
expect 200 '"valid":false' '"code":"insufficient_permissions"'
verify "$acme_admin" "{\"key\":\"$acme_sender\",\"permissions\":[\"messages:send\"],\"channel\":\"acme-sales\"}"
expect 200 '"code":"valid"'
verify "$acme_admin" "{\"key\":\"$acme_sender\",\"permissions\":[\"messages:send\"],\"channel\":\"acme-support\"}"
expect 200 '"code":"channel_not_allowed"'
verify "$globex_admin" "{\"key\":\"$globex_reader\",\"permissions\":[\"chats:read\"]}"
expect 200 '"code":"valid"'
step "keys do what they may, and nothing else"

call "$acme_admin" GET "/api-keys/$acme_reader_id/usage"
expect 200 '"totals":{"requestCount":3,"deniedCount":1}' '"deniedByCode":{"insufficient_permissions":1}'
call "$globex_admin" GET "/api-keys/$globex_reader_id/usage"
expect 200 '"totals":{"requestCount":1,"deniedCount":0}' '"deniedByCode":{}'
step "usage tells what was done with each key"

call "$acme_admin" POST "/api-keys/$acme_reader_id/revoke" '{"reason":"over"}'
expect 200 '"status":"revoked"'
verify "$acme_admin" "{\"key\":\"$acme_reader\"}"
expect 200 '"code":"revoked"'
call "$acme_reader" GET /me
expect 401 '"code":"invalid_api_key"'
call "$acme_admin" GET "/audit-events?keyId=$acme_reader_id"
expect 200 '"total":2' '"action":"key.revoked"' '"action":"key.created"' '"to":"over"' '"name":"Acme admin"'
lacks "$acme_reader"
call "$acme_admin" GET '/audit-events?limit=100'
# The organization, its administrator's key, two channels, two keys and the revocation.
expect 200 '"total":7'
lacks "$globex" Globex "$globex_reader_id"
call "$globex_admin" GET '/audit-events?limit=100'
expect 200 '"total":6'
lacks "$acme" Acme "$acme_reader_id"
step "the audit log tells each organization of its own"

# From Globex nothing of Acme is there: the answer is that for what never was.
nobody=key_00000000000000000000000000
nowhere=org_00000000000000000000000000
cross() { # METHOD PATH BODY-OR-EMPTY, with ID in place of Acme's id; then Acme's id, and one that never was
  local method=$1 path=$2 text=$3 theirs=$4 never=$5
  call "$globex_admin" "$method" "${path//ID/$never}" ${text:+"${text//ID/$never}"}
  expect 404 '"code":"not_found"'
  remember
  call "$globex_admin" "$method" "${path//ID/$theirs}" ${text:+"${text//ID/$theirs}"}
  same
}
cross GET /api-keys/ID '' "$acme_reader_id" $nobody
cross GET /api-keys/ID/usage '' "$acme_reader_id" $nobody
cross PATCH /api-keys/ID '{"name":"Mine"}' "$acme_reader_id" $nobody
cross POST /api-keys/ID/regenerate '' "$acme_reader_id" $nobody
cross POST /api-keys/ID/revoke '' "$acme_reader_id" $nobody
cross POST /api-keys/ID/reactivate '' "$acme_reader_id" $nobody
cross DELETE /api-keys/ID '' "$acme_reader_id" $nobody
cross GET '/audit-events?keyId=ID' '' "$acme_reader_id" $nobody
cross GET '/audit-events?organizationId=ID' '' "$acme" $nowhere
cross GET '/api-keys?organizationId=ID' '' "$acme" $nowhere
cross GET '/channels?organizationId=ID' '' "$acme" $nowhere
cross PUT '/channels/acme-sales?organizationId=ID' '{"name":"Mine","type":"whatsapp"}' "$acme" $nowhere
cross DELETE '/channels/acme-sales?organizationId=ID' '' "$acme" $nowhere
cross DELETE /channels/ID '' acme-sales acme-never
cross POST /api-keys '{"name":"Mine","permissions":["chats:read"],"organizationId":"ID"}' "$acme" $nowhere
step "another organization's things are not there"

call "$globex_admin" POST /api-keys '{"name":"Mine","permissions":["chats:read"],"channelScopes":["acme-sales"]}'
expect 422 '"channelScopes[0]"'
verify "$globex_admin" "{\"key\":\"$acme_sender\"}"
expect 200 '{"valid":false,"code":"not_found"}'
call "$globex_admin" GET '/api-keys?limit=100&search=reader'
expect 200 '"total":1' "$globex_reader_id"
call "$globex_admin" GET '/channels?limit=100'
expect 200 '"total":2'
lacks acme-
call "$globex_admin" GET "/organizations/$globex"
expect 403 '"code":"insufficient_permissions"'
call "$globex_admin" POST /api-keys '{"name":"Operator","permissions":["organizations:manage"]}'
expect 403 '"code":"exceeds_caller"'
step "nor can they be named, verified, listed or granted"

call "$root" GET "/api-keys?organizationId=$acme"
expect 200 '"total":3'
call "$root" DELETE "/organizations/$acme"
expect 409 '"code":"conflict"'
step "the operator sees both, and deletes none that has keys"
