#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
cargo clippy --locked --workspace --all-targets -- -D warnings
# The local server with its optional feature; everything else is unchanged and not checked again.
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
