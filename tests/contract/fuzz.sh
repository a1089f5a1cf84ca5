#!/usr/bin/env bash
# Fuzzes the API at BASE_URL from its description, in all phases.
#
#   BASE_URL=... PSK=... tests/contract/fuzz.sh [EXAMPLES [ARGUMENT...]]
#
# EXAMPLES is the number of requests generated for each operation that has parameters or a body, and the approximate
# number of scenarios of several requests. The default is 2000, which takes about ten minutes. ARGUMENTs are passed to
# schemathesis, which then makes a single run.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" # schemathesis stores its database in the working directory
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
  # Together with other operations, schemathesis takes the tenants to delete from earlier responses, does not find them
  # when it repeats a request, and stops after a few requests without a message.
  fuzz --phases fuzzing --include-method DELETE
  # The same is true of scenarios: the state differs when they are repeated. With a time limit it starts over instead,
  # and completes at least 15 scenarios per second.
  fuzz --phases stateful --max-time $((examples / 15 + 1))
fi
