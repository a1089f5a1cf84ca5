#!/usr/bin/env bash
# Deploys the tenant management API of one region with CloudFormation, and looks after it. Run it again at any time to
# update the stack: settings that the command does not name keep their values. docs/deployment.md describes it in full.
#
#   ./deploy.sh -t regional -b BUCKET --include-api [OPTION...]    deploy, or update
#   ./deploy.sh --set NAME=VALUE      change a setting of the deployed release, without sources or a build; repeatable
#   ./deploy.sh --rollback [VERSION]  serve with the release before the live one, or with this one
#   ./deploy.sh --status              print the stack, its releases and what needs attention
#   ./deploy.sh --follow              follow an operation that began elsewhere, or that Ctrl-C left
#   ./deploy.sh --delete              delete the stack and keep its tables
#
# For every command:
#   -e, --environment NAME           the environment, also the stage of the API; default development
#   -r, --region REGION              the region; default: the region of the AWS CLI
#   -p, --project-name NAME          the project; default multi-tenant-logging. The stack is PROJECT-ENVIRONMENT
#       --yes                        confirm what the command would ask for
#   -h, --help                       print this text
#
# To deploy:
#   -t, --template-type TYPE         the deployment type; only regional is supported
#   -b, --templates-bucket BUCKET    an S3 bucket in the region, for templates and code
#       --include-api                deploy the API, not only the table
#       --adopt-table                let the stack manage an existing table that it did not create
#       --central-role-arn ARN       the role that the validator assumes; without it, no validator is deployed
#       --external-id ID             the external id for assuming customers' roles; default: the id of this account
#       --api-auth-ssm-parameter NAME    the SecureString with the signing key; default /PROJECT/ENVIRONMENT/api/psk
#       --create-psk                 create that parameter with 256 random bits if it does not exist
#       --create-webhook-key         create the master key of the webhooks also where there are endpoints already, whose
#                                    secrets then change; without endpoints, a missing one is created anyway
#       --package image|zip          the package type of the functions; default image
#       --authorizer-image-uri URI   the image of the authorizer in ECR
#       --api-image-uri URI          the image of all other functions in ECR
#       --binaries DIRECTORY         for zip: a directory with the programs authorizer, api, recorder and notifier, and,
#                                    with a central role, validator; without it, deploy.sh builds them
#       --arch arm64|x86_64          the architecture; default: that of the images, arm64 for zip packages
#       --allowed-origins LIST       the origins whose pages may call the API, separated by commas
#       --allowed-cidrs LIST         the addresses that may call the API, separated by commas
#       --web-acl-arn ARN            a web ACL of AWS WAF for the API
#       --domain NAME                a custom host name; needs one or both of the next two
#       --certificate-arn ARN        a certificate in the region for that name
#       --hosted-zone-id ID          the Route 53 zone of that name; without a certificate, one is issued
#       --permissions-boundary ARN   the permissions boundary of every role
#       --role-path PATH             the path of every role
#       --kms-key-arn ARN            a key of your own for log groups, variables and alarms
#       --alarm-topic-arn ARN        an existing topic for alarms
#       --parameter NAME=VALUE       any other parameter of cloudformation/regional.yaml; repeatable
#
# To deploy, and with --set:
#       --tags NAME=VALUE            a tag of the stack and its resources; repeatable. Other tags are kept
#       --cloudformation-role ARN    the role that CloudFormation uses; also for --rollback and --delete
#       --termination-protection on|off  whether the stack is protected from deletion
#       --monitor MINUTES            let CloudFormation watch the alarms for so long, and roll back if one is triggered
#       --dry-run                    print the changes without changing a stack; also for --rollback
set -euo pipefail

HERE=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd)
TEMPLATES=$HERE/cloudformation
LIBRARY=$TEMPLATES/lib
# shellcheck source=cloudformation/lib/output.sh
source "$LIBRARY/output.sh"
((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)) || fail "deploy.sh needs bash 4.4 or newer, but this is bash $BASH_VERSION."
# shellcheck source=cloudformation/lib/options.sh
source "$LIBRARY/options.sh"
# shellcheck source=cloudformation/lib/parameters.sh
source "$LIBRARY/parameters.sh"
# shellcheck source=cloudformation/lib/checks.sh
source "$LIBRARY/checks.sh"
# shellcheck source=cloudformation/lib/domain.sh
source "$LIBRARY/domain.sh"
# shellcheck source=cloudformation/lib/table.sh
source "$LIBRARY/table.sh"
# shellcheck source=cloudformation/lib/history.sh
source "$LIBRARY/history.sh"
# shellcheck source=cloudformation/lib/webhooks.sh
source "$LIBRARY/webhooks.sh"
# shellcheck source=cloudformation/lib/key.sh
source "$LIBRARY/key.sh"
# shellcheck source=cloudformation/lib/images.sh
source "$LIBRARY/images.sh"
# shellcheck source=cloudformation/lib/package.sh
source "$LIBRARY/package.sh"
# shellcheck source=cloudformation/lib/templates.sh
source "$LIBRARY/templates.sh"
# shellcheck source=cloudformation/lib/stack.sh
source "$LIBRARY/stack.sh"
# shellcheck source=cloudformation/lib/change_set.sh
source "$LIBRARY/change_set.sh"
# shellcheck source=cloudformation/lib/events.sh
source "$LIBRARY/events.sh"
# shellcheck source=cloudformation/lib/probe.sh
source "$LIBRARY/probe.sh"
# shellcheck source=cloudformation/lib/releases.sh
source "$LIBRARY/releases.sh"
# shellcheck source=cloudformation/lib/status.sh
source "$LIBRARY/status.sh"

export AWS_PAGER='' AWS_CLI_AUTO_PROMPT=off LC_ALL=C

main() {
  read_options "$@"
  check_options
  if [[ $mode == deploy ]]; then
    read_template_parameters
    apply_pairs
  fi
  check_identity
  stack=$project-$environment
  read_stack
  case $mode in
    deploy) deploy ;;
    set)
      need_stack --set
      use_deployed_templates
      read_template_parameters
      apply_pairs
      deploy
      ;;
    rollback) roll_back ;;
    status) print_status ;;
    follow) follow_operation ;;
    delete) delete_stack ;;
  esac
}

# Checks everything before the first change, also before a build, which takes minutes.
deploy() {
  merge_parameters
  check_parameters
  check_region
  [[ $mode == set ]] || check_bucket
  check_table
  check_history
  check_webhooks
  if [[ ${parameter[IncludeApi]} == true ]]; then
    check_domain
    check_images
    check_key
    check_gateway_logging
    check_log_groups
  fi
  check_monitor
  confirm_loss
  if [[ ${parameter[IncludeApi]} == true ]]; then
    create_missing_key
    create_missing_master_key
    [[ $mode == set || ${parameter[PackageType]} == Image ]] || package_functions
  fi
  prepare_templates
  settle_pins
  upload_templates
  deploy_stack
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap interrupted INT TERM
main "$@"
