#!/usr/bin/env bash
# Runs deploy.sh of the parent directory, for callers in this directory.
exec "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../deploy.sh" "$@"
