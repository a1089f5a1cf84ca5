# Following an operation of the stack by its events. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

# Longer than the slowest resource, the validation of a certificate; --monitor adds its minutes.
readonly TIME_LIMIT=$((75 * 60))                  # seconds
readonly POLL_INTERVAL=${DEPLOY_POLL_INTERVAL:-2} # seconds; the tests poll an emulator more often

# `read` skips an empty field between tabs, so no field may be empty.
readonly EVENT_FIELDS="EventId, Timestamp, LogicalResourceId, ResourceType, ResourceStatus, PhysicalResourceId || '-', ResourceStatusReason || '-'"

declare -A seen=()
first_failure='' failed_stack='' watched=() resting='' last_time=''

# Remembers the stacks and the time of the newest event, so that only newer ones are read and printed.
watch_stack() {
  watched=() seen=() first_failure='' failed_stack=''
  # Unlike its name, the id finds a deleted stack.
  watched=("$(aws_call cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackId')") ||
    fail "The stack $stack cannot be described. ($(aws_error))"
  last_time=$(aws_call cloudformation describe-stack-events --stack-name "${watched[0]}" --no-paginate \
    --query 'StackEvents[0].Timestamp') || fail "The events of the stack $stack cannot be read. ($(aws_error))"
  watch_nested
}

watch_nested() {
  local nested
  for nested in $(aws_call cloudformation describe-stack-resources --stack-name "${watched[0]}" \
    --query "StackResources[?ResourceType=='AWS::CloudFormation::Stack'].PhysicalResourceId" || true); do
    [[ $nested == None ]] || watched+=("$nested")
  done
}

# --follow: as watch_stack, but from the beginning of the last operation, which may be complete already.
follow_operation() {
  case $stack_status in
    '') fail "The stack $stack does not exist: pass the -p, -e and -r that it was deployed with." ;;
    REVIEW_IN_PROGRESS | ROLLBACK_COMPLETE | UPDATE_ROLLBACK_COMPLETE | *_FAILED)
      info "Nothing is running: the stack $stack is in $stack_status."
      return
      ;;
  esac
  watch_stack
  last_time=$(time_of_start)
  if [[ $stack_status == *_IN_PROGRESS ]]; then
    step "Following the stack $stack, which is in $stack_status"
    operation=running
    follow_stack
    operation=''
  else
    info "The last operation of the stack $stack is complete."
  fi
  case $stack_status in
    DELETE_COMPLETE) info "Deleted. The table, the key and the objects in the templates bucket are kept." ;;
    CREATE_COMPLETE | UPDATE_COMPLETE | IMPORT_COMPLETE) finish_followed ;;
    *) explain_failure ;;
  esac
}

# Prints the time of the last event before the last operation, or nothing if it is the first one of the stack.
time_of_start() {
  local event time name type status physical reason started=false
  while IFS=$'\t' read -r event time name type status physical reason; do
    if $started; then
      printf '%s' "$time"
      return
    fi
    [[ $physical != "${watched[0]}" || ! $status =~ ^(CREATE|UPDATE|DELETE)_IN_PROGRESS$ ]] || started=true
  done < <(aws_call cloudformation describe-stack-events --stack-name "${watched[0]}" --query "StackEvents[].[$EVENT_FIELDS]")
}

# After this many failed polls in a row, further ones are likely to fail as well: credentials expire.
readonly MAX_POLL_FAILURES=10
poll_failures=0

# Prints new events until one reports that the stack is done. The status in DescribeStacks may be older than the events.
follow_stack() {
  local limit=$((TIME_LIMIT + 10#${monitor:-0} * 60))
  resting='' SECONDS=0
  until [[ -n $resting ]]; do
    ((SECONDS < limit)) ||
      fail "CloudFormation is not done after $((limit / 60)) minutes: see the stack $stack in the console."
    sleep "$POLL_INTERVAL"
    poll_events
  done
  stack_status=$resting
}

poll_events() {
  local index events event time name type status physical reason
  for ((index = 0; index < ${#watched[@]}; index++)); do
    if ! events=$(new_events "${watched[index]}"); then
      # A nested stack may have no events yet.
      ((index > 0 || ++poll_failures < MAX_POLL_FAILURES)) ||
        fail "The events of the stack $stack cannot be read, but CloudFormation continues the deployment: see its result with ./deploy.sh --follow$(common_options). ($(aws_error))"
      continue
    fi
    ((index > 0)) || poll_failures=0
    while IFS=$'\t' read -r event time name type status physical reason; do
      [[ -n $status && -z ${seen[$event]-} ]] || continue
      seen[$event]=1
      show_event
      note_nested
      note_failure
      [[ $physical != "${watched[0]}" || $status == *_IN_PROGRESS ]] || resting=$status
    done <<<"$events"
  done
}

# Prints the events of a stack since `last_time`, oldest first. It reads pages, newest first, until one reaches events that
# are known: a stack may have a history of thousands.
new_events() {
  local page token=None known row rows=()
  while :; do
    if [[ $token == None ]]; then
      page=$(read_page "$1" --no-paginate) || return 1
    else
      page=$(read_page "$1" --next-token "$token") || return 1
    fi
    token=${page%%$'\n'*} known=false
    while IFS= read -r row; do
      [[ -n $row ]] || continue
      is_new "$row" && rows=("$row" "${rows[@]}") || known=true
    done <<<"${page#"$token"}"
    $known || [[ -z $token || $token == None ]] || continue
    break
  done
  ((${#rows[@]} == 0)) || printf '%s\n' "${rows[@]}"
}

is_new() {
  local event time
  IFS=$'\t' read -r event time _ <<<"$1"
  [[ $time > $last_time && -z ${seen[$event]-} ]]
}

# Prints a page of events after its token, which is None on the last page.
read_page() {
  local name=$1
  shift
  aws_call cloudformation describe-stack-events --stack-name "$name" "$@" \
    --query "[[[NextToken]], StackEvents[].[$EVENT_FIELDS]][]"
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
