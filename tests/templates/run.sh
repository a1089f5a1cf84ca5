#!/usr/bin/env bash
# Checks the CloudFormation templates: cfn-lint with the serverless rules, checkov, and the guards in guards.py.
TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
REASONS=${REASONS:-/dev/null}
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"

finish() {
  local status=$?
  case $status in
    0) echo 'templates: passed' ;;
    "$SKIPPED") echo 'templates: skipped' ;;
    *) echo 'templates: failed' ;;
  esac
  exit "$status"
}
trap finish EXIT

# checkov needs other versions of the same packages, so it has a separate environment.
(
  python_env tests/templates/requirements-checkov.txt
  checkov --directory cloudformation --framework cloudformation --compact --quiet --skip-download
)

python_env tests/templates/requirements.txt
cfn-lint --append-rules cfn_lint_serverless.rules -- cloudformation/*.yaml
echo 'cfn-lint: no findings'
PYTHONPATH=tests/templates python -m pytest -c tests/pytest.ini tests/templates
