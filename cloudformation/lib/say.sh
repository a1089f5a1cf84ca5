# What deploy.sh tells whoever runs it: each mistake is one sentence that says what to do.
# shellcheck shell=bash disable=SC2154 # the variables are deploy.sh's

say() {
  printf '%s\n' "$*"
}

step() {
  printf '\n== %s\n' "$*"
}

fail() {
  printf 'deploy.sh: %s\n' "$*" >&2
  exit 1
}

misuse() {
  printf 'deploy.sh: %s See ./deploy.sh --help.\n' "$*" >&2
  exit 2
}

# Runs the AWS CLI in the region, answers as text; what went wrong is in `aws_error` afterwards.
aws_call() {
  local status=0
  aws --region "$region" --output text "$@" 2>"$work/aws-error" || status=$?
  return "$status"
}

# The service's own sentence of the last call that failed.
aws_error() {
  tr '\n' ' ' <"$work/aws-error" | sed -E 's/^ *(aws: \[ERROR\]: )?//; s/An error occurred \(([A-Za-z0-9]+)\) when calling the [A-Za-z]+ operation: /\1: /; s/ +$//'
}

# Whether the last call failed because the thing is not there, and not for another reason.
aws_error_says() {
  grep -qiE -- "$1" "$work/aws-error"
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1
}
