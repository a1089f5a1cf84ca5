#!/usr/bin/env bash
# Runs every test of the project, from a fresh clone, in an order that fails early.
#
#   tests/run.sh              every stage
#   tests/run.sh STAGE...     some of them
#   tests/run.sh --list       what the stages are
#
# A stage is tests/stages/NAME.sh. It passes with 0 and is skipped with 77; `skip` and `partly_skip` of lib.sh keep the
# reasons for the summary. The last line of the output counts the stages: "N passed, N failed, N skipped".
set -uo pipefail
export LC_ALL=C.UTF-8
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export TOP
cd "$TOP" || exit

# Name, limit in minutes, what it shows.
STAGES=(
  'scripts    5 every shell script passes shellcheck'
  'format     5 rustfmt, gofmt, ruff'
  'templates 10 the CloudFormation templates pass the linters and our own guards'
  'lint      20 clippy without a warning'
  'docs      10 the API documentation builds without a warning'
  'unit      20 the tests of every crate'
  'validation 15 the live checks of a configuration, against an emulator of STS, CloudWatch Logs and S3'
  'deny      15 licences, bans, sources and advisories of the dependencies'
  'release   20 the release build of the local server'
  'limits    20 size and packages of the functions; no memory or file that stays over 100,000 invocations'
  'acceptance 10 the contract and the signing scheme on the wire, under both URL forms'
  'contract  15 the OpenAPI document: validator, linter, generated client, fuzzing'
  'browser   10 the documentation page in a browser'
  'local     10 what only the local server promises (restart, kill -9, Ctrl-C); the examples and links of the README'
  'clients   10 the examples and the Go client of the first description'
  'image     20 the container images'
  'deploy    30 deployment on an AWS emulator, and the acceptance suite against it'
)

usage() {
  sed -n '2,9s/^# \{0,1\}//p' "$TOP/tests/run.sh"
  list
}

list() {
  local name limit shows
  for stage in "${STAGES[@]}"; do
    read -r name limit shows <<<"$stage"
    printf '%-11s %s (at most %s minutes)\n' "$name" "$shows" "$limit"
  done
}

find_stage() {
  for stage in "${STAGES[@]}"; do
    [[ ${stage%% *} != "$1" ]] || return 0
  done
  return 1
}

# Runs one stage under its time limit. The limit's own process group takes everything that the stage started with it.
run_stage() {
  local name=$1 limit=$2 began=$SECONDS status
  printf '\n=== %s\n' "$name"
  export REASONS=$work/reasons-$name
  : >"$REASONS"
  timeout --kill-after=15 "${limit}m" bash "tests/stages/$name.sh" </dev/null &
  running=$!
  wait "$running"
  status=$?
  running=''
  case $status in
    0) outcome=passed passed=$((passed + 1)) ;;
    77) outcome=skipped skipped=$((skipped + 1)) ;;
    124 | 137)
      outcome=failed failed=$((failed + 1))
      echo "the limit of $limit minutes has passed" >>"$REASONS"
      ;;
    *) outcome=failed failed=$((failed + 1)) ;;
  esac
  summary+=$(printf '%-11s %-8s %5d s' "$name" "$outcome" $((SECONDS - began)))$'\n'
  summary+=$(sed 's/^/            /' "$REASONS")$'\n'
}

clean_up() {
  [[ -z $running ]] || kill "$running" 2>/dev/null
  rm -rf "$work"
}

case ${1-} in
  -h | --help) usage && exit ;;
  --list) list && exit ;;
esac
for name in "$@"; do
  find_stage "$name" || { echo "no stage is called $name; see $0 --list" >&2 && exit 2; }
done

for tool in timeout sha256sum; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install GNU coreutils, and put them first in PATH" >&2 && exit 2; }
done

running='' summary='' passed=0 failed=0 skipped=0
work=$(mktemp -d)
trap clean_up EXIT
trap 'exit 130' INT TERM
for stage in "${STAGES[@]}"; do
  read -r name limit _ <<<"$stage"
  if (($# == 0)) || [[ " $* " == *" $name "* ]]; then
    run_stage "$name" "$limit"
  fi
done

printf '\n=== summary, %d s\n' "$SECONDS"
sed '/^ *$/d' <<<"$summary"
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
