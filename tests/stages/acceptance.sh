#!/usr/bin/env bash
# Run twice, with the stage in the URL and without, as execute-api hosts and custom domains are called.
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
python_env tests/requirements.txt
start_server
for stage in /development ''; do
  echo "--- $ORIGIN$stage"
  BASE_URL=$ORIGIN$stage python -m pytest -c tests/pytest.ini tests/acceptance
done
