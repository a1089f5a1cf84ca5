#!/usr/bin/env bash
# The same script, for who stands in this folder.
exec "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/../deploy.sh" "$@"
