#!/usr/bin/env bash
# A client of the Tenant Management API with bash, curl, openssl and jq, and a walk through every route.
#
#   BASE_URL=http://127.0.0.1:8000 PSK=... ./tenant-api.sh
#
# Copy `encode`, `sign` and `call` into your own script; the rest shows how each route is called.
# While openssl runs, the key is in its command line, which other users of this machine can read: on a shared one use the
# Python or the Go example.
set -euo pipefail

: "${BASE_URL:?set it to the URL of the API, with the stage if it has one}"
: "${PSK:?set it to the pre-shared key}"
BASE_URL=${BASE_URL%/}
case ${BASE_URL#*://} in
  */*) base_path=/${BASE_URL#*://*/} ;; # the stage, say; the signature covers it
  *) base_path='' ;;
esac
PAGE_SIZE=${PAGE_SIZE:-50}

# Percent-encodes one value of a query, as RFC 3986 says.
encode() {
  local LC_ALL=C text=$1 i char
  for ((i = 0; i < ${#text}; i++)); do
    char=${text:i:1}
    case $char in
      [A-Za-z0-9._~-]) printf '%s' "$char" ;;
      *) printf '%%%02X' "$(($(printf '%d' "'$char") & 255))" ;;
    esac
  done
}

# sign METHOD URI TIMESTAMP [BODY_SHA256]: the hex signature. URI is everything after the host, query included.
sign() {
  printf '%s' "$1$2$3${4-}" | openssl dgst -sha256 -hmac "$PSK" -r | cut -d' ' -f1
}

# call METHOD PATH [BODY [IF_MATCH]]: sends one signed request and prints the response's body. The response's headers are
# kept in $headers. Any status of 400 or more is reported on stderr and fails the call.
call() {
  local method=$1 path=$2 body=${3-} if_match=${4-} timestamp digest='' status
  timestamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  # --globoff: brackets and braces in a URL are no patterns.
  local args=(--silent --show-error --globoff --max-time 30 --request "$method" --header "X-API-Timestamp: $timestamp")
  if [[ -n $body ]]; then
    # Binds the body to the signature, so that nobody on the way can swap it.
    digest=$(printf '%s' "$body" | openssl dgst -sha256 -r | cut -d' ' -f1)
    args+=(--header "X-Body-SHA256: $digest" --header 'Content-Type: application/json' --data-binary "$body")
  fi
  [[ -z $if_match ]] || args+=(--header "If-Match: $if_match")
  args+=(--header "Authorization: HMAC-SHA256 $(sign "$method" "$base_path$path" "$timestamp" "$digest")")
  status=$(curl "${args[@]}" --dump-header "$work/headers" --output "$work/body" --write-out '%{http_code}' \
    "$BASE_URL$path") || return
  headers=$(tr -d '\r' <"$work/headers")
  cat "$work/body"
  echo
  if ((status >= 400)); then
    echo "$method $path: rejected with $status, request $(header x-request-id)" >&2
    return 1
  fi
}

# header NAME: one header of the last response.
header() {
  awk -F': ' -v name="$1" 'tolower($1) == tolower(name) { print $2 }' <<<"$headers"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
headers=''

tenant=example-$(openssl rand -hex 4) # a tenant of its own, so that the example can run again and again
configs=/api/v1/tenants/$tenant/delivery-configs

echo '== health (no signature needed)'
curl --silent --show-error --fail-with-body "$BASE_URL/health"
echo

echo '== create both types'
call POST "$configs" "{
  \"tenant_id\": \"$tenant\",
  \"type\": \"cloudwatch\",
  \"log_distribution_role_arn\": \"arn:aws:iam::123456789012:role/LogDistributionRole\",
  \"log_group_name\": \"/aws/logs/$tenant\",
  \"target_region\": \"us-east-1\",
  \"desired_logs\": [\"payment-service\", \"user-service\"],
  \"labels\": {\"env\": \"production\", \"team\": \"payments\"}
}"
call POST "$configs" "{\"tenant_id\": \"$tenant\", \"type\": \"s3\", \"bucket_name\": \"$tenant-logs\"}"

echo '== get one'
call GET "$configs/cloudwatch"
etag=$(header etag)

echo "== list the tenant's"
call GET "$configs"

echo '== list everything, page by page'
last_key=''
declare -A seen=()
while
  # Parameters sorted by name and percent-encoded: the form that the API checks first.
  query="limit=$PAGE_SIZE"
  [[ -z $last_key ]] || query="last_key=$(encode "$last_key")&$query"
  page=$(call GET "/api/v1/delivery-configs?$query") || exit
  echo "$page"
  last_key=$(jq --raw-output '.data.last_key // empty' <<<"$page")
  [[ -n $last_key ]]
do
  # A key that comes again would make this loop endless.
  [[ -z ${seen[$last_key]-} ]] || { echo "the key $last_key came twice" >&2 && exit 1; }
  seen[$last_key]=1
done

echo '== search, page by page: a page can be empty and not be the last one'
search="{\"filter\": \"account = 123456789012 AND tenant_id = $tenant\", \"limit\": $PAGE_SIZE}"
while
  page=$(call POST /api/v1/delivery-configs/search "$search") || exit
  echo "$page"
  last_key=$(jq '.data.last_key // empty' <<<"$page")
  [[ -n $last_key ]]
do
  search=$(jq --compact-output ".last_key = $last_key" <<<"$search")
done

echo '== disable delivery, unless somebody changed the configuration meanwhile'
call PATCH "$configs/cloudwatch" '{"enabled": false}' "$etag"

echo '== the same again: the configuration has changed, so this is rejected'
call PATCH "$configs/cloudwatch" '{"enabled": true}' "$etag" || true

echo '== update: what is left out keeps its value'
call PUT "$configs/cloudwatch" '{"target_region": "us-west-2"}'

echo '== labels merge one by one: set one, remove another one'
call PATCH "$configs/cloudwatch" '{"labels": {"team": "platform", "env": null}}'

echo '== validate'
call GET "$configs/cloudwatch/validate"

echo '== history, page by page: a change is in it a moment later'
sleep 2
revisions=()
query="limit=$PAGE_SIZE&order=asc"
while
  page=$(call GET "$configs/cloudwatch/history?$query") || exit
  echo "$page"
  mapfile -t -O "${#revisions[@]}" revisions < <(jq --raw-output '.data.revisions[].revision' <<<"$page")
  cursor=$(jq --raw-output '.data.cursor // empty' <<<"$page")
  [[ -n $cursor ]]
do
  query="cursor=$cursor&limit=$PAGE_SIZE&order=asc"
done

echo '== restore the first revision, without its labels: look first'
call POST "$configs/cloudwatch/history/${revisions[0]}/restore?dry_run=true" '{"labels": null}'
call POST "$configs/cloudwatch/history/${revisions[0]}/restore" '{"labels": null}'

echo '== a webhook that gets the deletions of this tenant, disabled since nobody receives them'
webhook=$(call POST "/api/v1/tenants/$tenant/webhooks" \
  '{"url": "https://hooks.example.com/", "events": ["delivery_config.deleted"], "enabled": false}')
echo "$webhook"
call DELETE "/api/v1/tenants/$tenant/webhooks/$(jq --raw-output '.data.id' <<<"$webhook")"

echo '== two mistakes are reported together'
call PATCH "$configs/s3" '{"bucket_name": "No Such Bucket", "enable": true}' || true

echo '== delete'
call DELETE "$configs/cloudwatch"
call DELETE "$configs/s3"
