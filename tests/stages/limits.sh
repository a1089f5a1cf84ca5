#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need python3 python3
[[ $(uname -s) == Linux ]] || skip 'the functions are linked for Linux'
PROGRAMS=$(function_binaries)
export PROGRAMS
PYTHONDONTWRITEBYTECODE=1 python3 tests/limits/test_limits.py
