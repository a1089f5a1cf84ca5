#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
cargo fmt --all --check

if have gofmt golang-go; then
  # tests/clients holds somebody else's file, kept as it is.
  unformatted=$(gofmt -l examples tests/clients/go-walk tests/clients/seed-go/main_test.go)
  [[ -z $unformatted ]] || { echo "gofmt would change $unformatted" && exit 1; }
else
  partly_skip 'gofmt is not installed'
fi

python_env tests/requirements.txt
python=(tests/acceptance tests/browser tests/clients tests/contract tests/limits tests/local_server tests/words examples)
ruff format --quiet --no-cache --check --diff --config tests/ruff.toml "${python[@]}"
ruff check --quiet --no-cache --config tests/ruff.toml "${python[@]}"
