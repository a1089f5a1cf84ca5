#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
[[ -x tests/templates/run.sh ]] || skip 'tests/templates/run.sh is not there'
tests/templates/run.sh
