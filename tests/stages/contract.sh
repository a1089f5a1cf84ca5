#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
SPECTRAL=6.16.3
# Requests made up for each operation. The stage `fuzzing`, a part of `full`, makes up 2,000.
EXAMPLES=40

if have npm npm; then
  linter=$CACHE/spectral-$SPECTRAL
  [[ -e $linter/ready ]] ||
    { npm_install "$linter" "@stoplight/spectral-cli@$SPECTRAL" && touch "$linter/ready"; } ||
    partly_skip 'the linter cannot be installed'
  [[ ! -e $linter/ready ]] ||
    "$linter/node_modules/.bin/spectral" lint --ruleset tests/contract/.spectral.yaml --fail-severity warn docs/openapi.json
else
  partly_skip 'the linter: npm is not installed'
fi

python_env tests/contract/requirements.txt
start_server
for stage in /development ''; do
  echo "--- $ORIGIN$stage"
  BASE_URL=$ORIGIN$stage python -m pytest -c tests/pytest.ini -o pythonpath=contract tests/contract
done
BASE_URL=$ORIGIN tests/contract/fuzz.sh "$EXAMPLES"
