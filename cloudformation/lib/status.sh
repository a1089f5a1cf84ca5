# What --status prints, and the drift of the aliases. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

print_status() {
  [[ -n $stack_status ]] || fail "The stack $stack does not exist: pass the -p, -e and -r that it was deployed with."
  info "The stack $stack is in $stack_status."
  case $stack_status in
    *_IN_PROGRESS) info "An operation is running: ./deploy.sh --follow$(common_options) follows it." ;;
    *_FAILED | ROLLBACK_COMPLETE) warn "docs/deployment.md says how to go on from $stack_status." ;;
  esac
  use_previous_parameters
  print_outputs
  [[ ${parameter[IncludeApi]-} == true ]] || return 0
  read_live live
  print_releases
  report_drift
  report_history
  report_webhooks
  report_alarms
  [[ ${parameter[PackageType]} != Image ]] || warn_of_lost_images
  warn_of_shared_key "${parameter[PskParameterName]}"
  if [[ $stack_status == *_COMPLETE ]]; then
    if request_endpoint; then
      [[ $reported != ' ' ]] || info 'The API is healthy, and a signed request is served.'
    else
      fail "The API does not work: $cause."
    fi
  fi
}

print_releases() {
  local version release time program others mark name
  info 'Releases, by the versions of the API function; --rollback takes either number:'
  while IFS=$'\t' read -r version release time; do
    mark=''
    [[ $version != "${live[api]-}" ]] || mark='  live'
    for name in "${!parameter[@]}"; do
      [[ $name != PinnedApiVersion || ${parameter[$name]} != "$version" ]] || mark+=', pinned by a rollback'
    done
    [[ $release != "${parameter[Release]}" ]] || mark+='  (deployed last)'
    printf '  %4s  %s  %s%s\n' "$version" "$release" "${time:0:19}" "$mark"
  done < <(versions_of api)
}

# An alias that somebody has moved stays there: CloudFormation moves it only when the version in the stack changes.
report_drift() {
  local program expected
  [[ ${parameter[IncludeApi]} == true ]] || return 0
  read_live live
  for program in "${!live[@]}"; do
    expected=${parameter[Pinned${program^}Version]-}
    [[ -n $expected ]] || expected=$(stack_output "${program^}Version")
    [[ -z $expected || ${live[$program]} == "$expected" ]] ||
      warn "The alias live of $(function_name "$program") points to version ${live[$program]}, and the stack says $expected: somebody has moved it. ./deploy.sh --rollback VERSION$(common_options) makes the stack agree with what should be live."
  done
}

report_alarms() {
  local triggered
  triggered=$(aws_call cloudwatch describe-alarms --alarm-name-prefix "$stack-" --state-value ALARM \
    --query 'MetricAlarms[].AlarmName') || return 0
  [[ -z $triggered || $triggered == None ]] ||
    warn "Triggered alarms: ${triggered//$'\t'/, }. docs/operations.md has a runbook for each."
}
