#!/usr/bin/env bash
# Every shell script of the tree, whatever its name; the check of the wording; the checksums of files that others made.
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need python3 python3
python3 -B tests/words/test_check.py
python3 -B tests/words/check.py

# Nobody changed what is vendored, and nothing was added to it.
(
  cd crates/local/assets/docs/swagger-ui
  sha256sum --check --strict --quiet SHA256SUMS
  diff <(find . -type f ! -name README.md ! -name SHA256SUMS -printf '%P\n' | sort) <(awk '{ print $2 }' SHA256SUMS | sort)
)

need shellcheck shellcheck
mapfile -t scripts < <(
  git ls-files --cached --others --exclude-standard | while read -r file; do
    [[ -f $file ]] && { [[ $file == *.sh ]] || head -n1 "$file" | grep -aqE '^#!.*\b(ba)?sh\b'; } && echo "$file"
  done
)
printf '%s\n' "${scripts[@]}"
shellcheck --external-sources "${scripts[@]}"
