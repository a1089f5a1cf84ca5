#!/usr/bin/env bash
# Deploys to an AWS emulator with ./deploy.sh, as an operator would, and tests the result.
#
# Without arguments, it runs the tests in five groups at the same time. With arguments, it runs these tests.
#
# FUNCTION_BINARIES is the directory of the built functions, TARGET_DIRECTORY/TRIPLE/lambda. When it is not set, the
# functions are built first, in the same way as for the other stages.
TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
REASONS=${REASONS:-/dev/null}
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"

finish() {
  local status=$?
  # shellcheck disable=SC2046 # one process id per word
  kill $(jobs -p) 2>/dev/null && wait
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

run_tests() {
  PYTHONPATH=tests/deploy ${BACKGROUND:+nice -n 3} python -m pytest -c tests/pytest.ini --exitfirst --durations=8 "$@"
}

# Each group has its own emulator: the deployment that test_2 to test_4 share, the test that waits for stale keys, the
# releases of a stack, the history with the webhooks, and the other tests. The first sends 100 requests at once, which must not time out, so
# the others have a lower priority.
run_all() {
  local pid status=0 background=()
  BACKGROUND=1 run_tests tests/deploy/test_1_*.py tests/deploy/test_5_other_stacks.py tests/deploy/test_7_*.py >"$work/others.log" 2>&1 &
  background+=($!)
  BACKGROUND=1 run_tests tests/deploy/test_6_stale_keys.py >"$work/stale-keys.log" 2>&1 &
  background+=($!)
  BACKGROUND=1 run_tests tests/deploy/test_8_*.py >"$work/releases.log" 2>&1 &
  background+=($!)
  BACKGROUND=1 run_tests tests/deploy/test_9_*.py >"$work/history.log" 2>&1 &
  background+=($!)
  run_tests tests/deploy/test_[234]_*.py || status=$?
  for pid in "${background[@]}"; do
    wait "$pid" || status=$?
  done
  cat "$work"/*.log
  return "$status"
}

need python3 python3
need zip zip
need readelf binutils
need jq jq
[[ $(uname -s) == Linux ]] || skip 'the emulator runs the functions as processes of this machine, which requires Linux'
python_env tests/deploy/requirements.txt
FUNCTION_BINARIES=${FUNCTION_BINARIES:-$(function_binaries)}
export FUNCTION_BINARIES
work=$(mktemp -d)
partly_skip 'functions from container images: the emulator starts those only with Docker, so their stack is deployed but not called'
partly_skip 'metrics that CloudWatch and API Gateway make, and the reports of the platform: the emulator has neither. The test reads the log lines as CloudWatch documents it, and writes the reports as Lambda documents them'
[[ -d $FUNCTION_BINARIES/.fingerprint ]] ||
  partly_skip "deploy.sh building the functions: $FUNCTION_BINARIES is not a directory of cargo"

# The AWS settings of this machine must not reach the tests, nor the other way round.
export AWS_CONFIG_FILE=$work/none AWS_SHARED_CREDENTIALS_FILE=$work/none
unset AWS_PROFILE AWS_REGION AWS_SESSION_TOKEN AWS_ROLE_ARN AWS_WEB_IDENTITY_TOKEN_FILE
if (($# > 0)); then
  run_tests "$@"
else
  run_all
fi
