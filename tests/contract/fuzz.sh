#!/usr/bin/env bash
# Fuzzes the API at BASE_URL by its own description, in all phases.
#
#   BASE_URL=... PSK=... tests/contract/fuzz.sh [EXAMPLES [ARGUMENT...]]
#
# EXAMPLES is how many requests are made up for each operation that has something to make up, and about how many
# scenarios of several requests; 2000 unless told, which takes some ten minutes. With arguments, which are
# schemathesis's own, it makes one run with them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" # it keeps what it has learned in the working directory
export PYTHONPATH=$here PYTHONDONTWRITEBYTECODE=1 SCHEMATHESIS_HOOKS=hooks PSK
examples=${1:-2000}

fuzz() {
  schemathesis --config-file "$here/schemathesis.toml" run "$here/../../docs/openapi.json" --url "$BASE_URL" \
    --checks all --continue-on-failure --max-examples "$examples" "$@"
}

if (($# > 1)); then
  fuzz "${@:2}"
else
  fuzz --phases examples,coverage,fuzzing
  # In company it takes tenants for a deletion from earlier answers, finds them gone when it repeats itself, and gives up
  # after a few requests without a word.
  fuzz --phases fuzzing --include-method DELETE
  # So do scenarios, which meet another state when they are repeated. With a time to fill it begins anew instead, and gets
  # through 15 of them in a second and more.
  fuzz --phases stateful --max-time $((examples / 15 + 1))
fi
