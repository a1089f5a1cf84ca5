#!/usr/bin/env bash
# Runs the tests of the project, from a fresh clone, in an order that fails early.
#
#   tests/run.sh                   every stage but those of `full`
#   tests/run.sh STAGE...          some of them
#   tests/run.sh full [STAGE...]   with what takes too long for every change
#   tests/run.sh --list            what the stages are
#
# A stage is tests/stages/NAME.sh. It passes with 0 and is skipped with 77; `skip` and `partly_skip` of lib.sh keep the
# reasons for the summary. One stage of each lane runs at a time. A stage's output is printed when the stage ends.
# The last line of the output counts the stages: "N passed, N failed, N skipped".
set -uo pipefail
export LC_ALL=C.UTF-8
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export TOP
cd "$TOP" || exit

# Name, limit in minutes, lane, the stages to wait for (or -), what it shows.
#
# The lanes `build` and `functions` run cargo, at a lower priority. They are two because much of a build keeps one processor
# busy: a large crate, or link-time optimization. Stages of the lanes `check` and `cloud` wait for a server or an emulator
# most of the time; `cloud` is for the longest of them. Stages come after the one that builds what they start, so that
# nothing is built twice: `limits` builds the functions as they are deployed, `unit` the local server. `unit` is first in its lane,
# since most stages wait for it. A stage that compiles waits while another one of the same directory does: `validation`, which
# compiles something of its own, would spend its limit on waiting for `lint`.
STAGES=(
  'scripts     5 check -      every shell script passes shellcheck; the word list finds what it is for'
  'format      5 check -      rustfmt, gofmt, ruff'
  'templates  10 check -      the CloudFormation templates pass the linters and our own guards'
  'unit       45 build -      the tests of every crate'
  'lint       25 build -      clippy without a warning'
  'docs       10 build -      the API documentation builds without a warning'
  'limits     45 functions -    size and packages of the functions'
  'deny       15 check -      licences, bans, sources and advisories of the dependencies; the bills of materials'
  'release    45 build -      the release build of the local server compiles and serves'
  'validation 20 check unit,lint the live checks of a configuration, against an emulator of STS, CloudWatch Logs and S3'
  'acceptance 15 check unit   the contract and the signing scheme on the wire, under both URL forms'
  'contract   15 check unit   the OpenAPI document: validator, linter, generated client, fuzzing'
  'browser    20 check unit   the documentation page in a browser'
  'generated  20 check unit   five clients that a generator makes of the OpenAPI document: Java, Python, Go, Rust, TypeScript'
  'local      20 check unit   what only the local server promises (restart, kill -9, Ctrl-C); the examples and links of the README'
  'clients    20 check unit   the examples, the Go client of the first description, walks by eleven HTTP clients over hand-written keys, and receivers of webhooks'
  'image      60 functions limits the container images'
  'deploy     75 cloud limits deployment on an AWS emulator, and the acceptance suite against it'
)
# What `full` adds.
FULL_STAGES=(
  'fuzzing    40 check unit   2,000 made-up requests for each operation of the OpenAPI document'
  'bench      60 build limits,deploy,fuzzing no memory or file that stays over 100,000 invocations; 10,000 requests under each fault; size of the functions when linked dynamically'
)

usage() {
  sed -n '2,11s/^# \{0,1\}//p' "$TOP/tests/run.sh"
  echo
  list
}

list() {
  local stage name limit shows
  for stage in "${STAGES[@]}"; do
    read -r name limit _ _ shows <<<"$stage"
    printf '%-11s %s (at most %s minutes)\n' "$name" "$shows" "$limit"
  done
  for stage in "${FULL_STAGES[@]}"; do
    read -r name limit _ _ shows <<<"$stage"
    printf '%-11s %s (at most %s minutes, in full only)\n' "$name" "$shows" "$limit"
  done
}

# find_stage NAME: sets stage.
find_stage() {
  for stage in "${STAGES[@]}" "${FULL_STAGES[@]}"; do
    [[ ${stage%% *} != "$1" ]] || return 0
  done
  return 1
}

# start_stage NAME LIMIT LANE: in a process group of its own, which its time limit ends with everything that it started.
start_stage() {
  local name=$1 limit=$2 lane=$3 priority=0 output
  [[ $lane == check || $lane == cloud ]] || priority=5
  export REASONS=$work/$name.reasons
  : >"$REASONS"
  if ((${#waiting[@]} + ${#running[@]} == 1 && finished == 0)); then
    printf '\n=== %s\n' "$name" # nothing else writes here meanwhile
    exec {output}>&1
  else
    echo "... $name has started"
    exec {output}>"$work/$name.log"
  fi
  # The `times` of the inner shell are those of everything that the stage waited for.
  # shellcheck disable=SC2016 # it is the inner shell that expands them
  timeout --kill-after=15 "${limit}m" nice -n "$priority" bash -c '
    bash "tests/stages/$1.sh"
    status=$?
    times >"$2"
    exit "$status"' stage "$name" "$work/$name.times" </dev/null >&"$output" 2>&1 &
  exec {output}>&-
  running[$lane]=$!
  name_of[$!]=$name
  began[$name]=$SECONDS
}

# finish_stage NAME STATUS: prints its output and counts it.
finish_stage() {
  local name=$1 status=$2 limit outcome
  read -r _ limit _ <<<"$stage"
  case $status in
    0) outcome=passed passed=$((passed + 1)) ;;
    77) outcome=skipped skipped=$((skipped + 1)) ;;
    124 | 137)
      outcome=failed failed=$((failed + 1))
      echo "the limit of $limit minutes has passed" >>"$work/$name.reasons"
      ;;
    *) outcome=failed failed=$((failed + 1)) ;;
  esac
  finished=$((finished + 1))
  if [[ -e $work/$name.log ]]; then
    printf '\n=== %s: %s\n' "$name" "$outcome"
    cat "$work/$name.log"
  fi
  results[$name]=$(
    printf '%-11s %-8s %5d s %8s\n' "$name" "$outcome" $((SECONDS - began[$name])) "$(processor_seconds "$name")"
    sed 's/^/            /' "$work/$name.reasons"
  )
}

# User and system time of the stage's processes; `times` gives them as 1m2.345s.
processor_seconds() {
  [[ -s $work/$1.times ]] || return 0
  awk -F'[ms ]+' 'NR == 2 { printf "%d s CPU", $1 * 60 + $2 + $3 * 60 + $4 }' "$work/$1.times"
}

# ready AFTER: whether none of these stages is waiting or running.
ready() {
  local other
  for other in ${1//[,-]/ }; do
    [[ -z ${waiting[$other]-} && " ${name_of[*]-} " != *" $other "* ]] || return 1
  done
}

# Starts the first stage that is ready in each lane that is free.
fill_lanes() {
  local stage name limit lane after
  for stage in "${selected[@]}"; do
    read -r name limit lane after _ <<<"$stage"
    if [[ -n ${waiting[$name]-} && -z ${running[$lane]-} ]] && ready "$after"; then
      start_stage "$name" "$limit" "$lane"
      unset "waiting[$name]"
    fi
  done
}

clean_up() {
  ((${#running[@]} == 0)) || kill "${running[@]}" 2>/dev/null
  rm -rf "$work"
}

case ${1-} in
  -h | --help) usage && exit ;;
  --list) list && exit ;;
esac

# What a stage leaves out unless it is to be complete; `only_in_full` of lib.sh reads it.
export FULL=''
if [[ ${1-} == full ]]; then
  FULL=1
  shift
fi
selected=()
if (($# == 0)); then
  selected=("${STAGES[@]}")
  [[ -z $FULL ]] || selected+=("${FULL_STAGES[@]}")
else
  for name in "$@"; do
    find_stage "$name" || { echo "There is no stage $name: see $0 --list." >&2 && exit 2; }
  done
  for stage in "${STAGES[@]}" "${FULL_STAGES[@]}"; do
    [[ " $* " != *" ${stage%% *} "* ]] || selected+=("$stage")
  done
fi

((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)) || { echo 'This bash is too old: install 5.1 or newer.' >&2 && exit 2; }
for tool in timeout sha256sum; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install GNU coreutils, and put them first in PATH." >&2 && exit 2; }
done

declare -A waiting=() running=() name_of=() began=() results=()
passed=0 failed=0 skipped=0 finished=0
work=$(mktemp -d)
# Where `unit` puts the local server that it has tested; `local_server` of lib.sh takes it from there.
export TESTED_SERVER=$work/local
trap clean_up EXIT
trap 'exit 130' INT TERM
for stage in "${selected[@]}"; do
  waiting[${stage%% *}]=1
done

while fill_lanes && ((${#running[@]} > 0)); do
  wait -n -p ended "${running[@]}"
  status=$?
  name=${name_of[$ended]}
  find_stage "$name"
  read -r _ _ lane _ <<<"$stage"
  unset "running[$lane]" "name_of[$ended]"
  finish_stage "$name" "$status"
done

printf '\n=== summary, %d s\n' "$SECONDS"
for stage in "${selected[@]}"; do
  echo "${results[${stage%% *}]}"
done
if [[ -z $FULL && $# == 0 ]]; then
  echo 'tests/run.sh full adds:'
  for stage in "${FULL_STAGES[@]}"; do
    read -r name _ _ _ shows <<<"$stage"
    printf '%-11s %s\n' "$name" "$shows"
  done
fi
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0))
