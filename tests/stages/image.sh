#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
[[ -x tests/image/run.sh ]] || skip 'tests/image/run.sh is not there'
tests/image/run.sh
