# The webhooks: their tables, the master key of the endpoints' secrets, and the queue of the notifier. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

master_key_is_missing=false

# Whether webhooks are deployed, as the condition HasWebhooks of regional.yaml.
has_webhooks() {
  has_history && [[ ${parameter[IncludeWebhooks]-} == true ]]
}

# Whether the last deployment had them.
had_webhooks() {
  [[ ${previous[IncludeApi]-} == true && ${previous[IncludeHistory]-} == true && ${previous[IncludeWebhooks]-} == true ]]
}

# A new stack has webhooks unless the operator says no. An existing one has them on request, because they cost something.
default_webhooks() {
  [[ ${previous[IncludeApi]-} == true && -z ${previous[IncludeWebhooks]-} && -z ${given[IncludeWebhooks]-} && $mode == deploy ]] || return 0
  parameter[IncludeWebhooks]=false
  info 'This deployment does not send webhooks: --parameter IncludeWebhooks=true adds them.'
}

# Parameters that have no effect without webhooks, or contradict it.
check_webhook_needs() {
  local needed=IncludeWebhooks=true
  [[ ${parameter[IncludeHistory]-} == true ]] || needed=IncludeHistory=true
  [[ ${given[IncludeWebhooks]-} != true || ${parameter[IncludeHistory]-} == true ]] || misuse "IncludeWebhooks needs IncludeHistory=true."
  has_webhooks || needs "$needed" WebhookMasterKeyParameter WebhookRetrySchedule EventBusName NotifierMemory NotifierConcurrency NotifierBatches
  has_webhooks || ! $create_webhook_key || misuse "--create-webhook-key needs $needed."
  [[ ${parameter[NotifierBatches]-} != *.* ]] ||
    misuse "NotifierBatches must be a whole number of batches, not '${parameter[NotifierBatches]}'."
  has_webhooks || return 0
  # Lambda would throttle the mapping, or the sweep. 0 stops the notifier.
  [[ ! ${parameter[NotifierConcurrency]} =~ [1-9] ]] || ((10#${parameter[NotifierConcurrency]} > parameter[NotifierBatches])) ||
    misuse "NotifierConcurrency must be greater than NotifierBatches, ${parameter[NotifierBatches]}, so that the sweep has room as well, not '${parameter[NotifierConcurrency]}'."
}

check_webhooks() {
  [[ -n ${parameter[IncludeWebhooks]+set} ]] || return 0
  if ! has_webhooks; then
    # The table may have no stream that a history could be made from.
    [[ ${given[IncludeWebhooks]-} != true ]] || fail "Webhooks need the history, which this deployment leaves out."
    ! had_webhooks ||
      info "Webhooks are no longer sent. The tables $stack-webhooks and $stack-webhook-deliveries and the master key are kept; what is in the queue is deleted."
    return
  fi
  # --set deploys the programs of the last release, which may be an earlier one without a notifier.
  if [[ $mode == set && ${parameter[PackageType]} == Zip && -z ${parameter[NotifierCodeKey]} ]]; then
    misuse "The deployed release has no package of the notifier: deploy it with -t and -b."
  fi
  check_kept_table webhooks scope id IncludeWebhooks 'the endpoints that it contains'
  check_kept_table webhook-deliveries webhook_id position IncludeWebhooks 'the deliveries that it contains'
  check_master_key
  check_event_bus
}

# The master key must exist before an endpoint does. With another key, every endpoint has another secret, and its receiver
# rejects what it gets. So a key is created by itself only where no table of endpoints is left from before. It is not read.
check_master_key() {
  local name=${parameter[WebhookMasterKeyParameter]} type
  [[ $name != "${parameter[PskParameterName]}" ]] ||
    misuse "WebhookMasterKeyParameter and --api-auth-ssm-parameter must be two parameters, not both $name."
  type=$(aws_call ssm get-parameters --names "$name" --query 'Parameters[0].Type') ||
    fail "The parameter $name cannot be read. ($(aws_error))"
  case $type in
    SecureString) return ;;
    None | '') master_key_is_missing=true ;;
    *) fail "The parameter $name is a $type, which is stored unencrypted: delete it and create it as a SecureString." ;;
  esac
  $create_webhook_key || ! table_exists "$stack-webhooks" ||
    fail "SSM has no parameter $name, and the table $stack-webhooks has endpoints of before, whose secrets were made from it: restore the parameter, or pass --create-webhook-key, and every endpoint has another secret."
}

table_exists() {
  aws_call dynamodb describe-table --table-name "$1" --query Table.TableName >/dev/null && return
  aws_error_matches ResourceNotFound || fail "The table $1 cannot be described. ($(aws_error))"
  return 1
}

# EventBridge accepts events for a bus that does not exist, and drops them.
check_event_bus() {
  [[ -n ${given[EventBusName]-} ]] || return 0
  aws_call events describe-event-bus --name "${given[EventBusName]}" --query Name >/dev/null ||
    fail "The event bus ${given[EventBusName]} was not found: create it in $region first. ($(aws_error))"
}

create_missing_master_key() {
  ! $master_key_is_missing ||
    create_parameter "${parameter[WebhookMasterKeyParameter]}" 'Master key of the webhooks of the tenant management API'
}

# Reports a notifier that does not read its queue.
report_webhooks() {
  local state
  has_webhooks || return 0
  state=$(aws_call lambda get-event-source-mapping --uuid "$(stack_output WebhookMappingId)" --query State) ||
    { warn "The event source mapping of the notifier cannot be read. ($(aws_error))" && return; }
  case $state in
    Enabled | Creating | Enabling | Updating) ;;
    *) warn "The event source mapping of the notifier is $state, so no delivery is attempted: docs/operations.md says how to go on." ;;
  esac
}
