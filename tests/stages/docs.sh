#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
# `--examples`, of which there are none, makes cargo choose the features of the dependencies as `lint` does, with those that
# only tests want: so nothing that `lint` has checked is checked again.
RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --all-features --no-deps --lib --bins --examples
