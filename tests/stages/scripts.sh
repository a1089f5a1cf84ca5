#!/usr/bin/env bash
# Every shell script of the tree, whatever its name; and the check of the wording.
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need python3 python3
python3 -B tests/words/test_check.py
python3 -B tests/words/check.py

need shellcheck shellcheck
mapfile -t scripts < <(
  git ls-files --cached --others --exclude-standard | while read -r file; do
    [[ -f $file ]] && { [[ $file == *.sh ]] || head -n1 "$file" | grep -aqE '^#!.*\b(ba)?sh\b'; } && echo "$file"
  done
)
printf '%s\n' "${scripts[@]}"
shellcheck --external-sources "${scripts[@]}"
