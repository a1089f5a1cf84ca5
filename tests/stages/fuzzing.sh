#!/usr/bin/env bash
# The stage `contract` does the same with fewer requests. The debug build checks arithmetic for overflow as well.
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
python_env tests/contract/requirements.txt
start_server
BASE_URL=$ORIGIN tests/contract/fuzz.sh
