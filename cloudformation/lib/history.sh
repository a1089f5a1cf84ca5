# The history: the stream that it is made from, its table, and its first comparison. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

readonly STREAM_VIEW=NEW_AND_OLD_IMAGES
# Whether the recorder starts to read a stream, so that a comparison has to record what is in the table already.
begins_recording=false

# Whether the history is deployed, as the condition HasHistory of regional.yaml.
has_history() {
  [[ ${parameter[IncludeApi]-} == true && ${parameter[IncludeHistory]-} == true ]]
}

# A new stack has a history unless the operator says no. An existing one has it on request, because it costs something.
default_history() {
  [[ ${previous[IncludeApi]-} == true && -z ${previous[IncludeHistory]-} && -z ${given[IncludeHistory]-} && $mode == deploy ]] || return 0
  parameter[IncludeHistory]=false
  info 'This deployment does not record the history of configurations: --parameter IncludeHistory=true adds it.'
}

# Sets `TableStreamArn` where CloudFormation cannot know the stream: of a table that it does not manage, that it imports, or
# that was restored. CloudFormation itself enables the stream of its own table.
check_history() {
  local table=$project-$environment-tenant-configs stream='' view='' reads=''
  [[ -n ${parameter[TableStreamArn]+set} ]] || return 0
  if ! has_history; then
    parameter[TableStreamArn]=''
    report_history_left
    return
  fi
  check_recorder_program
  read_stream "$table" || return 0
  [[ ${previous[IncludeApi]-} != true || ${previous[IncludeHistory]-} != true ]] || reads=$(stack_output HistoryStreamArn)
  if [[ ${parameter[ManageTable]} == true ]] && ! $import_table; then
    check_managed_stream "$table"
  elif [[ $view == "$STREAM_VIEW" ]]; then
    parameter[TableStreamArn]=$stream
  elif [[ -n ${given[IncludeHistory]-} || ${previous[IncludeHistory]-} == true ]]; then
    fail "The history needs the stream of the table $table with new and old images, and this stack does not manage the table: run $(enable_stream "$table"), then deploy again."
  else
    parameter[IncludeHistory]=false
    info "The table $table has no stream with new and old images, so no history is recorded. To have one: $(enable_stream "$table"), then deploy with --parameter IncludeHistory=true."
    return
  fi
  [[ -z $reads || -z $stream || $reads == "$stream" ]] ||
    info "The recorder reads an earlier stream of the table $table: it moves to the latest one."
  [[ $reads == "${stream:-none}" ]] || begins_recording=true
  check_history_table
}

# Sets `stream` and `view`, empty without an enabled stream. Fails if there is no table yet.
read_stream() {
  local facts
  if ! facts=$(aws_call dynamodb describe-table --table-name "$1" --query \
    'Table.[LatestStreamArn,StreamSpecification.StreamEnabled,StreamSpecification.StreamViewType]'); then
    aws_error_matches ResourceNotFound || fail "The table $1 cannot be described. ($(aws_error))"
    begins_recording=true
    check_history_table
    return 1
  fi
  [[ $facts != *$'\t'True$'\t'* ]] || IFS=$'\t' read -r stream _ view <<<"$facts"
}

# CloudFormation compares a table with its last template, not with what the table is.
check_managed_stream() {
  if [[ -z $reads && -n $stream ]]; then
    fail "The table $1 has a stream that the stack does not know, so CloudFormation cannot enable its own: run aws dynamodb update-table --region $region --table-name $1 --stream-specification StreamEnabled=false, then deploy again."
  elif [[ -n $reads && $view != "$STREAM_VIEW" ]]; then
    fail "The stream of the table $1 was disabled, or has other images than the history needs: run $(enable_stream "$1"), then repeat this command."
  elif [[ -n $reads && $reads != "$stream" ]]; then
    parameter[TableStreamArn]=$stream
  fi
}

enable_stream() {
  printf 'aws dynamodb update-table --region %s --table-name %s --stream-specification StreamEnabled=true,StreamViewType=%s' "$region" "$1" "$STREAM_VIEW"
}

# --set deploys the programs of the last release, which may be an earlier one without a recorder.
check_recorder_program() {
  if [[ $mode == set && ${parameter[PackageType]} == Zip && -z ${parameter[RecorderCodeKey]} ]]; then
    misuse "The deployed release has no package of the recorder: deploy it with -t and -b."
  fi
}

check_history_table() {
  check_kept_table config-history tenant_id position IncludeHistory 'the history that it contains'
}

# A table that the stack keeps may exist: it is left when the stack is deleted, and when what it is for is switched off.
# Takes its name without the stack's, its keys, the parameter that it depends on, and what it contains.
check_kept_table() {
  local table=$project-$environment-$1 hash=$2 range=$3 included=$4 content=$5 keys owner
  if ! keys=$(aws_call dynamodb describe-table --table-name "$table" \
    --query "join(',', sort(Table.KeySchema[].join(':', [KeyType, AttributeName])))"); then
    aws_error_matches ResourceNotFound || fail "The table $table cannot be described. ($(aws_error))"
    return 0
  fi
  [[ $keys == "HASH:$hash,RANGE:$range" ]] ||
    fail "The table $table exists with other keys than $hash and $range: choose another project or environment."
  owner=$(owner_of_table "$table")
  [[ $owner != "$stack" ]] || return 0
  [[ -z $owner ]] || fail "The table $table belongs to the stack $owner: remove it from that stack first, with DeletionPolicy: Retain."
  $adopt_table || is_left_by_stack "$table" ||
    fail "The table $table exists, and no stack of this name left it: pass --adopt-table if no other tool manages it, or --parameter $included=false."
  import_table=true
  info "The table $table exists and is imported into the stack with $content."
}

report_history_left() {
  [[ ${previous[IncludeApi]-} != true || ${previous[IncludeHistory]-} != true ]] ||
    info "Changes are no longer recorded. The table $project-$environment-config-history and the bucket $(stack_output FailedRecordsBucket) are kept."
}

# Lets the recorder compare the table with the history, which does not wait for it: what is there already becomes the
# baseline, and what happened between two streams is found.
start_comparison() {
  local name
  has_history && $begins_recording || return 0
  name=$(function_name recorder)
  printf '{"reconcile":{"stream":"%s"}}' "$(stack_output HistoryStreamArn)" >"$work/event.json"
  if aws_call lambda invoke --function-name "$name" --qualifier live --invocation-type Event \
    --payload "fileb://$work/event.json" "$work/response.json" >/dev/null; then
    info 'The recorder compares the table with the history now: what is there already becomes the baseline.'
  else
    warn "The first comparison could not be started, so it happens within a day. ($(aws_error))"
  fi
}

# Reports a recorder that does not read what it should.
report_history() {
  local facts state source stream='' view=''
  has_history || return 0
  facts=$(aws_call lambda get-event-source-mapping --uuid "$(stack_output HistoryMappingId)" \
    --query '[State,EventSourceArn]') || { warn "The event source mapping of the recorder cannot be read. ($(aws_error))" && return; }
  IFS=$'\t' read -r state source <<<"$facts"
  case $state in
    Enabled | Creating | Enabling | Updating) ;;
    *) warn "The event source mapping of the recorder is $state, so changes are not recorded: docs/operations.md says how to go on." ;;
  esac
  read_stream "$project-$environment-tenant-configs" || return 0
  [[ $view == "$STREAM_VIEW" && $source == "$stream" ]] ||
    warn "The recorder does not read the latest stream of the table, so changes are not recorded: ./deploy.sh --set IncludeHistory=true$(common_options) moves it there."
}
