#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need curl curl
need openssl openssl
python_env tests/requirements.txt
LOCAL_SERVER=$(local_server)
export LOCAL_SERVER
python -m pytest -c tests/pytest.ini tests/local_server
