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

# Asks for the name of the stack before something that clients or operators would miss.
confirm() {
  local name
  ! $yes || return 0
  [[ -t 0 ]] || fail "$1 Without a terminal to ask, this needs --yes."
  printf '%s Type the name of the stack, %s, to confirm: ' "$1" "$stack"
  read -r name
  [[ $name == "$stack" ]] || fail 'Nothing was changed.'
}

# What Ctrl-C leaves: `operation` is empty, `planned` with a change set that is not executed, `running`, or `changed` while
# the release is checked.
operation=''
interrupted() {
  trap - INT TERM
  printf '\n' >&2
  case $operation in
    running) warn "CloudFormation continues without this command: follow it with ./deploy.sh --follow$(common_options)" ;;
    changed) warn "The stack was changed, and the checks of the release are not done: finish them with ./deploy.sh --follow$(common_options)" ;;
    planned)
      drop_change_set
      warn 'Interrupted: no stack was changed.'
      ;;
    *) warn 'Interrupted: no stack was changed.' ;;
  esac
  exit 130
}

# The options that select this stack, for a command that is printed.
common_options() {
  printf ' -e %s -p %s -r %s' "$environment" "$project" "$region"
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

# Whether the caller is not allowed to make the last failed call.
is_denied() {
  aws_error_matches 'AccessDenied|not authorized|UnauthorizedOperation'
}

sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d' ' -f1
}

# Prints a text as a string of JSON.
json_string() {
  local text=${1//\\/\\\\}
  printf '"%s"' "${text//\"/\\\"}"
}
