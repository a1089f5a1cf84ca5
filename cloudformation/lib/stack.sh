# The stack: how it stands, what would change, and seeing it through. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

# Longer than the slowest thing here, a certificate's validation.
readonly TIME_LIMIT=$((75 * 60)) # seconds

# `read` takes an empty field between tabs for none at all, so there must not be one.
readonly EVENT_FIELDS="EventId, Timestamp, LogicalResourceId, ResourceType, ResourceStatus, PhysicalResourceId || '-', ResourceStatusReason"

declare -A previous=() seen=()
stack_status='' first_failure='' failed_stack='' watched=()

# Sets `stack_status`, empty without a stack, and `previous`, its parameters. Another stack may have the name, the logging
# system's own for one: an update would take everything out of it that our template does not know.
read_stack() {
  local parameters name value
  read_status
  case $stack_status in
    '' | REVIEW_IN_PROGRESS) return ;;
    *_IN_PROGRESS) fail "The stack $stack is being worked on ($stack_status): wait until that is over." ;;
  esac
  parameters=$(aws_call cloudformation describe-stacks --stack-name "$stack" \
    --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]') ||
    fail "The stack $stack cannot be looked up. ($(aws_error))"
  while IFS=$'\t' read -r name value; do
    [[ -z $name || $name == None ]] || previous[$name]=$value
  done <<<"$parameters"
  [[ -v 'previous[ManageTable]' && -v 'previous[TemplatesPrefix]' || ${#previous[@]} == 0 && $stack_status == ROLLBACK_COMPLETE ]] ||
    fail "The stack $stack is there and is not of this service, so it is left alone: give another project (-p) or environment (-e), whose names make the stack's."
  # Of a first deployment that failed, nothing is kept.
  [[ $stack_status != ROLLBACK_COMPLETE ]] || previous=()
}

read_status() {
  stack_status=$(aws_call cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackStatus') && return
  aws_error_says 'does not exist' || fail "The stack $stack cannot be looked up. ($(aws_error))"
  stack_status=''
}

deploy_stack() {
  local kind=UPDATE
  case $stack_status in
    '' | REVIEW_IN_PROGRESS) kind=CREATE ;;
    ROLLBACK_COMPLETE)
      kind=CREATE
      $dry_run || remove_failed_stack
      ;;
    UPDATE_ROLLBACK_FAILED)
      fail "The stack $stack is stuck in UPDATE_ROLLBACK_FAILED: run aws cloudformation continue-update-rollback --stack-name $stack, then deploy again."
      ;;
    ROLLBACK_FAILED | DELETE_FAILED | CREATE_FAILED)
      fail "The stack $stack is in $stack_status: run --delete, which keeps the table, then deploy again."
      ;;
  esac
  if $dry_run && [[ $stack_status == ROLLBACK_COMPLETE ]]; then
    say "The stack $stack is what a failed first deployment left: it would be deleted and made anew."
    return
  fi
  step "Working out what changes in the stack $stack"
  if ! create_change_set "$kind"; then
    say 'Nothing: the stack is as it should be.'
    $dry_run || print_result
    return
  fi
  print_changes "$change_set"
  if $dry_run; then
    drop_change_set "$kind"
    say 'Nothing was changed.'
    return
  fi
  step 'Deploying'
  watch_stack
  aws_call cloudformation execute-change-set --change-set-name "$change_set" ||
    fail "The changes cannot be made. ($(aws_error))"
  follow_stack
  [[ $stack_status == CREATE_COMPLETE || $stack_status == UPDATE_COMPLETE ]] || explain_failure
  step 'Deployed'
  print_result
}

# Makes a change set and sets `change_set`. False when there is nothing to change.
create_change_set() {
  local kind=$1 status reason more=()
  write_parameters >"$work/parameters.json"
  if ${import_table:-false}; then
    more+=(--import-existing-resources)
  elif $dry_run && [[ $kind == UPDATE ]]; then
    more+=(--include-nested-stacks)
  fi
  change_set=$(aws_call cloudformation create-change-set --stack-name "$stack" --change-set-type "$kind" \
    --change-set-name "deploy-$(date -u +%Y%m%dT%H%M%S)-$$" --capabilities CAPABILITY_IAM \
    --template-url "https://s3.$region.$(url_suffix)/$bucket/${parameter[TemplatesPrefix]}/regional.yaml" \
    --parameters "file://$work/parameters.json" --query Id "${more[@]}" \
    --tags "Key=project,Value=$project" "Key=environment,Value=$environment") ||
    fail "CloudFormation does not take the deployment. ($(aws_error))"
  while :; do
    IFS=$'\t' read -r status reason < <(aws_call cloudformation describe-change-set --change-set-name "$change_set" \
      --query '[Status,StatusReason]') || fail "The change set cannot be looked up. ($(aws_error))"
    case $status in
      CREATE_COMPLETE) return 0 ;;
      FAILED) break ;;
    esac
    sleep 2
  done
  drop_change_set "$kind"
  [[ $reason == *"didn't contain changes"* || $reason == *'No updates are to be performed'* ]] ||
    fail "CloudFormation cannot work out the changes: $reason"
  return 1
}

# A dry run leaves nothing behind, not even the empty stack that a first change set brings with it.
drop_change_set() {
  aws_call cloudformation delete-change-set --change-set-name "$change_set" >/dev/null || true
  if [[ $1 == CREATE ]]; then
    read_status
    [[ $stack_status != REVIEW_IN_PROGRESS ]] || aws_call cloudformation delete-stack --stack-name "$stack"
  fi
}

print_changes() {
  local action name type replacement nested
  while IFS=$'\t' read -r action name type replacement nested; do
    [[ -n $action && $action != None ]] || continue
    [[ $replacement == True || $replacement == Conditional ]] && replacement=', replaced' || replacement=''
    printf '  %-7s %s (%s%s)\n' "$action" "$name" "$type" "$replacement"
    [[ -z $nested || $nested == None ]] || print_changes "$nested"
  done < <(aws_call cloudformation describe-change-set --change-set-name "$1" \
    --query 'Changes[].ResourceChange.[Action,LogicalResourceId,ResourceType,Replacement,ChangeSetId]')
}

write_parameters() {
  local name separator='['
  for name in "${!parameter[@]}"; do
    printf '%s{"ParameterKey":"%s","ParameterValue":"%s"}' "$separator" "$name" "$(json_text "${parameter[$name]}")"
    separator=','
  done
  printf ']'
}

json_text() {
  sed 's/\\/\\\\/g; s/"/\\"/g' <<<"$1"
}

url_suffix() {
  case $region in
    cn-*) printf amazonaws.com.cn ;;
    *) printf amazonaws.com ;;
  esac
}

# Takes note of the events that are there, so that only new ones are shown.
watch_stack() {
  local nested
  watched=("$(aws_call cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackId')") ||
    fail "The stack $stack cannot be looked up. ($(aws_error))" # its id finds it when it is deleted, too
  for nested in $(aws_call cloudformation describe-stack-resources --stack-name "$stack" \
    --query "StackResources[?ResourceType=='AWS::CloudFormation::Stack'].PhysicalResourceId" || true); do
    [[ $nested == None ]] || watched+=("$nested")
  done
  poll_events quiet
}

# What cannot be looked up this often in a row, two seconds apart, will not be in a while either: credentials expire.
readonly MAX_POLL_FAILURES=10
poll_failures=0

# Shows new events as they come, until one says that the stack rests. What DescribeStacks says may still be from before.
follow_stack() {
  local resting=''
  SECONDS=0
  until [[ -n $resting ]]; do
    ((SECONDS < TIME_LIMIT)) ||
      fail "CloudFormation is still at work after $((TIME_LIMIT / 60)) minutes: look at the stack $stack in the console."
    sleep 2
    poll_events
  done
  stack_status=$resting
}

poll_events() {
  local quiet=${1-} index events event time name type status physical reason
  for ((index = 0; index < ${#watched[@]}; index++)); do
    if ! events=$(aws_call cloudformation describe-stack-events --stack-name "${watched[index]}" \
      --query "reverse(StackEvents)[].[$EVENT_FIELDS]"); then
      # Of a nested stack there may be nothing to see yet.
      ((index > 0 || ++poll_failures < MAX_POLL_FAILURES)) ||
        fail "The stack $stack cannot be looked up any more, though CloudFormation goes on by itself: see how it ends with aws cloudformation describe-stacks --stack-name $stack --region $region. ($(aws_error))"
      continue
    fi
    ((index > 0)) || poll_failures=0
    while IFS=$'\t' read -r event time name type status physical reason; do
      [[ -n $status && ! -v "seen[$event]" ]] || continue
      seen[$event]=1
      [[ -z $quiet ]] || continue
      show_event
      note_nested
      note_failure
      [[ $physical != "${watched[0]}" || $status == *_IN_PROGRESS ]] || resting=$status
    done <<<"$events"
  done
}

show_event() {
  [[ $status == *_IN_PROGRESS && $type != AWS::CloudFormation::Stack ]] ||
    printf '  %s  %-28s %s\n' "${time:11:8}" "$status" "$name"
}

# The first failure is the cause; what fails after it was called off. A nested stack only repeats what happened in it,
# and is named where that cannot be seen.
note_failure() {
  [[ $status == *_FAILED && $reason != *cancelled* && $physical != "${watched[0]}" ]] || return 0
  if [[ $type == AWS::CloudFormation::Stack ]]; then
    failed_stack=${failed_stack:-"$name ($type): $reason"}
  else
    first_failure=${first_failure:-"$name ($type): $reason"}
  fi
}

note_nested() {
  [[ $type == AWS::CloudFormation::Stack && $physical == arn:* ]] || return 0
  [[ " ${watched[*]} " == *" $physical "* ]] || watched+=("$physical")
}

explain_failure() {
  local cause=${first_failure:-$failed_stack}
  [[ -n $cause ]] || cause=$(aws_call cloudformation describe-stacks --stack-name "${watched[0]}" \
    --query 'Stacks[0].StackStatusReason' || true)
  printf '\n' >&2
  fail "The deployment failed and the stack is in $stack_status. The first to fail was $cause"
}

remove_failed_stack() {
  step "Removing what a failed first deployment of $stack left"
  watch_stack
  aws_call cloudformation delete-stack --stack-name "$stack" || fail "It cannot be deleted. ($(aws_error))"
  follow_stack
  [[ $stack_status == DELETE_COMPLETE ]] || explain_failure
}

delete_stack() {
  local answer table=$project-$environment-tenant-configs
  if [[ -z $stack_status ]]; then
    say "There is no stack $stack."
    return
  fi
  if [[ -t 0 ]]; then
    printf 'This takes the API of %s down; the table %s stays. Type the name of the stack to go on: ' "$stack" "$table"
    read -r answer
    [[ $answer == "$stack" ]] || fail 'Nothing was deleted.'
  fi
  step "Deleting the stack $stack"
  watch_stack
  aws_call cloudformation delete-stack --stack-name "$stack" || fail "The stack cannot be deleted. ($(aws_error))"
  follow_stack
  [[ $stack_status == DELETE_COMPLETE ]] || explain_failure
  say "Deleted. The table $table, the key and what is in the templates bucket stay."
}

print_outputs() {
  aws_call cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]' |
    while IFS=$'\t' read -r name value; do
      printf '  %-22s %s\n' "$name" "$value"
    done
}

stack_output() {
  local value
  value=$(aws_call cloudformation describe-stacks --stack-name "$stack" \
    --query "Stacks[0].Outputs[?OutputKey=='$1'].OutputValue | [0]") || value=''
  [[ $value == None ]] || printf '%s' "$value"
}
