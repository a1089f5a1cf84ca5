# Checks a release after its deployment, and goes back to the earlier one if it fails. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2004,SC2034,SC2154 # the variables are deploy.sh's

# The live version of each function before the deployment and now, the versions to pin, and why a check failed.
declare -A live_before=() live=() pin=()
cause='' may_invoke=true reported=' '

# Every function, by the program in its package.
function_name() {
  case $1 in
    authorizer) printf '%s-api-authorizer' "$stack" ;;
    api) printf '%s-api-service' "$stack" ;;
    validator) printf '%s-api-validator' "$stack" ;;
    recorder) printf '%s-api-recorder' "$stack" ;;
    notifier) printf '%s-api-notifier' "$stack" ;;
  esac
}

title_of() {
  case $1 in
    authorizer) printf 'the authorizer' ;;
    api) printf 'the API function' ;;
    validator) printf 'the validator' ;;
    recorder) printf 'the recorder' ;;
    notifier) printf 'the notifier' ;;
  esac
}

# Fills an array with the live version of each deployed function.
read_live() {
  local -n into=$1
  local program version
  into=()
  for program in "${FUNCTIONS[@]}"; do
    version=$(aws_call lambda get-alias --function-name "$(function_name "$program")" --name live \
      --query FunctionVersion) || continue
    into[$program]=$version
  done
}

# Checks what was deployed. If it fails, the aliases go back, and the command fails.
look_after() {
  [[ ${parameter[IncludeApi]} == true ]] || return 0
  step 'Checking the release'
  operation=changed
  read_live live
  if verify "$1"; then
    operation=''
    info 'The release works.'
  else
    go_back
  fi
}

# Whether the new versions start and the API responds; else sets `cause`. The roles of a new stack take a while to work.
verify() {
  local attempts=3 attempt
  [[ $1 != CREATE ]] || attempts=20
  for ((attempt = 1; attempt <= attempts; attempt++)); do
    ((attempt == 1)) || sleep "$POLL_INTERVAL"
    cause=''
    verify_once && return
  done
  return 1
}

verify_once() {
  local program
  for program in "${FUNCTIONS[@]}"; do
    [[ -n ${live[$program]-} && ${live[$program]} != "${live_before[$program]-}" ]] || continue
    invoke_version "$program" "${live[$program]}" || return
  done
  request_endpoint
}

# Invokes a version of a function with an event that changes nothing; fails with a `cause`.
invoke_version() {
  local program=$1 version=$2 facts error log response status what
  what="version $version of $(title_of "$program")"
  $may_invoke || return 0
  write_event "$program" >"$work/event.json"
  if ! facts=$(aws_call lambda invoke --function-name "$(function_name "$program")" --qualifier "$version" \
    --log-type Tail --payload "fileb://$work/event.json" --query '[FunctionError,LogResult]' "$work/response.json"); then
    if is_denied; then
      may_invoke=false
      warn "The new versions were not invoked, because lambda:InvokeFunction is denied. ($(aws_error))"
      return 0
    fi
    cause="$what cannot be invoked: $(aws_error)"
    return 1
  fi
  IFS=$'\t' read -r error log <<<"$facts"
  response=$(head -c 4000 "$work/response.json" | tr -d '\n')
  if [[ -n $error && $error != None ]]; then
    cause="$what does not start: $(reason_of "$log" "$response")"
    return 1
  fi
  case $program in
    authorizer) [[ $response == *'"policyDocument"'* ]] || cause="$what returns no policy: ${response:0:300}" ;;
    recorder | notifier) [[ $response == *'"batchItemFailures"'* ]] || cause="$what returns no batch response: ${response:0:300}" ;;
    *)
      status=$(sed -nE 's/.*"statusCode": *([0-9]+).*/\1/p' <<<"$response")
      [[ $status =~ ^[1-4][0-9][0-9]$ ]] || cause="$what responds ${status:-without a status} to GET /health: ${response:0:300}"
      ;;
  esac
  [[ -z $cause ]]
}

# Prints why a function failed: the error in the line that it logs when it does not run, or else what Lambda reports.
reason_of() {
  local text error
  text=$(base64 -d <<<"$1" 2>/dev/null | tr -d '\0' | grep -a 'does not run' | tail -n1) || text=$(field_of errorMessage <<<"$2")
  error=$(field_of error <<<"$text")
  printf '%s' "${error:-${text:-${2:0:300}}}"
}

# Prints a text of a JSON object.
field_of() {
  sed -nE 's/.*"'"$1"'": *"(([^"\\]|\\.)*)".*/\1/p' | sed 's/\\"/"/g; s/\\\\/\\/g'
}

# An event as API Gateway sends it, for a request that every release serves; for recorder and notifier, a batch without
# records. The authorizer's is signed, if the caller may read the key: then its decision also proves that the authorizer can.
write_event() {
  local path=/api/v1/delivery-configs timestamp signature=0000000000000000000000000000000000000000000000000000000000000000
  if [[ $1 == recorder || $1 == notifier ]]; then
    printf '{"Records":[]}'
    return
  elif [[ $1 != authorizer ]]; then
    printf '{"resource":"/health","httpMethod":"GET","path":"/health","headers":{},"requestContext":{"path":"/health"}}'
    return
  fi
  timestamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  [[ -z $key ]] || signature=$(sign "GET$path$timestamp")
  printf '{"type":"REQUEST","methodArn":"arn:%s:execute-api:%s:%s:deployment/%s/GET%s","resource":"%s","httpMethod":"GET",' \
    "$(partition)" "$region" "$account" "$environment" "$path" "$path"
  printf '"path":"%s","headers":{"Authorization":"HMAC-SHA256 %s","X-API-Timestamp":"%s"},"requestContext":{"path":"%s"}}' \
    "$path" "$signature" "$timestamp" "$path"
}

# Requests health, and with the key a signed list, as a client. A release is not at fault for what this machine cannot reach.
request_endpoint() {
  local endpoint status path=/api/v1/delivery-configs timestamp
  endpoint=$(stack_output APIEndpoint)
  [[ -n $endpoint ]] || return 0
  status=$(get "$endpoint/health")
  case $status in
    2??) ;;
    5??)
      cause="GET /health responds $status: $(head -c 300 "$work/response.json" | tr -d '\n')"
      return 1
      ;;
    [1-4]??) report_once "GET $endpoint/health responds $status to this machine, so a policy may deny it, and the API was not checked as a client." && return ;;
    *) report_once "$endpoint cannot be reached from this machine, so the API was not checked as a client." && return ;;
  esac
  if [[ -z $key ]] && ! read_key "${parameter[PskParameterName]}"; then
    report_once "No signed request was tried, because the key cannot be read. ($(aws_error))"
    return
  fi
  timestamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  status=$(get "$endpoint$path" "Authorization: HMAC-SHA256 $(sign "GET$path$timestamp")" "X-API-Timestamp: $timestamp")
  case $status in
    2?? | 429) ;;
    [3-5]??)
      cause="a signed GET $path responds $status: $(head -c 300 "$work/response.json" | tr -d '\n')"
      return 1
      ;;
    *) report_once "$endpoint cannot be reached from this machine any more, so no signed request was tried." ;;
  esac
}

report_once() {
  [[ $reported == *"$1"* ]] || warn "$1"
  reported+=$1
}

# Prints the status of a GET with these headers, 000 without a response. The arguments of curl are visible to every user,
# so it reads them.
get() {
  local url=$1 header
  shift
  command -v curl >/dev/null || { printf 000 && return; }
  {
    printf 'url = "%s"\n' "$url"
    for header in "$@"; do printf 'header = "%s"\n' "$header"; done
  } | curl --silent --max-time 20 --output "$work/response.json" --write-out '%{http_code}' --config - 2>/dev/null || true
}

# Moves the aliases to the versions before the deployment, and then pins these in the stack, so that no later failure of an
# update brings the failed release back. Ends the command.
go_back() {
  local why=$cause program
  pin=()
  for program in "${FUNCTIONS[@]}"; do
    [[ -n ${live_before[$program]-} && ${live_before[$program]} != "${live[$program]-}" ]] || continue
    pin[Pinned${program^}Version]=${live_before[$program]}
  done
  ((${#pin[@]} > 0)) || fail "The deployment is complete, but $why. There is no earlier release to go back to."
  step 'The release fails: going back to the earlier one'
  move_aliases
  pin_stack
  read_live live
  live_before=()
  if verify UPDATE; then
    fail "The new release was rolled back, and the earlier one is live: $why."
  fi
  fail "The new release was rolled back, but the earlier one fails as well, so the cause may be outside of both: $why. Now $cause."
}

move_aliases() {
  local program version
  for program in "${FUNCTIONS[@]}"; do
    version=${pin[Pinned${program^}Version]-}
    [[ -n $version ]] || continue
    aws_call lambda update-alias --function-name "$(function_name "$program")" --name live --function-version "$version" >/dev/null ||
      fail "The alias live of $(function_name "$program") cannot be moved to version $version. ($(aws_error))"
    info "$(function_name "$program") serves with version $version."
  done
}

# Stores the pinned versions in the stack, with the template and all other parameters of the last deployment.
pin_stack() {
  previous=() monitor='' rollback_triggers='' import_table=false
  read_stack
  write_pins >"$work/parameters.json"
  if create_change_set UPDATE --use-previous-template; then
    execute_change_set
    [[ $stack_status == UPDATE_COMPLETE ]] || explain_failure
  fi
}
