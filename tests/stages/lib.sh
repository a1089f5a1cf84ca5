# What the stages share. Sourced by each of them; TOP and REASONS come from run.sh.
# shellcheck shell=bash
set -euo pipefail
cd "$TOP"

# Tools and Python environments outlive a clone.
CACHE=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/tenant-management-api-tests
SKIPPED=77

# Ends the stage as skipped, for this reason.
skip() {
  echo "skipped: $1" | tee -a "$REASONS"
  exit "$SKIPPED"
}

# Something within the stage cannot run here; the rest goes on.
partly_skip() {
  echo "not run: $1" | tee -a "$REASONS"
}

# have COMMAND [DEBIAN_PACKAGE]: whether the command is there, installed first if we are allowed to.
have() {
  local command=$1 package=${2-}
  if ! command -v "$command" >/dev/null && [[ -n $package && $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    echo "installing $package"
    apt_install "$package" || return
  fi
  command -v "$command" >/dev/null
}

apt_install() {
  local quiet=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
  "${quiet[@]}" install -y --no-install-recommends "$1" >/dev/null 2>&1 ||
    { "${quiet[@]}" update && "${quiet[@]}" install -y --no-install-recommends "$1" >/dev/null; }
}

# need COMMAND [DEBIAN_PACKAGE]: as have, but without it the stage is skipped.
need() {
  have "$@" || skip "$1 is not installed"
}

# python_env REQUIREMENTS: puts a virtual environment with these packages first in PATH; made once for each content.
python_env() {
  need python3 python3
  local environment
  environment=$CACHE/python-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')-$(sha256sum "$1" | cut -c1-12)
  if [[ ! -e $environment/ready ]]; then
    rm -rf "$environment"
    python3 -m venv "$environment" 2>/dev/null || { have virtualenv python3-venv && python3 -m venv "$environment"; } ||
      skip 'python3 cannot make a virtual environment'
    "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$1" || skip "pip cannot install $1"
    touch "$environment/ready"
  fi
  PATH=$environment/bin:$PATH
  export PYTHONDONTWRITEBYTECODE=1
}

# npm_install DIRECTORY PACKAGE...: exactly these versions; no script of a package runs.
npm_install() {
  local directory=$1
  shift
  npm install --silent --no-fund --no-audit --no-update-notifier --ignore-scripts --save-exact --prefix "$directory" "$@"
}

SERVER=''
trap stop_server EXIT

# The local server as `unit` of this run built it, or built now unless it is up to date. Cargo is not asked after `unit`: it would
# wait for the stage that compiles meanwhile. The features of a dependency are those that the
# whole workspace and its tests want together: any other selection of packages would compile most dependencies again.
local_server() {
  [[ ! -x ${TESTED_SERVER-} ]] || { echo "$TESTED_SERVER" && return; }
  cargo test --locked --quiet --workspace --test local --no-run >&2 || return
  echo "${CARGO_TARGET_DIR:-$TOP/target}/debug/local"
}

# Builds the functions as they are deployed, unless they are up to date, and prints the directory they are in. The command,
# the target and the flags are those of cloudformation/lib/package.sh, so that deploy.sh finds nothing left to build.
function_binaries() {
  local target variable
  target=$(uname -m)-unknown-linux-gnu
  variable=$(tr 'a-z-' 'A-Z_' <<<"$target")
  env "CARGO_TARGET_${variable}_RUSTFLAGS=-C target-feature=+crt-static" \
    cargo build --profile lambda --locked --target "$target" --package authorizer --package api --package validator \
    --package recorder --package notifier >&2 || return
  echo "${CARGO_TARGET_DIR:-$TOP/target}/$target/lambda"
}

# only_in_full WHAT: whether this run is a full one; if not, the summary says that WHAT was left out.
only_in_full() {
  [[ -z ${FULL-} ]] || return 0
  echo "only in tests/run.sh full: $1" | tee -a "$REASONS"
  return 1
}

# Starts the local server as `unit` built it. The rest is start_command's.
start_server() {
  local binary
  binary=$(local_server)
  start_command "$binary"
}

# start_command COMMAND...: starts a local server on a free port, with a fresh key and an empty table, in place of one that
# is already running. Sets ORIGIN (its URL without the stage) and PSK, and ends it when the stage ends.
start_command() {
  local log
  stop_server
  log=$(mktemp)
  PSK=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')
  export PSK
  "$@" --in-memory --port 0 >"$log" 2>&1 &
  SERVER=$!
  ORIGIN=''
  for _ in {1..200}; do
    ORIGIN=$(grep -oxE -m1 '[[:space:]]*http://\S+' "$log" | tr -d '[:space:]' | grep -oE '^http://[^/]+') && break
    kill -0 "$SERVER" 2>/dev/null || break
    sleep 0.1
  done
  [[ -n $ORIGIN ]] || { cat "$log" && return 1; }
  rm "$log"
}

stop_server() {
  [[ -z $SERVER ]] || { kill "$SERVER" && wait "$SERVER"; } 2>/dev/null || true
  SERVER=''
}
