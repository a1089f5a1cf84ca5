#!/usr/bin/env bash
# Runs the preflight checks against moto, which it starts on a free port and ends. tests/run.sh validation puts it into PATH.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
command -v moto_server >/dev/null || { echo 'moto_server is not in PATH; run tests/run.sh validation' >&2 && exit 2; }

server=''
log=$(mktemp)
clean_up() {
  [[ -z $server ]] || { kill "$server" && wait "$server"; } 2>/dev/null || true
  rm -f "$log"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# The local server can use AWS only in a build with its feature.
cargo test --locked --workspace --lib --test local --features local/aws -- cli::tests aws_without

# Built first, so that the emulator is up for seconds only; as part of the workspace, so that what `unit` built serves.
cargo test --locked --workspace --test preflight --no-run
moto_server --host 127.0.0.1 --port 0 >"$log" 2>&1 &
server=$!
for _ in {1..200}; do
  AWS_EMULATOR_URL=$(grep -oE -m1 'http://127\.0\.0\.1:[0-9]+' "$log") && break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.1
done
[[ -n $AWS_EMULATOR_URL ]] || { cat "$log" >&2 && exit 1; }
export AWS_EMULATOR_URL
cargo test --locked --workspace --test preflight -- --ignored
