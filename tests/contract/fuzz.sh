#!/usr/bin/env bash
# Fuzzes the API at BASE_URL by its own description, in all phases.
#
#   BASE_URL=... PSK=... tests/contract/fuzz.sh [EXAMPLES [ARGUMENT...]]
#
# EXAMPLES is how many requests are made up for each operation, 2000 unless told. Arguments are schemathesis's own.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" # it keeps what it has learned in the working directory
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=hooks PSK
schemathesis --config-file "$here/schemathesis.toml" run "$here/../../docs/openapi.json" --url "$BASE_URL" \
  --checks all --continue-on-failure --max-examples "${1:-2000}" "${@:2}"
