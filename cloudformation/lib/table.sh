# The table: who manages it, and which of its settings are missing. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

import_table=false

# The table may exist already. One that a deleted stack of this name left is imported. One of another stack stays there,
# and one of another tool is managed only with --adopt-table.
check_table() {
  local table=$project-$environment-tenant-configs keys owner manage=${given[ManageTable]-${previous[ManageTable]-}}
  if [[ ${previous[ManageTable]-} == true && -z ${given[ManageTable]-} ]]; then
    ! $adopt_table || info "The stack manages the table $table already."
    return
  fi
  ! $adopt_table || [[ ${given[ManageTable]-} != false ]] || misuse "--adopt-table and ManageTable=false cannot be combined."
  if ! keys=$(aws_call dynamodb describe-table --table-name "$table" \
    --query "join(',', sort(Table.KeySchema[].join(':', [KeyType, AttributeName])))"); then
    aws_error_matches ResourceNotFound || fail "The table $table cannot be described. ($(aws_error))"
    need_no_table "$table"
    return
  fi
  [[ $keys == HASH:tenant_id,RANGE:type ]] ||
    fail "The table $table exists with other keys than tenant_id and type: choose another project or environment."
  owner=$(owner_of_table "$table")
  if [[ -n $owner && $owner != "$stack" ]]; then
    { ! $adopt_table && [[ ${given[ManageTable]-} != true ]]; } || fail "The table $table belongs to the stack $owner: remove it from that stack first, with DeletionPolicy: Retain."
    parameter[ManageTable]=false
    info "The table $table belongs to the stack $owner and is used without changes."
  elif [[ $manage == false ]] && ! $adopt_table; then
    info "The table $table is used without changes, as ManageTable=false says."
  elif $adopt_table || [[ ${given[ManageTable]-} == true || $owner == "$stack" ]] || is_left_by_stack "$table"; then
    import_table=true
    parameter[ManageTable]=true
    info "The table $table exists and is imported into the stack with its items."
  else
    parameter[ManageTable]=false
    info "The table $table exists, and no stack of this name left it: it is used without changes. Pass --adopt-table to let the stack manage it, when no other tool does."
  fi
  report_table_settings "$table"
}

# There is no table: the stack creates it, unless another tool should have done so.
need_no_table() {
  ! $adopt_table || fail "There is no table $1 to adopt: omit --adopt-table, and the stack creates it."
  [[ ${given[ManageTable]-${previous[ManageTable]-true}} == true ]] ||
    fail "The table $1 does not exist, and ManageTable=false says that another tool creates it: create it first, or pass --parameter ManageTable=true."
}

# Prints the stack that contains the table. CloudFormation may still list a deleted stack with the resources that it kept.
owner_of_table() {
  local owner
  owner=$(aws_call cloudformation describe-stack-resources --physical-resource-id "$1" --query \
    "StackResources[?PhysicalResourceId=='$1' && !starts_with(ResourceStatus, 'DELETE')].StackName | [0]") || owner=''
  [[ $owner == None ]] || printf '%s' "$owner"
}

# CloudFormation tags what it creates and imports, and a deleted stack leaves its tags on what it keeps.
is_left_by_stack() {
  local found
  found=$(aws_call dynamodb list-tags-of-resource \
    --resource-arn "arn:$(partition):dynamodb:$region:$account:table/$1" \
    --query "Tags[?Key=='aws:cloudformation:stack-name'].Value | [0]") || return 1
  [[ $found == "$stack" ]]
}

# Reports settings that an existing table lacks, compared with the template. The deployment does not change them:
# CloudFormation imports a table as it is. A setting that cannot be read is skipped.
report_table_settings() {
  local table=$1 settings key
  local change="aws dynamodb --region $region"
  if settings=$(aws_call dynamodb describe-time-to-live --table-name "$table" \
    --query 'TimeToLiveDescription.[TimeToLiveStatus,AttributeName]') && [[ $settings != ENABL*$'\t'ttl ]]; then
    info "Time to live is disabled for this table, so log processors still find expired items: $change update-time-to-live --table-name $table --time-to-live-specification Enabled=true,AttributeName=ttl"
  fi
  if settings=$(aws_call dynamodb describe-continuous-backups --table-name "$table" --query \
    'ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus') && [[ $settings != ENABLED ]]; then
    info "Point-in-time recovery is disabled for this table: $change update-continuous-backups --table-name $table --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
  fi
  settings=$(aws_call dynamodb describe-table --table-name "$table" \
    --query 'Table.[DeletionProtectionEnabled,SSEDescription.KMSMasterKeyArn]') || return 0
  key=${settings#*$'\t'}
  [[ $settings == True* ]] ||
    info "Deletion protection is disabled for this table: $change update-table --table-name $table --deletion-protection-enabled"
  [[ -z $key || $key == None ]] ||
    info "The table is encrypted with $key: if that is a customer managed key, the roles in the outputs ApiRoleArn and ValidatorRoleArn need kms:Decrypt on it."
}
