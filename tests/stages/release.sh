#!/usr/bin/env bash
# The first command of the README: it compiles, starts, and serves a request.
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need curl curl
began=$SECONDS
warnings=$(mktemp)
cargo build --release --locked 2>&1 | tee "$warnings"
# Clippy sees the parts with every feature; this is the build without them.
! grep -B1 -A9 '^warning' "$warnings" || { echo 'a plain build must not warn' >&2 && exit 1; }
rm "$warnings"
start_command cargo run --release --locked --quiet --
curl -fsS "$ORIGIN/health" | grep -F '"status":"healthy"'
echo "cargo run --release: the first response after $((SECONDS - began)) s"
