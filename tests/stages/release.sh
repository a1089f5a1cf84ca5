#!/usr/bin/env bash
# The first command of the README: it compiles, starts, and serves a request.
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need curl curl
began=$SECONDS
cargo build --release --locked
start_command cargo run --release --locked --quiet --
curl -fsS "$ORIGIN/health" | grep -F '"status":"healthy"'
echo "cargo run --release: the first response after $((SECONDS - began)) s"
