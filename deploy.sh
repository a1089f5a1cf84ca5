#!/usr/bin/env bash
# Deploys the tenant management API of one region with CloudFormation. Run it again at any time to update the stack:
# settings that the command does not name keep their values. docs/deployment.md describes it in full.
#
#   ./deploy.sh -t regional -b BUCKET --include-api [OPTION...]
#   ./deploy.sh --delete [-e ENVIRONMENT] [-p PROJECT] [-r REGION]
#
#   -t, --template-type TYPE         the deployment type; only regional is supported
#   -b, --templates-bucket BUCKET    an S3 bucket in the region, for templates and code
#   -e, --environment NAME           the environment, also the stage of the API; default development
#   -r, --region REGION              the region; default: the region of the AWS CLI
#   -p, --project-name NAME          the project; default multi-tenant-logging. The stack is PROJECT-ENVIRONMENT
#       --central-role-arn ARN       the role that the validator assumes; without it, no validator is deployed
#       --external-id ID             the external id for assuming customers' roles; default: the id of this account
#       --include-api                deploy the API, not only the table
#       --api-auth-ssm-parameter NAME    the SecureString with the signing key; default /PROJECT/ENVIRONMENT/api/psk
#       --create-psk                 create that parameter with 256 random bits if it does not exist
#       --package image|zip          the package type of the functions; default image
#       --authorizer-image-uri URI   the image of the authorizer in ECR
#       --api-image-uri URI          the image of all other functions in ECR
#       --binaries DIRECTORY         for zip: a directory with the programs authorizer and api, and, with a central
#                                    role, validator; without it, deploy.sh builds them
#       --arch arm64|x86_64          the architecture; default arm64
#       --allowed-origins LIST       the origins whose pages may call the API, separated by commas
#       --domain NAME                a custom host name; needs one or both of the next two
#       --certificate-arn ARN        a certificate in the region for that name
#       --hosted-zone-id ID          the Route 53 zone of that name; without a certificate, one is issued
#       --parameter NAME=VALUE       any other parameter of cloudformation/regional.yaml; may be repeated
#       --dry-run                    print the changes without changing a stack
#       --delete                     delete the stack and keep the table
#   -h, --help                       print this text
set -euo pipefail

HERE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
TEMPLATES=$HERE/cloudformation
# shellcheck source=cloudformation/lib/output.sh
source "$TEMPLATES/lib/output.sh"
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || fail "deploy.sh needs bash 4.4 or newer, but this is bash $BASH_VERSION."
# shellcheck source=cloudformation/lib/checks.sh
source "$TEMPLATES/lib/checks.sh"
# shellcheck source=cloudformation/lib/package.sh
source "$TEMPLATES/lib/package.sh"
# shellcheck source=cloudformation/lib/stack.sh
source "$TEMPLATES/lib/stack.sh"

export AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off LC_ALL=C

# Parameters of the root template: those given on the command line, and those that will be deployed.
declare -A given=() parameter=()
template_type='' bucket='' environment=development region='' project=multi-tenant-logging
package='' binaries='' create_psk=false dry_run=false delete=false

# Prints the argument after an option, which must be there.
value_of() {
  if (($# < 2)) || [[ -z $2 || $2 == -* ]]; then misuse "$1 needs a value."; fi
  printf '%s' "$2"
}

set_parameter() {
  local pair=$1
  [[ $pair == *=* ]] || misuse "--parameter must be NAME=VALUE, not '$pair'."
  if [[ ${pair%%=*} == ValidatorImageUri ]]; then
    ignore_validator_image 'The parameter ValidatorImageUri'
    return
  fi
  [[ -v "parameter[${pair%%=*}]" ]] || misuse "cloudformation/regional.yaml has no parameter ${pair%%=*}."
  given[${pair%%=*}]=${pair#*=}
}

# Earlier releases deployed the validator from a separate image.
ignore_validator_image() {
  warn "$1 is ignored: the validator is deployed from the API image."
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
      --validator-image-uri) value_of "$@" >/dev/null; ignore_validator_image --validator-image-uri; shift ;;
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
      *) misuse "Unknown option '$1'." ;;
    esac
    shift
  done
}

# A parameter has the value from the command line, else from the last deployment, else the template's default. A value
# of the last deployment whose parameter the template no longer has is dropped.
merge_parameters() {
  local name
  for name in "${!parameter[@]}"; do
    [[ ! -v "previous[$name]" ]] || parameter[$name]=${previous[$name]}
    [[ ! -v "given[$name]" ]] || parameter[$name]=${given[$name]}
  done
  parameter[ProjectName]=$project
  parameter[Environment]=$environment
  parameter[TemplatesBucket]=$bucket
  parameter[PskParameterName]=${parameter[PskParameterName]:-/$project/$environment/api/psk}
  # A gateway response's header has fixed text, so it can name only one origin. With several, pages cannot read the
  # gateway's errors, only the API's.
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
  merge_parameters
  check_parameters
  check_table
  if [[ ${parameter[IncludeApi]} == true ]]; then
    check_images
    check_psk
    check_gateway_logging
    [[ ${parameter[PackageType]} == Image ]] || package_functions
  fi
  upload_templates
  deploy_stack
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
main "$@"
