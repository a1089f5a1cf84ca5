# The checks before anything is changed. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2004,SC2034,SC2154 # the variables are deploy.sh's

# Fills `parameter` with the names and defaults of the root template.
read_template_parameters() {
  local name value
  while IFS=$'\t' read -r name value; do
    parameter[$name]=$value
  done < <(declared_parameters "$TEMPLATES/regional.yaml")
}

# Prints the parameters that a template declares, one per line, with their defaults.
declared_parameters() {
  awk '
    /^[A-Za-z]/ { if (name != "") print name "\t" value; name = ""; inside = ($1 == "Parameters:") }
    inside && /^  [A-Za-z0-9]+:/ { if (name != "") print name "\t" value; name = $1; sub(/:$/, "", name); value = "" }
    inside && /^    Default:/ { value = $0; sub(/^    Default: */, "", value); gsub(/^"|"$/, "", value) }
  ' "$1"
}

check_options() {
  command -v aws >/dev/null || fail "The AWS CLI is not installed: install version 2."
  [[ -n $region ]] || region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}
  [[ $region =~ ^[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}$ ]] || misuse "'$region' is not a valid region: pass one with -r."
  [[ $project =~ ^[a-z][a-z0-9-]{0,29}$ ]] ||
    misuse "The project name '$project' must be 1 to 30 lower-case letters, digits and hyphens, starting with a letter."
  [[ $environment =~ ^[a-z][a-z0-9]{0,14}$ ]] ||
    misuse "The environment '$environment' must be 1 to 15 lower-case letters and digits, starting with a letter."
  if $delete; then
    ! $dry_run || misuse "--delete and --dry-run cannot be combined."
    return
  fi
  [[ -n $template_type ]] || misuse "The template type is missing: pass -t regional."
  [[ $template_type == regional ]] || misuse "The template type '$template_type' is not supported, only regional is."
  [[ -n $bucket ]] || misuse "The S3 bucket for the templates is missing: pass one with -b."
  case $package in
    image) given[PackageType]=Image ;;
    zip) given[PackageType]=Zip ;;
    '') ;;
    *) misuse "--package must be image or zip, not '$package'." ;;
  esac
  [[ -z $binaries || -d $binaries ]] || misuse "--binaries must be a directory, and $binaries is not one."
}

check_identity() {
  local identity
  identity=$(aws_call sts get-caller-identity --query '[Account,Arn]') ||
    fail "AWS rejected the credentials: log in, or set them again. ($(aws_error))"
  account=${identity%%$'\t'*}
  info "Account $account, region $region, as ${identity##*$'\t'}"
}

check_bucket() {
  local home
  home=$(aws_call s3api head-bucket --bucket "$bucket" --query BucketRegion) ||
    fail "The bucket $bucket cannot be accessed: create it in $region, or ask for access to it. ($(aws_error))"
  [[ $home == "$region" || $home == None || -z $home ]] ||
    fail "The bucket $bucket is in $home: use a bucket in $region, because Lambda reads code only from its own region."
}

# Checks the merged parameters.
check_parameters() {
  local name
  if [[ ${parameter[IncludeApi]} != true ]]; then
    for name in ExternalId PskParameterName PackageType AuthorizerImageUri ApiImageUri Architecture \
      AllowedOrigins DomainName; do
      [[ ! -v "given[$name]" ]] || misuse "Options for the API need --include-api."
    done
    return
  fi
  [[ -z ${parameter[CentralRoleArn]} || ${parameter[CentralRoleArn]} =~ ^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$ ]] ||
    misuse "--central-role-arn must be the ARN of a role, arn:aws:iam::123456789012:role/NAME."
  [[ -z ${parameter[ExternalId]} || ${parameter[ExternalId]} =~ ^[A-Za-z0-9_+=,.@:/-]{2,}$ && ${#parameter[ExternalId]} -le 1224 ]] ||
    misuse "--external-id must be 2 to 1224 letters, digits and _+=,.@:/- characters, which is the limit of STS."
  [[ -n ${parameter[CentralRoleArn]} || -z ${given[ExternalId]-} ]] ||
    misuse "--external-id needs --central-role-arn."
  [[ ${parameter[Architecture]} == arm64 || ${parameter[Architecture]} == x86_64 ]] ||
    misuse "--arch must be arm64 or x86_64, not '${parameter[Architecture]}'."
  [[ ${parameter[PskParameterName]} == /* ]] ||
    misuse "--api-auth-ssm-parameter must be the full name of a parameter, which starts with a slash."
  [[ -z ${parameter[DomainName]} || -n ${parameter[CertificateArn]}${parameter[HostedZoneId]} ]] ||
    misuse "--domain needs --certificate-arn, or --hosted-zone-id to have a certificate issued."
  [[ ${previous[IncludeApi]-} != true || ${previous[PackageType]} == "${parameter[PackageType]}" ]] ||
    fail "The functions have the package type ${previous[PackageType]}, which Lambda cannot change: run --delete, which keeps the table, then deploy again."
}

# The table may exist already. A table that a deleted stack left is imported. A table of another stack stays there.
check_table() {
  local table=$project-$environment-tenant-configs keys owner
  import_table=false
  [[ ${previous[ManageTable]-} != true ]] || return 0
  parameter[ManageTable]=true
  if ! keys=$(aws_call dynamodb describe-table --table-name "$table" \
    --query "join(',', sort(Table.KeySchema[].join(':', [KeyType, AttributeName])))"); then
    aws_error_matches ResourceNotFound || fail "The table $table cannot be described. ($(aws_error))"
    return 0
  fi
  [[ $keys == HASH:tenant_id,RANGE:type ]] ||
    fail "The table $table exists with other keys than tenant_id and type: choose another project or environment."
  # CloudFormation may still list a deleted stack with the resources that it retained.
  owner=$(aws_call cloudformation describe-stack-resources --physical-resource-id "$table" --query \
    "StackResources[?PhysicalResourceId=='$table' && !starts_with(ResourceStatus, 'DELETE')].StackName | [0]") || owner=''
  if [[ -n $owner && $owner != None && $owner != "$stack" ]]; then
    parameter[ManageTable]=false
    info "The table $table belongs to the stack $owner and is used without changes."
  else
    import_table=true
    info "The table $table exists and is imported into the stack with its items."
  fi
  report_table_settings "$table"
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

check_images() {
  [[ ${parameter[PackageType]} == Image ]] || return 0
  [[ -z $binaries ]] || misuse "--binaries needs --package zip."
  # An earlier release built the API image without the validator.
  [[ -z ${parameter[CentralRoleArn]} || ! -v 'previous[ValidatorImageUri]' || -v 'given[ApiImageUri]' ]] ||
    misuse "The API image of this stack does not contain the validator: build Containerfile.api, push it, and pass --api-image-uri."
  parameter[AuthorizerImageUri]=$(resolve_image --authorizer-image-uri "${parameter[AuthorizerImageUri]}")
  parameter[ApiImageUri]=$(resolve_image --api-image-uri "${parameter[ApiImageUri]}")
}

# Whether the validator is deployed, as the condition HasValidator of regional.yaml.
has_validator() {
  [[ -n ${parameter[CentralRoleArn]} ]]
}

# Prints the image with its digest: CloudFormation and a rollback do not notice when a tag moves.
resolve_image() {
  local option=$1 uri=$2 image id digest media built_for
  [[ -n $uri ]] || misuse "$option is missing, which the package type image needs."
  [[ $uri =~ ^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/([a-z0-9][a-z0-9._/-]*)([:@].+)?$ ]] ||
    fail "$option must be an image in ECR, ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG, not '$uri'."
  local registry=${BASH_REMATCH[1]} home=${BASH_REMATCH[2]} repository=${BASH_REMATCH[4]} reference=${BASH_REMATCH[5]}
  [[ $home == "$region" ]] || fail "The image $uri is in $home: push it to $region, because Lambda pulls images only from its own region."
  case $reference in
    @*) id=imageDigest=${reference#@} ;;
    :*) id=imageTag=${reference#:} ;;
    *) id=imageTag=latest ;;
  esac
  image=$(aws_call ecr describe-images --registry-id "$registry" --repository-name "$repository" --image-ids "$id" \
    --query 'imageDetails[0].[imageDigest,imageManifestMediaType]') ||
    fail "The image $uri was not found: push it first. ($(aws_error))"
  digest=${image%%$'\t'*} media=${image##*$'\t'}
  [[ $media != *index* && $media != *manifest.list* ]] ||
    fail "$uri is a multi-architecture image, which Lambda does not support: push the image for ${parameter[Architecture]} alone."
  built_for=$(image_architecture "$registry" "$repository" "$digest")
  [[ -z $built_for || $built_for == "${parameter[Architecture]}" ]] ||
    fail "The image $uri is built for $built_for: build it for ${parameter[Architecture]}, or deploy with --arch $built_for."
  printf '%s@%s' "${uri%"$reference"}" "$digest"
}

# Prints the architecture of an image as Lambda names it, or nothing if it cannot be read.
image_architecture() {
  local config url
  config=$(aws_call ecr batch-get-image --registry-id "$1" --repository-name "$2" --image-ids "imageDigest=$3" \
    --query 'images[0].imageManifest' | tr -d ' \n\t' | sed -nE 's/.*"config":\{[^}]*"digest":"(sha256:[0-9a-f]{64})".*/\1/p') || return 0
  [[ -n $config ]] || return 0
  url=$(aws_call ecr get-download-url-for-layer --registry-id "$1" --repository-name "$2" --layer-digest "$config" \
    --query downloadUrl) || return 0
  case $(curl --silent --fail --location --max-time 20 "$url" 2>/dev/null | grep -oE '"architecture" *: *"[a-z0-9]+"' | head -n1) in
    *amd64*) printf x86_64 ;;
    *arm64*) printf arm64 ;;
  esac
}

# The signing key must exist before the authorizer reads it. Its value is neither read nor printed here.
check_psk() {
  local name=${parameter[PskParameterName]} type secret=/aws/reference/secretsmanager/
  parameter[PskSecretArn]=''
  if [[ $name == "$secret"* ]]; then
    parameter[PskSecretArn]=$(aws_call secretsmanager describe-secret --secret-id "${name#"$secret"}" --query ARN) ||
      fail "The secret ${name#"$secret"} was not found: create it in Secrets Manager first. ($(aws_error))"
    return
  fi
  type=$(aws_call ssm get-parameters --names "$name" --query 'Parameters[0].Type') ||
    fail "The parameter $name cannot be read. ($(aws_error))"
  case $type in
    SecureString) ;;
    None | '')
      if ! $create_psk; then
        fail "SSM has no parameter $name: create it as a SecureString, or pass --create-psk."
      elif $dry_run; then
        info "The parameter $name would be created."
      else
        create_psk "$name"
      fi
      ;;
    *) fail "The parameter $name is a $type, which is stored unencrypted: delete it and create it as a SecureString." ;;
  esac
}

create_psk() {
  # In a file, because every user can read the arguments of a process. An existing key is never overwritten.
  printf '{"Name":"%s","Type":"SecureString","Description":"PSK for tenant management API authentication","Value":"%s"}' \
    "$1" "$(head -c 32 /dev/urandom | base64 | tr -d '\n')" >"$work/psk.json"
  aws_call ssm put-parameter --no-overwrite --cli-input-json "file://$work/psk.json" >/dev/null ||
    fail "The parameter $1 cannot be created. ($(aws_error))"
  rm "$work/psk.json"
  info "Created the parameter $1 with 256 random bits."
}

# API Gateway writes logs with a role that is set once per account and region. If there is none, this stack creates one.
check_gateway_logging() {
  local role
  [[ ${previous[ManageGatewayLogging]-} != true ]] || return 0
  role=$(aws_call apigateway get-account --query cloudwatchRoleArn) ||
    fail "The account settings of API Gateway cannot be read. ($(aws_error))"
  parameter[ManageGatewayLogging]=false
  if [[ -z $role || $role == None ]]; then
    parameter[ManageGatewayLogging]=true
    info "API Gateway has no role for writing logs in this region, so the stack creates one."
  fi
}
