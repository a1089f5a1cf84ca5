#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
# Built from source, once, and without optimization: it reads one lock file.
VERSION=0.20.2
if ! cargo deny --version >/dev/null 2>&1; then
  PATH=$CACHE/bin:$PATH
  cargo deny --version >/dev/null 2>&1 ||
    cargo install --quiet --locked --debug --root "$CACHE" --version "$VERSION" cargo-deny || skip 'cargo-deny cannot be installed'
fi

need python3 python3
python3 -B tests/sbom/test_sbom.py
cargo deny --locked check --hide-inclusion-graph --deny unmatched-skip --deny unnecessary-skip bans licenses sources
if timeout 60 cargo deny --locked fetch db >/dev/null 2>&1; then
  cargo deny --locked check --disable-fetch advisories
elif [[ -n ${FULL-} ]]; then
  echo 'failed: the database of advisories cannot be fetched, and a complete run includes it' | tee -a "$REASONS"
  exit 1
else
  partly_skip 'advisories: their database cannot be fetched from here'
fi
