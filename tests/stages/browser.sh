#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need chromium chromium
need chromedriver chromium-driver
python_env tests/browser/requirements.txt
CHROMIUM=$(command -v chromium)
CHROMEDRIVER=$(command -v chromedriver)
export CHROMIUM CHROMEDRIVER
start_server
export ORIGIN
for stage in /development ''; do
  echo "--- $ORIGIN$stage"
  BASE_URL=$ORIGIN$stage python -m pytest -c tests/pytest.ini tests/browser
done
