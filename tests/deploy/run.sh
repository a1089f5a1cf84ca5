#!/usr/bin/env bash
# Deploys to an AWS emulator with ./deploy.sh, as an operator would, and puts what came of it to the test.
TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
REASONS=${REASONS:-/dev/null}
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"

finish() {
  local status=$?
  [[ -z ${work-} ]] || rm -rf "$work"
  case $status in
    0) echo 'deploy: passed' ;;
    "$SKIPPED") echo 'deploy: skipped' ;;
    *) echo 'deploy: failed' ;;
  esac
  exit "$status"
}
trap finish EXIT
trap 'exit 143' INT TERM

need python3 python3
need zip zip
need readelf binutils
[[ $(uname -s) == Linux ]] || skip 'the emulator runs the functions as they are, which takes Linux'
python_env tests/deploy/requirements.txt
work=$(mktemp -d)
partly_skip 'functions from container images: the emulator starts those with Docker only; their stack is made, not called'
partly_skip 'CloudWatch and API Gateway making metrics, and the platform its reports: the emulator does neither; the test reads the log lines as CloudWatch documents it, and writes the reports as Lambda documents them'

# Nothing of this machine's own AWS settings may reach the test, nor the test this machine's.
export AWS_CONFIG_FILE=$work/none AWS_SHARED_CREDENTIALS_FILE=$work/none
unset AWS_PROFILE AWS_REGION AWS_SESSION_TOKEN AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE
PYTHONPATH=tests/deploy python -m pytest -c tests/pytest.ini --exitfirst --durations=8 "${@:-tests/deploy}"
