# The stack: its status, its deployment and its deletion. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

# The parameters and tags of the last deployment.
declare -A previous=() previous_tag=()
stack_status='' is_protected='' has_triggers=false

# Sets `stack_status`, empty without a stack, and what the last deployment left. A stack of another service may have the
# same name: an update would delete its resources.
read_stack() {
  local facts name value
  read_status
  case $stack_status in
    '' | REVIEW_IN_PROGRESS) return ;;
    *_IN_PROGRESS)
      [[ $mode == follow || $mode == status ]] ||
        fail "The stack $stack is in $stack_status: wait until that has finished, or follow it with ./deploy.sh --follow$(common_options)."
      ;;
  esac
  facts=$(aws_call cloudformation describe-stacks --stack-name "$stack" \
    --query 'Stacks[0].Parameters[].[ParameterKey,ParameterValue]') ||
    fail "The stack $stack cannot be described. ($(aws_error))"
  while IFS=$'\t' read -r name value; do
    [[ -z $name || $name == None ]] || previous[$name]=$value
  done <<<"$facts"
  [[ -n ${previous[ManageTable]+set} && -n ${previous[TemplatesPrefix]+set} || ${#previous[@]} == 0 && $stack_status == ROLLBACK_COMPLETE ]] ||
    fail "The stack $stack belongs to another service and is not changed: pass another project (-p) or environment (-e), which make up the name of the stack."
  facts=$(aws_call cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].Tags[].[Key,Value]') || facts=''
  while IFS=$'\t' read -r name value; do
    [[ -z $name || $name == None || $name == aws:* ]] || previous_tag[$name]=$value
  done <<<"$facts"
  facts=$(aws_call cloudformation describe-stacks --stack-name "$stack" \
    --query 'Stacks[0].[EnableTerminationProtection,RollbackConfiguration.RollbackTriggers[0].Arn]') || facts=''
  is_protected=${facts%%$'\t'*}
  [[ $facts != *$'\t'arn:* ]] || has_triggers=true
  # Nothing is reused from a first deployment that failed.
  [[ $stack_status != ROLLBACK_COMPLETE ]] || previous=()
}

read_status() {
  stack_status=$(aws_call cloudformation describe-stacks --stack-name "$stack" --query 'Stacks[0].StackStatus') && return
  aws_error_matches 'does not exist' || fail "The stack $stack cannot be described. ($(aws_error))"
  stack_status=''
}

# Ends a command that needs a deployed stack.
need_stack() {
  case $stack_status in
    CREATE_COMPLETE | UPDATE_COMPLETE | UPDATE_ROLLBACK_COMPLETE | IMPORT_COMPLETE) ;;
    '') fail "The stack $stack does not exist: pass the -p, -e and -r that it was deployed with." ;;
    *) fail "$1 needs a deployed stack, and $stack is in $stack_status: see ./deploy.sh --status$(common_options)." ;;
  esac
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
      fail "The stack $stack is in UPDATE_ROLLBACK_FAILED: run aws cloudformation continue-update-rollback --stack-name $stack --region $region, then deploy again."
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
  write_parameters >"$work/parameters.json"
  if ! create_change_set "$kind" --template-url \
    "https://s3.$region.$(url_suffix)/$bucket/${parameter[TemplatesPrefix]}/regional.yaml"; then
    info 'Nothing to change.'
    $dry_run || finish_deployment
    return
  fi
  print_changes "$change_set"
  if $dry_run; then
    explain_dry_run "$kind"
    drop_change_set
    info 'Nothing was changed.'
    return
  fi
  [[ $kind == CREATE ]] || read_live live_before
  step 'Deploying'
  execute_change_set
  [[ $stack_status == CREATE_COMPLETE || $stack_status == UPDATE_COMPLETE || $stack_status == IMPORT_COMPLETE ]] || explain_failure
  look_after "$kind"
  start_comparison
  step 'Deployed'
  finish_deployment
}

finish_deployment() {
  protect_stack
  print_result
  report_drift
  report_pins
}

protect_stack() {
  case $termination_protection in
    on) aws_call cloudformation update-termination-protection --enable-termination-protection --stack-name "$stack" >/dev/null ;;
    off) aws_call cloudformation update-termination-protection --no-enable-termination-protection --stack-name "$stack" >/dev/null ;;
  esac || fail "The stack is deployed, but its termination protection cannot be changed. ($(aws_error))"
}

remove_failed_stack() {
  step "Deleting the stack $stack, which is left from a first deployment that failed"
  run_deletion
}

run_deletion() {
  watch_stack
  aws_call cloudformation delete-stack --stack-name "$stack" ${cloudformation_role:+--role-arn "$cloudformation_role"} ||
    fail "The stack cannot be deleted. ($(aws_error))"
  operation=running
  follow_stack
  operation=''
  [[ $stack_status == DELETE_COMPLETE ]] || explain_failure
}

delete_stack() {
  local tables bucket keys='the key'
  if [[ -z $stack_status ]]; then
    info "The stack $stack does not exist."
    return
  fi
  [[ $is_protected != True ]] ||
    fail "The stack $stack is protected from deletion: run aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name $stack --region $region first."
  bucket=$(stack_output FailedRecordsBucket)
  tables=$(kept_tables)
  ! had_webhooks || keys='the keys'
  confirm "This deletes the API of $stack and keeps ${tables,}."
  step "Deleting the stack $stack"
  run_deletion
  info "Deleted. $tables, $keys and the objects in the templates bucket${bucket:+, and the bucket $bucket for failed records,} are kept."
}

# Prints the tables that a deletion keeps.
kept_tables() {
  local name text="$stack-tenant-configs" found=()
  for name in config-history webhooks webhook-deliveries; do
    ! aws_call dynamodb describe-table --table-name "$stack-$name" --query Table.TableName >/dev/null || found+=("$stack-$name")
  done
  ((${#found[@]} > 0)) || { printf 'The table %s' "$text" && return; }
  for name in "${found[@]::${#found[@]}-1}"; do text+=", $name"; done
  printf 'The tables %s and %s' "$text" "${found[-1]}"
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
