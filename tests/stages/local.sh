#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
python_env tests/requirements.txt
LOCAL_SERVER=$(local_server)
export LOCAL_SERVER
python -m pytest -c tests/pytest.ini tests/local_server
