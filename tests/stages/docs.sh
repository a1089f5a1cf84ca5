#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps
