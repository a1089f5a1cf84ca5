# The signing key: its parameter or secret, and a signature with it. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

readonly SECRETS=/aws/reference/secretsmanager/
readonly MIN_KEY_BYTES=16 # the authorizer rejects a shorter key

# The key, if the caller may read it. It is never printed, nor an argument of a process, which every user can read.
key=''
key_is_missing=false

# The signing key must exist before the authorizer reads it.
check_key() {
  local name=${parameter[PskParameterName]} type
  parameter[PskSecretArn]=''
  if [[ $name == "$SECRETS"* ]]; then
    ! $create_psk || misuse "--create-psk creates a parameter, and $name is a reference to a secret."
    parameter[PskSecretArn]=$(aws_call secretsmanager describe-secret --secret-id "${name#"$SECRETS"}" --query ARN) ||
      fail "The secret ${name#"$SECRETS"} was not found: create it in Secrets Manager first. ($(aws_error))"
  else
    type=$(aws_call ssm get-parameters --names "$name" --query 'Parameters[0].Type') ||
      fail "The parameter $name cannot be read. ($(aws_error))"
    case $type in
      SecureString) ;;
      None | '')
        $create_psk || fail "SSM has no parameter $name: create it as a SecureString, or pass --create-psk."
        key_is_missing=true
        ;;
      *) fail "The parameter $name is a $type, which is stored unencrypted: delete it and create it as a SecureString." ;;
    esac
  fi
  $key_is_missing || check_key_value "$name"
  warn_of_shared_key "$name"
}

check_key_value() {
  read_key "$1" || return 0
  [[ -n $key ]] || fail "The key $1 is empty: write a new version of it."
  ((${#key} >= MIN_KEY_BYTES)) ||
    fail "The key $1 is shorter than $MIN_KEY_BYTES bytes, which the authorizer rejects: write a longer one, such as that of openssl rand -base64 32."
  [[ $key != [[:space:]]* && $key != *[[:space:]] && $key != $'\xef\xbb\xbf'* ]] ||
    warn "The key $1 starts or ends with a blank or a byte order mark, which is part of the key: write it again without, unless every client has it so."
}

read_key() {
  key=$(aws_call ssm get-parameter --name "$1" --with-decryption --query Parameter.Value) || return 1
}

# A request that is signed for one environment is valid for the other one as well.
warn_of_shared_key() {
  local others
  others=$(aws_call cloudformation describe-stacks --query "Stacks[?StackName!='$stack' && !(ParentId) &&
    Outputs[?OutputKey=='PskParameterName' && OutputValue=='$1']].StackName") || return 0
  [[ -n $others && $others != None ]] || return 0
  warn "The key $1 is also the key of ${others//$'\t'/, }: requests that are signed for one are valid for the other, so give each environment its own with --api-auth-ssm-parameter."
}

create_missing_key() {
  ! $key_is_missing || create_parameter "${parameter[PskParameterName]}" 'PSK for tenant management API authentication'
}

# Creates a SecureString with a random key. Takes its name and its description.
create_parameter() {
  local name=$1
  if $dry_run; then
    info "The parameter $name would be created."
    return
  fi
  # In a file, because every user can read the arguments of a process. An existing key is never overwritten.
  printf '{"Name":"%s","Type":"SecureString","Description":"%s","Value":"%s"}' \
    "$name" "$2" "$(head -c 32 /dev/urandom | base64 | tr -d '\n')" >"$work/key.json"
  aws_call ssm put-parameter --no-overwrite --cli-input-json "file://$work/key.json" >/dev/null ||
    fail "The parameter $name cannot be created. ($(aws_error))"
  rm "$work/key.json"
  info "Created the parameter $name with 256 random bits."
}

# Prints the HMAC-SHA256 of a message with the key in hexadecimal digits (RFC 2104). openssl takes a key only as an argument.
sign() {
  local message=$1 hex byte inner index inner_pad='' outer_pad=''
  hex=$(printf '%s' "$key" | hex_of)
  ((${#hex} <= 128)) || hex=$(printf '%s' "$key" | sha256)
  for ((index = 0; index < 128; index += 2)); do
    byte=${hex:index:2}
    printf -v byte '\\x%02x\\x%02x' $((16#${byte:-00} ^ 0x36)) $((16#${byte:-00} ^ 0x5c))
    inner_pad+=${byte:0:4} outer_pad+=${byte:4}
  done
  inner=$({ printf '%b' "$inner_pad" && printf '%s' "$message"; } | sha256 | sed 's/../\\x&/g')
  { printf '%b' "$outer_pad" && printf '%b' "$inner"; } | sha256
}

hex_of() {
  od -An -v -tx1 | tr -d ' \n'
}
