#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
# With every feature, so once. `release` fails on what a build without the optional ones warns of.
cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
