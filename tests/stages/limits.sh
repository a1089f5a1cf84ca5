#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need python3 python3
[[ $(uname -s) == Linux ]] || skip 'the functions are linked for Linux'
FUNCTION_BINARIES=$(function_binaries)
export FUNCTION_BINARIES
PYTHONDONTWRITEBYTECODE=1 python3 tests/limits/test_limits.py
