#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need python3 python3
cargo build --profile lambda --locked --package authorizer --package api
PYTHONDONTWRITEBYTECODE=1 python3 tests/limits/test_limits.py
[[ $(uname -s) == Linux ]] || { partly_skip 'memory and open files over 100,000 invocations: they are read from /proc' && exit; }
cargo run --release --locked --quiet --package bench -- --only endurance --check
