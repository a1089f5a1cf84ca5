#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
python_env tests/validation/requirements.txt
tests/validation/run.sh
