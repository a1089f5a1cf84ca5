# The stack: its status, its changes, and following a deployment. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

# Longer than the slowest resource, the validation of a certificate.
readonly TIME_LIMIT=$((75 * 60)) # seconds
readonly POLL_INTERVAL=${DEPLOY_POLL_INTERVAL:-2} # seconds; the tests poll an emulator more often

# `read` skips an empty field between tabs, so no field may be empty.
readonly EVENT_FIELDS="EventId, Timestamp, LogicalResourceId, ResourceType, ResourceStatus, PhysicalResourceId || '-', ResourceStatusReason"

declare -A previous=() seen=()
stack_status='' first_failure='' failed_stack='' watched=()

# Sets `stack_status`, empty without a stack, and `previous`, the parameters of the last deployment. A stack of another
# service may have the same name: an update would delete its resources.
read_stack() {
  local parameters name value
  read_status
  case $stack_status in
    '' | REVIEW_IN_PROGRESS) return ;;
    *_IN_PROGRESS) fail "The stack $stack is in $stack_status: wait until that has finished." ;;
  esac
  parameters=$(aws_call cloudformation describe-stacks --stack-name "$stack" \
    --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]') ||
    fail "The stack $stack cannot be described. ($(aws_error))"
  while IFS=$'\t' read -r name value; do
    [[ -z $name || $name == None ]] || previous[$name]=$value
  done <<<"$parameters"
  [[ -v 'previous[ManageTable]' && -v 'previous[TemplatesPrefix]' || ${#previous[@]} == 0 && $stack_status == ROLLBACK_COMPLETE ]] ||
    fail "The stack $stack belongs to another service and is not changed: pass another project (-p) or environment (-e), which make up the name of the stack."
  # Nothing is reused from a first deployment that failed.
  [[ $stack_status != ROLLBACK_COMPLETE ]] || previous=()
}

read_status() {
  stack_status=$(aws_call cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackStatus') && return
  aws_error_matches 'does not exist' || fail "The stack $stack cannot be described. ($(aws_error))"
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
      fail "The stack $stack is in UPDATE_ROLLBACK_FAILED: run aws cloudformation continue-update-rollback --stack-name $stack, then deploy again."
      ;;
    ROLLBACK_FAILED | DELETE_FAILED | CREATE_FAILED)
      fail "The stack $stack is in $stack_status: run --delete, which keeps the table, then deploy again."
      ;;
  esac
  if $dry_run && [[ $stack_status == ROLLBACK_COMPLETE ]]; then
    info "The stack $stack is left from a first deployment that failed: it would be deleted and created again."
    return
  fi
  step "Creating a change set for the stack $stack"
  if ! create_change_set "$kind"; then
    info 'Nothing to change.'
    $dry_run || print_result
    return
  fi
  print_changes "$change_set"
  if $dry_run; then
    drop_change_set "$kind"
    info 'Nothing was changed.'
    return
  fi
  step 'Deploying'
  watch_stack
  aws_call cloudformation execute-change-set --change-set-name "$change_set" ||
    fail "The change set cannot be executed. ($(aws_error))"
  follow_stack
  [[ $stack_status == CREATE_COMPLETE || $stack_status == UPDATE_COMPLETE ]] || explain_failure
  step 'Deployed'
  print_result
}

# Creates a change set and sets `change_set`. Returns 1 when there is nothing to change.
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
  drop_change_set "$kind"
  [[ $reason == *"didn't contain changes"* || $reason == *'No updates are to be performed'* ]] ||
    fail "CloudFormation cannot create the change set: $reason"
  return 1
}

# A dry run leaves nothing behind, not even the empty stack that the first change set creates.
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

# Marks the existing events as seen, so that only new ones are printed.
watch_stack() {
  local nested
  watched=("$(aws_call cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackId')") ||
    fail "The stack $stack cannot be described. ($(aws_error))" # unlike its name, the id finds a deleted stack
  for nested in $(aws_call cloudformation describe-stack-resources --stack-name "$stack" \
    --query "StackResources[?ResourceType=='AWS::CloudFormation::Stack'].PhysicalResourceId" || true); do
    [[ $nested == None ]] || watched+=("$nested")
  done
  poll_events quiet
}

# After this many failed polls in a row, further ones are likely to fail as well: credentials expire.
readonly MAX_POLL_FAILURES=10
poll_failures=0

# Prints new events until one reports that the stack is done. The status in DescribeStacks may be older than the events.
follow_stack() {
  local resting=''
  SECONDS=0
  until [[ -n $resting ]]; do
    ((SECONDS < TIME_LIMIT)) ||
      fail "CloudFormation is not done after $((TIME_LIMIT / 60)) minutes: see the stack $stack in the console."
    sleep "$POLL_INTERVAL"
    poll_events
  done
  stack_status=$resting
}

poll_events() {
  local quiet=${1-} index events event time name type status physical reason
  for ((index = 0; index < ${#watched[@]}; index++)); do
    if ! events=$(aws_call cloudformation describe-stack-events --stack-name "${watched[index]}" \
      --query "reverse(StackEvents)[].[$EVENT_FIELDS]"); then
      # A nested stack may have no events yet.
      ((index > 0 || ++poll_failures < MAX_POLL_FAILURES)) ||
        fail "The events of the stack $stack cannot be read, but CloudFormation continues the deployment: see its result with aws cloudformation describe-stacks --stack-name $stack --region $region. ($(aws_error))"
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

# The first failure is the cause; later ones are cancellations. A nested stack repeats the failure of its resource, and
# is named only if the events of that resource cannot be read.
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
  fail "The deployment failed and the stack is in $stack_status. The first resource that failed is $cause"
}

remove_failed_stack() {
  step "Deleting the stack $stack, which is left from a first deployment that failed"
  watch_stack
  aws_call cloudformation delete-stack --stack-name "$stack" || fail "The stack cannot be deleted. ($(aws_error))"
  follow_stack
  [[ $stack_status == DELETE_COMPLETE ]] || explain_failure
}

delete_stack() {
  local name table=$project-$environment-tenant-configs
  if [[ -z $stack_status ]]; then
    info "The stack $stack does not exist."
    return
  fi
  if [[ -t 0 ]]; then
    printf 'This deletes the API of %s and keeps the table %s. Type the name of the stack to confirm: ' "$stack" "$table"
    read -r name
    [[ $name == "$stack" ]] || fail 'Nothing was deleted.'
  fi
  step "Deleting the stack $stack"
  watch_stack
  aws_call cloudformation delete-stack --stack-name "$stack" || fail "The stack cannot be deleted. ($(aws_error))"
  follow_stack
  [[ $stack_status == DELETE_COMPLETE ]] || explain_failure
  info "Deleted. The table $table, the key and the objects in the templates bucket are kept."
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
