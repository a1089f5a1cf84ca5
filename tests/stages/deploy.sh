#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
[[ -x tests/deploy/run.sh ]] || skip 'tests/deploy/run.sh is not there'
tests/deploy/run.sh
