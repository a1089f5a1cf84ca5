# Messages for the operator, and calls of the AWS CLI. An error message is one sentence that says how to fix the problem.
# Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154 # the variables are deploy.sh's

info() {
  printf '%s\n' "$*"
}

step() {
  printf '\n== %s\n' "$*"
}

warn() {
  printf 'deploy.sh: %s\n' "$*" >&2
}

fail() {
  warn "$*"
  exit 1
}

misuse() {
  warn "$* See ./deploy.sh --help."
  exit 2
}

# Runs the AWS CLI in the region with text output. After a failure, `aws_error` prints the error.
aws_call() {
  local status=0
  aws --region "$region" --output text "$@" 2>"$work/aws-error" || status=$?
  return "$status"
}

# Prints the service's message of the last failed call.
aws_error() {
  tr '\n' ' ' <"$work/aws-error" | sed -E 's/^ *(aws: \[ERROR\]: )?//; s/An error occurred \(([A-Za-z0-9]+)\) when calling the [A-Za-z]+ operation: /\1: /; s/ +$//'
}

# Whether the last failed call reported this error.
aws_error_matches() {
  grep -qiE -- "$1" "$work/aws-error"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1
}
