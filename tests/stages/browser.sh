#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
AXE_CORE=4.14.1
need chromium chromium
need chromedriver chromium-driver
python_env tests/browser/requirements.txt
CHROMIUM=$(command -v chromium)
CHROMEDRIVER=$(command -v chromedriver)
export CHROMIUM CHROMEDRIVER

if have npm npm; then
  checker=$CACHE/axe-core-$AXE_CORE
  [[ -e $checker/ready ]] || { npm_install "$checker" "axe-core@$AXE_CORE" && touch "$checker/ready"; }
  export AXE=$checker/node_modules/axe-core/axe.min.js
  [[ -e $AXE ]] || { unset AXE && partly_skip 'the accessibility rules: axe-core cannot be installed'; }
else
  partly_skip 'the accessibility rules: npm is not installed'
fi

# The vendored library is what its authors published; npm compares it with the registry's checksum.
vendored=crates/local/assets/docs/swagger-ui
version=$(sed -nE '1s/^Swagger UI ([0-9.]+),.*/\1/p' "$vendored/README.md")
library=$CACHE/swagger-ui-dist-$version
if have npm npm && { [[ -e $library/ready ]] || { npm_install "$library" "swagger-ui-dist@$version" && touch "$library/ready"; }; }; then
  for file in LICENSE NOTICE swagger-ui-bundle.js swagger-ui-bundle.js.LICENSE.txt; do
    cmp "$vendored/$file" "$library/node_modules/swagger-ui-dist/$file"
  done
  diff "$vendored/swagger-ui.css" "$library/node_modules/swagger-ui-dist/swagger-ui.css" >"$library/difference" || true
  # One line more, and nothing else.
  [[ $(grep -c '^[<>]' "$library/difference") == 1 ]]
  grep -q '^> /\*# sourceMappingURL=swagger-ui.css.map\*/$' "$library/difference"
else
  partly_skip 'the origin of Swagger UI: npm is not installed, or the package cannot be fetched'
fi

start_server
export ORIGIN
for stage in /development ''; do
  echo "--- $ORIGIN$stage"
  BASE_URL=$ORIGIN$stage python -m pytest -c tests/pytest.ini -o pythonpath=browser tests/browser/test_page.py
done
BASE_URL=$ORIGIN python -m pytest -c tests/pytest.ini -o pythonpath=browser tests/browser/test_accessibility.py
