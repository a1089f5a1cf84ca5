# The checks of account, region, bucket, logs and alarms before anything is changed. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2004,SC2034,SC2154 # the variables are deploy.sh's

check_identity() {
  local identity
  identity=$(aws_call sts get-caller-identity --query '[Account,Arn]') ||
    fail "AWS rejected the credentials: log in, or set them again. ($(aws_error))"
  account=${identity%%$'\t'*}
  info "Account $account, region $region, as ${identity##*$'\t'}"
}

check_bucket() {
  local home
  home=$(aws_call s3api head-bucket --bucket "$bucket" --query BucketRegion) ||
    fail "The bucket $bucket cannot be accessed: create it in $region, or ask for access to it. ($(aws_error))"
  [[ $home == "$region" || $home == None || -z $home ]] ||
    fail "The bucket $bucket is in $home: use a bucket in $region, because Lambda reads code only from its own region."
}

# Prints the partition of the region.
partition() {
  case $region in
    cn-*) printf aws-cn ;;
    us-gov-*) printf aws-us-gov ;;
    eusc-*) printf aws-eusc ;;
    *-iso*) printf aws-iso ;;
    *) printf aws ;;
  esac
}

url_suffix() {
  case $region in
    cn-*) printf amazonaws.com.cn ;;
    eusc-*) printf amazonaws.eu ;;
    *) printf amazonaws.com ;;
  esac
}

# What cannot work in this region or its partition is rejected here. The templates leave out the rest by conditions.
check_region() {
  local name home partition
  partition=$(partition)
  [[ $partition != aws-iso ]] || fail "The region $region is not supported: this service was written for the public partitions, China, GovCloud and the European Sovereign Cloud."
  [[ $partition != aws-us-gov || -z ${parameter[HostedZoneId]} ]] ||
    fail "GovCloud has no public hosted zones: omit --hosted-zone-id, pass --certificate-arn, and point the name to the output DomainTarget."
  for name in "${parameter_names[@]}"; do
    [[ ${parameter[$name]} == arn:* ]] || continue
    IFS=: read -r _ home _ <<<"${parameter[$name]}"
    [[ $home == "$partition" ]] ||
      fail "$(label_of "$name") is an ARN of the partition $home, but $region is in $partition: use one of $partition."
    IFS=: read -r _ _ _ home _ <<<"${parameter[$name]}"
    [[ -z $home || $home == "$region" ]] ||
      fail "$(label_of "$name") is in $home: use one in $region, because the services of a region use only what is in it."
  done
}

# API Gateway writes logs with a role that is set once per account and region. If there is none, this stack creates one.
check_gateway_logging() {
  local role
  [[ ${previous[ManageGatewayLogging]-} != true && -z ${given[ManageGatewayLogging]-} ]] || return 0
  role=$(aws_call apigateway get-account --query cloudwatchRoleArn) ||
    fail "The account settings of API Gateway cannot be read. ($(aws_error))"
  parameter[ManageGatewayLogging]=false
  if [[ -z $role || $role == None ]]; then
    parameter[ManageGatewayLogging]=true
    info "API Gateway has no role for writing logs in this region, so the stack creates one."
  fi
}

# A log group that exists already, such as that of another service with these names, is used as it is: CloudFormation
# cannot create it, and imports resources only into a root stack.
check_log_groups() {
  check_log_group ManageAccessLogs "/aws/apigateway/$stack-tenant-api"
  check_log_group ManageAuthorizerLogs "/aws/lambda/$(function_name authorizer)"
  check_log_group ManageApiLogs "/aws/lambda/$(function_name api)"
  ! has_validator || check_log_group ManageValidatorLogs "/aws/lambda/$(function_name validator)"
  ! has_history || check_log_group ManageRecorderLogs "/aws/lambda/$(function_name recorder)"
  ! has_webhooks || check_log_group ManageNotifierLogs "/aws/lambda/$(function_name notifier)"
}

check_log_group() {
  local name=$1 group=$2 found
  [[ -n ${parameter[$name]+set} && -z ${given[$name]-} ]] || return 0
  # The deployed stack, or one of an earlier release, contains the group, or the operator has decided.
  case $name in
    ManageValidatorLogs) [[ ${previous[IncludeApi]-} != true || -z ${previous[CentralRoleArn]-} ]] || return 0 ;;
    ManageRecorderLogs) [[ ${previous[IncludeApi]-} != true || ${previous[IncludeHistory]-} != true ]] || return 0 ;;
    ManageNotifierLogs) ! had_webhooks || return 0 ;;
    *) [[ ${previous[IncludeApi]-} != true ]] || return 0 ;;
  esac
  found=$(aws_call logs describe-log-groups --log-group-name-prefix "$group" \
    --query "logGroups[?logGroupName=='$group'].logGroupName | [0]") || return 0
  parameter[$name]=true
  [[ $found == "$group" ]] || return 0
  parameter[$name]=false
  info "The log group $group exists and is used as it is: its retention is not changed, and --delete keeps it."
}

# The alarms that --monitor lets CloudFormation watch. It takes five.
readonly WATCHED_ALARMS=(error-rate init-failures key-failures api-timeouts authorizer-timeouts)
rollback_triggers=''

# An alarm that is missing or triggered already would fail the deployment at once.
check_monitor() {
  local alarms name arn state wanted count=0
  [[ -n $monitor ]] || return 0
  alarms=$(aws_call cloudwatch describe-alarms --alarm-name-prefix "$stack-" --query 'MetricAlarms[].[AlarmName,AlarmArn,StateValue]') ||
    fail "The alarms cannot be read. ($(aws_error))"
  for wanted in "${WATCHED_ALARMS[@]}"; do
    while IFS=$'\t' read -r name arn state; do
      [[ $name == "$stack-$wanted" ]] || continue
      [[ $state != ALARM ]] || fail "The alarm $name is triggered already, so CloudFormation would roll back at once: see docs/operations.md, or deploy without --monitor."
      rollback_triggers+="${rollback_triggers:+,}{\"Arn\":\"$arn\",\"Type\":\"AWS::CloudWatch::Alarm\"}"
      count=$((count + 1))
    done <<<"$alarms"
  done
  ((count > 0)) || fail "--monitor needs the alarms of the stack, and there are none yet: deploy without it first."
}

confirm_loss() {
  $dry_run || [[ ${previous[IncludeApi]-} != true || ${parameter[IncludeApi]} == true ]] ||
    confirm "This deletes the API of $stack, and a later one has another URL."
}
