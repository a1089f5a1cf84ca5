#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
if cargo nextest --version >/dev/null 2>&1; then
  cargo nextest run --locked --workspace --no-fail-fast
  cargo test --locked --workspace --doc # nextest runs none
else
  cargo test --locked --workspace --no-fail-fast
fi
server=$(local_server)
[[ -z ${TESTED_SERVER-} ]] || install "$server" "$TESTED_SERVER"
