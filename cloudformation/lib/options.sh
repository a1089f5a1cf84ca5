# The command line. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

# The options that set a parameter of the root template.
declare -rA PARAMETER_OF=(
  [--central-role-arn]=CentralRoleArn
  [--external-id]=ExternalId
  [--api-auth-ssm-parameter]=PskParameterName
  [--authorizer-image-uri]=AuthorizerImageUri
  [--api-image-uri]=ApiImageUri
  [--arch]=Architecture
  [--allowed-origins]=AllowedOrigins
  [--allowed-cidrs]=AllowedCidrs
  [--web-acl-arn]=WebAclArn
  [--domain]=DomainName
  [--certificate-arn]=CertificateArn
  [--hosted-zone-id]=HostedZoneId
  [--permissions-boundary]=PermissionsBoundaryArn
  [--role-path]=RolePath
  [--kms-key-arn]=KmsKeyArn
  [--alarm-topic-arn]=AlarmTopicArn
)

# The options that fit a command other than a deployment, beside -e, -r, -p and --yes.
declare -rA FITS=(
  [set]=' --create-webhook-key --dry-run --tags --cloudformation-role --termination-protection --monitor '
  [rollback]=' --dry-run --cloudformation-role '
  [status]=' '
  [follow]=' '
  [delete]=' --cloudformation-role '
)

# Parameters that deploy.sh computes.
readonly COMPUTED=' TemplatesPrefix Release AuthorizerCodeKey ApiCodeKey ValidatorCodeKey RecorderCodeKey NotifierCodeKey PskSecretArn
  ErrorOrigin TableStreamArn PinnedAuthorizerVersion PinnedApiVersion PinnedValidatorVersion PinnedRecorderVersion PinnedNotifierVersion '

# Parameters of the root template that the command line sets, and name and value of each tag.
declare -A given=() tag=()
mode=deploy template_type='' bucket='' environment=development region='' project=multi-tenant-logging
package='' binaries='' create_psk=false create_webhook_key=false adopt_table=false dry_run=false yes=false
wanted_release='' cloudformation_role='' termination_protection='' monitor=''
# The options that were used, and `--parameter` and `--set` with their arguments in turn.
used=() pairs=()

# Prints the argument after an option, which must be there.
value_of() {
  if (($# < 2)) || [[ -z $2 || $2 == -* ]]; then misuse "$1 needs a value."; fi
  printf '%s' "$2"
}

read_options() {
  local pair
  while (($# > 0)); do
    case $1 in
      -e | --environment | -r | --region | -p | --project-name | --yes | -h | --help | --set | --rollback | --status | \
        --follow | --delete) ;;
      *) used+=("$1") ;;
    esac
    case $1 in
      -t | --template-type) template_type=$(value_of "$@"); shift ;;
      -b | --templates-bucket) bucket=$(value_of "$@"); shift ;;
      -e | --environment) environment=$(value_of "$@"); shift ;;
      -r | --region) region=$(value_of "$@"); shift ;;
      -p | --project-name) project=$(value_of "$@"); shift ;;
      --include-api) given[IncludeApi]=true ;;
      --adopt-table) adopt_table=true ;;
      --create-psk) create_psk=true ;;
      --create-webhook-key) create_webhook_key=true ;;
      --package) package=$(value_of "$@"); shift ;;
      --validator-image-uri) value_of "$@" >/dev/null; ignore_validator_image --validator-image-uri; shift ;;
      --binaries) binaries=$(value_of "$@"); shift ;;
      --parameter) pair=$(value_of "$@"); pairs+=("$1" "$pair"); shift ;;
      --tags) pair=$(value_of "$@"); set_tag "$pair"; shift ;;
      --cloudformation-role) cloudformation_role=$(value_of "$@"); shift ;;
      --termination-protection) termination_protection=$(value_of "$@"); shift ;;
      --monitor) monitor=$(value_of "$@"); shift ;;
      --dry-run) dry_run=true ;;
      --yes) yes=true ;;
      --set) set_mode set; pair=$(value_of "$@"); pairs+=("$1" "$pair"); shift ;;
      --rollback)
        set_mode rollback
        if (($# > 1)) && [[ $2 != -* ]]; then
          wanted_release=$2
          shift
        fi
        ;;
      --status | --follow | --delete) set_mode "${1#--}" ;;
      -h | --help) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p;}' "$HERE/deploy.sh" && exit 0 ;;
      *)
        [[ -n ${PARAMETER_OF[$1]-} ]] || misuse "Unknown option '$1'."
        given[${PARAMETER_OF[$1]}]=$(value_of "$@")
        shift
        ;;
    esac
    shift
  done
}

set_mode() {
  [[ $mode == deploy || $mode == "$1" ]] || misuse "--$mode and --$1 cannot be combined."
  mode=$1
}

set_tag() {
  [[ $1 == ?*=* ]] || misuse "--tags must be NAME=VALUE, not '$1'."
  [[ ${1%%=*} != aws:* ]] || misuse "The tag ${1%%=*} is reserved for AWS."
  tag[${1%%=*}]=${1#*=}
}

# Sets the parameters of --parameter and --set, when the names of the template's parameters are known.
apply_pairs() {
  local index option pair name
  for ((index = 0; index < ${#pairs[@]}; index += 2)); do
    option=${pairs[index]} pair=${pairs[index + 1]} name=${pairs[index + 1]%%=*}
    [[ $pair == *=* ]] || misuse "$option must be NAME=VALUE, not '$pair'."
    if [[ $name == ValidatorImageUri ]]; then
      ignore_validator_image 'The parameter ValidatorImageUri'
      continue
    fi
    [[ $name =~ ^[A-Za-z0-9]+$ && -n ${parameter[$name]+set} ]] ||
      misuse "cloudformation/regional.yaml has no parameter ${name:-''}."
    case $name in
      ProjectName) misuse "$option cannot set ProjectName: pass -p." ;;
      Environment) misuse "$option cannot set Environment: pass -e." ;;
      TemplatesBucket) misuse "$option cannot set TemplatesBucket: pass -b." ;;
    esac
    [[ $COMPUTED != *[[:space:]]"$name"[[:space:]]* ]] || misuse "$option cannot set $name: deploy.sh computes it."
    if [[ $mode == set ]]; then
      case $name in
        PackageType | Architecture | AuthorizerImageUri | ApiImageUri | IncludeApi | ManageTable)
          misuse "--set cannot change $name, which is not a setting: deploy instead." ;;
      esac
    fi
    given[$name]=${pair#*=}
  done
}

# Earlier releases deployed the validator from a separate image.
ignore_validator_image() {
  warn "$1 is ignored: the validator is deployed from the API image."
}

# Checks what needs no stack.
check_options() {
  local option
  for option in "${used[@]}"; do
    [[ $mode == deploy || ${FITS[$mode]} == *" $option "* ]] || misuse "--$mode and $option cannot be combined."
  done
  check_tools
  [[ -n $region ]] || region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}
  [[ $region =~ ^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$ ]] || misuse "'$region' is not a valid region: pass one with -r."
  [[ $project =~ ^[a-z][a-z0-9-]{0,29}$ ]] ||
    misuse "The project name '$project' must be 1 to 30 lower-case letters, digits and hyphens, starting with a letter."
  [[ $environment =~ ^[a-z][a-z0-9]{0,14}$ ]] ||
    misuse "The environment '$environment' must be 1 to 15 lower-case letters and digits, starting with a letter."
  [[ -z $cloudformation_role || $cloudformation_role =~ ^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$ ]] ||
    misuse "--cloudformation-role must be the ARN of a role, not '$cloudformation_role'."
  case $termination_protection in
    '' | on | off) ;;
    *) misuse "--termination-protection must be on or off, not '$termination_protection'." ;;
  esac
  [[ -z $monitor || $monitor =~ ^[0-9]{1,3}$ && $((10#$monitor)) -ge 1 && $((10#$monitor)) -le 180 ]] ||
    misuse "--monitor must be a number of minutes from 1 to 180, not '$monitor'."
  [[ $mode == deploy ]] || return 0
  [[ -n $template_type ]] || misuse "The template type is missing: pass -t regional."
  [[ $template_type == regional ]] || misuse "The template type '$template_type' is not supported, only regional is."
  [[ -n $bucket ]] || misuse "The S3 bucket for the templates is missing: pass one with -b."
  case $package in
    image) given[PackageType]=Image ;;
    zip) given[PackageType]=Zip ;;
    '') ;;
    *) misuse "--package must be image or zip, not '$package'." ;;
  esac
  [[ -z $binaries || -d $binaries ]] || misuse "--binaries must be a directory, and $binaries is not one."
}

# The oldest versions of the AWS CLI that import existing resources into a new stack.
check_tools() {
  local version
  command -v aws >/dev/null || fail "The AWS CLI is not installed: install version 2."
  version=$(aws --version 2>&1) || fail "The AWS CLI does not start. ($version)"
  [[ $version =~ ^aws-cli/([0-9]+)\.([0-9]+) ]] || return 0
  ((BASH_REMATCH[1] > 2 || BASH_REMATCH[1] == 2 && BASH_REMATCH[2] >= 15 || BASH_REMATCH[1] == 1 && BASH_REMATCH[2] >= 32)) ||
    fail "The AWS CLI is version ${BASH_REMATCH[1]}.${BASH_REMATCH[2]}: update it to 2.15 or newer."
}
