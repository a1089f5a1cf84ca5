#!/usr/bin/env bash
# Requests by curl. The protocol is described in test_walk.py.
set -euo pipefail

list=$BASE_URL/api/v1/delivery-configs
path=/${list#*://*/}

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

# query ENCODE NAME...: the parameters that have a value.
query() {
  local encode=$1 name pairs=()
  shift
  for name in "$@"; do
    [[ -z ${!name} ]] || pairs+=("$name=$("$encode" "${!name}")")
  done
  (IFS='&' && printf '%s' "${pairs[*]}")
}

plain() {
  printf '%s' "$1"
}

while IFS= read -r line; do
  # `read` takes adjacent tabs for one, but not adjacent separators of another kind.
  IFS=$'\x1f' read -r encoding signs limit last_key note <<<"${line//$'\t'/$'\x1f'}"
  # The names that `query` reads.
  : "$limit" "$last_key" "$note"
  if [[ $encoding == library ]]; then
    request=(--get "$list")
    for name in limit last_key note; do
      [[ -z ${!name} ]] || request+=(--data-urlencode "$name=${!name}")
    done
  else
    request=("$list?$(query encode limit last_key note)")
  fi
  case $signs in
    wire) # curl tells what it sends
      signed=$(curl --silent --globoff --output /dev/null --write-out '%{url_effective}' "${request[@]}")
      signed=/${signed#*://*/}
      ;;
    canonical) signed="$path?$(query encode last_key limit note)" ;;
    *) signed="$path?$(query plain limit last_key note)" ;;
  esac
  timestamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  signature=$(printf %s "GET$signed$timestamp" | openssl dgst -sha256 -hmac "$PSK" -r | cut -d' ' -f1)
  curl --silent --show-error --globoff --write-out '\t%{http_code}\n' "${request[@]}" \
    --header "Authorization: HMAC-SHA256 $signature" --header "X-API-Timestamp: $timestamp" |
    sed -E 's/^(.*)\t([0-9]+)$/\2\t\1/'
done
