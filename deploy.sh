#!/usr/bin/env bash
# Deploys the tenant management API of one region with CloudFormation. It may be run again at any time: what stands is
# brought to what is asked for, and what was asked for before stays as it was. docs/deployment.md has the whole story.
#
#   ./deploy.sh -t regional -b BUCKET --include-api [OPTION...]
#   ./deploy.sh --delete [-e ENVIRONMENT] [-p PROJECT] [-r REGION]
#
#   -t, --template-type TYPE         which deployment; there is one: regional
#   -b, --templates-bucket BUCKET    an S3 bucket of the region, for templates and code
#   -e, --environment NAME           default development; also the stage of the API
#   -r, --region REGION              default: that of the AWS CLI
#   -p, --project-name NAME          default multi-tenant-logging; the stack is PROJECT-ENVIRONMENT
#       --central-role-arn ARN       the role that deliveries are validated with, by a function of its own
#       --external-id ID             what customers' roles are shown with it; default the id of this account
#       --include-api                the API as well, not the table alone
#       --api-auth-ssm-parameter NAME    the SecureString that requests are signed with; default /logging/api/psk
#       --create-psk                 make that parameter, with 256 random bits, if there is none
#       --package image|zip          how the functions are packed; default image
#       --authorizer-image-uri URI   the authorizer's image in ECR
#       --api-image-uri URI          the API function's image in ECR
#       --validator-image-uri URI    the validator's image in ECR; without it, images validate no further than the table
#       --binaries DIRECTORY         for zip: take the programs authorizer and api, and with a central role validator,
#                                    from here instead of building them
#       --arch arm64|x86_64          default arm64
#       --allowed-origins LIST       the origins whose pages may call the API, separated by commas
#       --domain NAME                a host name of your own, with one or both of the next two
#       --certificate-arn ARN        a certificate of the region for that name
#       --hosted-zone-id ID          the Route 53 zone of that name; without a certificate, one is issued
#       --parameter NAME=VALUE       any other parameter of cloudformation/regional.yaml; may be repeated
#       --dry-run                    print what would change, and change no stack
#       --delete                     delete the stack; the table stays
#   -h, --help                       this text
set -euo pipefail

HERE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
TEMPLATES=$HERE/cloudformation
# shellcheck source=cloudformation/lib/say.sh
source "$TEMPLATES/lib/say.sh"
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || fail "This script needs bash 4.4 or newer, and this is $BASH_VERSION."
# shellcheck source=cloudformation/lib/checks.sh
source "$TEMPLATES/lib/checks.sh"
# shellcheck source=cloudformation/lib/package.sh
source "$TEMPLATES/lib/package.sh"
# shellcheck source=cloudformation/lib/stack.sh
source "$TEMPLATES/lib/stack.sh"

export AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off LC_ALL=C

# Parameters of the root template: as named on this command line, and as they will be.
declare -A given=() parameter=()
template_type='' bucket='' environment=development region='' project=multi-tenant-logging
package='' binaries='' create_psk=false dry_run=false delete=false

# The next argument, which the option in front of it needs.
value_of() {
  if (($# < 2)) || [[ -z $2 || $2 == -* ]]; then misuse "$1 needs a value."; fi
  printf '%s' "$2"
}

set_parameter() {
  local pair=$1
  [[ $pair == *=* ]] || misuse "--parameter wants NAME=VALUE, not '$pair'."
  [[ -v "parameter[${pair%%=*}]" ]] || misuse "There is no parameter ${pair%%=*} in cloudformation/regional.yaml."
  given[${pair%%=*}]=${pair#*=}
}

read_options() {
  local pair
  while (($# > 0)); do
    case $1 in
      -t | --template-type) template_type=$(value_of "$@"); shift ;;
      -b | --templates-bucket) bucket=$(value_of "$@"); shift ;;
      -e | --environment) environment=$(value_of "$@"); shift ;;
      -r | --region) region=$(value_of "$@"); shift ;;
      -p | --project-name) project=$(value_of "$@"); shift ;;
      --central-role-arn) given[CentralRoleArn]=$(value_of "$@"); shift ;;
      --external-id) given[ExternalId]=$(value_of "$@"); shift ;;
      --include-api) given[IncludeApi]=true ;;
      --api-auth-ssm-parameter) given[PskParameterName]=$(value_of "$@"); shift ;;
      --create-psk) create_psk=true ;;
      --package) package=$(value_of "$@"); shift ;;
      --authorizer-image-uri) given[AuthorizerImageUri]=$(value_of "$@"); shift ;;
      --api-image-uri) given[ApiImageUri]=$(value_of "$@"); shift ;;
      --validator-image-uri) given[ValidatorImageUri]=$(value_of "$@"); shift ;;
      --binaries) binaries=$(value_of "$@"); shift ;;
      --arch) given[Architecture]=$(value_of "$@"); shift ;;
      --allowed-origins) given[AllowedOrigins]=$(value_of "$@"); shift ;;
      --domain) given[DomainName]=$(value_of "$@"); shift ;;
      --certificate-arn) given[CertificateArn]=$(value_of "$@"); shift ;;
      --hosted-zone-id) given[HostedZoneId]=$(value_of "$@"); shift ;;
      --parameter) pair=$(value_of "$@"); set_parameter "$pair"; shift ;;
      --dry-run) dry_run=true ;;
      --delete) delete=true ;;
      -h | --help) sed -n '2,/^set -/{/^#/s/^# \{0,1\}//p;}' "$HERE/deploy.sh" && exit 0 ;;
      *) misuse "There is no option '$1'." ;;
    esac
    shift
  done
}

# What is not said on this command line is as it was at the last deployment, else as the template has it.
settle_parameters() {
  local name
  for name in "${!parameter[@]}"; do
    [[ ! -v "previous[$name]" ]] || parameter[$name]=${previous[$name]}
    [[ ! -v "given[$name]" ]] || parameter[$name]=${given[$name]}
  done
  parameter[ProjectName]=$project
  parameter[Environment]=$environment
  parameter[TemplatesBucket]=$bucket
  # A header can name one origin. With several, pages cannot read the gateway's own errors, only the API's.
  parameter[ErrorOrigin]=''
  [[ -z ${parameter[AllowedOrigins]} || ${parameter[AllowedOrigins]} == *,* ]] ||
    parameter[ErrorOrigin]="'${parameter[AllowedOrigins]}'"
}

print_result() {
  local endpoint
  print_outputs
  endpoint=$(stack_output APIEndpoint)
  [[ -n $endpoint ]] || return 0
  cat <<TEXT

Try it:
  curl -i '$endpoint/health'

  PSK=\$(aws ssm get-parameter --region $region --with-decryption --name '${parameter[PskParameterName]}' --query Parameter.Value --output text)
  TIMESTAMP=\$(date -u +%Y-%m-%dT%H:%M:%SZ)
  SIGNATURE=\$(printf '%s' "GET/api/v1/delivery-configs\$TIMESTAMP" | openssl dgst -sha256 -hmac "\$PSK" | sed 's/^.* //')
  curl -i '$endpoint/api/v1/delivery-configs' -H "Authorization: HMAC-SHA256 \$SIGNATURE" -H "X-API-Timestamp: \$TIMESTAMP"
TEXT
}

main() {
  read_template_parameters
  read_options "$@"
  check_options
  check_identity
  stack=$project-$environment
  read_stack
  if $delete; then
    delete_stack
    return
  fi
  check_bucket
  settle_parameters
  check_parameters
  check_table
  if [[ ${parameter[IncludeApi]} == true ]]; then
    check_images
    check_psk
    check_gateway_account
    [[ ${parameter[PackageType]} == Image ]] || package_functions
  fi
  stage_templates
  deploy_stack
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
main "$@"
