#!/usr/bin/env bash
# The benchmark's bars that do not compare times with one another: those hold on a busy machine, too.
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need python3 python3
[[ $(uname -s) == Linux ]] || skip 'memory and open files are read from /proc'
cargo run --profile benchmark --locked --quiet --package bench -- --only endurance,faults --check
export FUNCTION_BINARIES=${CARGO_TARGET_DIR:-$TOP/target}/lambda LINKED=dynamically
python3 -B tests/limits/test_limits.py
