# Change sets: what they contain, and running one. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

change_set='' change_set_kind=''

# Creates a change set of a kind, CREATE or UPDATE, with the parameters in $work/parameters.json and the template that
# the other arguments select. Sets `change_set`. Returns 1 when there is nothing to change.
create_change_set() {
  local status reason more=()
  change_set_kind=$1
  shift
  if $import_table; then
    more+=(--import-existing-resources)
  elif $dry_run && [[ $change_set_kind == UPDATE ]]; then
    more+=(--include-nested-stacks)
  fi
  [[ -z $cloudformation_role ]] || more+=(--role-arn "$cloudformation_role")
  # CloudFormation would use the triggers of an earlier --monitor again.
  if [[ -n $rollback_triggers ]] || $has_triggers; then
    printf '{"RollbackTriggers":[%s],"MonitoringTimeInMinutes":%d}' "$rollback_triggers" "$((10#${monitor:-0}))" >"$work/rollback.json"
    more+=(--rollback-configuration "file://$work/rollback.json")
  fi
  write_tags >"$work/tags.json"
  operation=planned
  change_set=$(aws_call cloudformation create-change-set --stack-name "$stack" --change-set-type "$change_set_kind" \
    --change-set-name "deploy-$(date -u +%Y%m%dT%H%M%S)-$$" --capabilities CAPABILITY_IAM "$@" \
    --parameters "file://$work/parameters.json" --tags "file://$work/tags.json" --query Id "${more[@]}") ||
    fail "CloudFormation rejected the change set. ($(aws_error))"
  while :; do
    IFS=$'\t' read -r status reason < <(aws_call cloudformation describe-change-set --change-set-name "$change_set" \
      --query '[Status,StatusReason]') || fail "The change set cannot be described. ($(aws_error))"
    case $status in
      CREATE_COMPLETE) return 0 ;;
      FAILED) break ;;
    esac
    sleep "$POLL_INTERVAL"
  done
  drop_change_set
  [[ $reason == *"didn't contain changes"* || $reason == *'No updates are to be performed'* ]] ||
    fail "CloudFormation cannot create the change set: $reason"
  return 1
}

# Leaves nothing behind, not even the empty stack that the first change set creates.
drop_change_set() {
  operation=''
  [[ -n $change_set ]] || return 0
  aws_call cloudformation delete-change-set --change-set-name "$change_set" >/dev/null || true
  if [[ $change_set_kind == CREATE ]]; then
    read_status
    [[ $stack_status != REVIEW_IN_PROGRESS ]] || aws_call cloudformation delete-stack --stack-name "$stack"
  fi
}

execute_change_set() {
  watch_stack
  aws_call cloudformation execute-change-set --change-set-name "$change_set" ||
    fail "The change set cannot be executed. ($(aws_error))"
  operation=running
  follow_stack
  operation=''
}

unknown_stacks=()

print_changes() {
  local action name type replacement nested
  while IFS=$'\t' read -r action name type replacement nested; do
    [[ -n $action && $action != None ]] || continue
    [[ $replacement == True || $replacement == Conditional ]] && replacement=', replaced' || replacement=''
    printf '  %-7s %s (%s%s)\n' "$action" "$name" "$type" "$replacement"
    if [[ -n $nested && $nested != None ]]; then
      print_changes "$nested"
    elif [[ $type == AWS::CloudFormation::Stack && $action == Modify ]]; then
      unknown_stacks+=("$name")
    fi
  done < <(aws_call cloudformation describe-change-set --change-set-name "$1" \
    --query 'Changes[].ResourceChange.[Action,LogicalResourceId,ResourceType,Replacement,ChangeSetId]')
}

explain_dry_run() {
  if [[ $1 == CREATE ]]; then
    info 'A dry run of a new stack does not list the resources inside its nested stacks: all of them are new.'
  elif ((${#unknown_stacks[@]} > 0)); then
    info "This dry run cannot know what changes inside these nested stacks, if anything, because CloudFormation did not say: ${unknown_stacks[*]}."
  fi
  info 'No dry run can know whether AWS accepts the changes (permissions, quotas, names that are taken), nor whether the new functions start.'
}

# The parameters that deploy.sh has merged, as JSON.
write_parameters() {
  local name separator='['
  for name in "${!parameter[@]}"; do
    printf '%s{"ParameterKey":"%s","ParameterValue":%s}' "$separator" "$name" "$(json_string "${parameter[$name]}")"
    separator=','
  done
  printf ']'
}

# The parameters of the last deployment with other pinned versions, as JSON.
write_pins() {
  local name separator='['
  for name in "${!previous[@]}"; do
    printf '%s{"ParameterKey":"%s",' "$separator" "$name"
    if [[ $name == Pinned*Version ]]; then
      printf '"ParameterValue":"%s"}' "${pin[$name]-}"
    else
      printf '"UsePreviousValue":true}'
    fi
    separator=','
  done
  printf ']'
}

# The tags that the stack has, those of deploy.sh and those of --tags, as JSON. A change set replaces all tags.
write_tags() {
  local name separator='['
  local -A merged=()
  for name in "${!previous_tag[@]}"; do merged[$name]=${previous_tag[$name]}; done
  merged[project]=$project merged[environment]=$environment
  for name in "${!tag[@]}"; do merged[$name]=${tag[$name]}; done
  for name in "${!merged[@]}"; do
    printf '%s{"Key":%s,"Value":%s}' "$separator" "$(json_string "$name")" "$(json_string "${merged[$name]}")"
    separator=','
  done
  printf ']'
}
