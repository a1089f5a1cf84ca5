# What deploy.sh makes sure of before it changes anything. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2004,SC2034,SC2154 # the variables are deploy.sh's

# Fills `parameter` with the names and defaults of the root template.
read_template_parameters() {
  local name value
  while IFS=$'\t' read -r name value; do
    parameter[$name]=$value
  done < <(declared_parameters "$TEMPLATES/regional.yaml")
}

# The parameters that a template declares, one a line, with their defaults.
declared_parameters() {
  awk '
    /^[A-Za-z]/ { if (name != "") print name "\t" value; name = ""; inside = ($1 == "Parameters:") }
    inside && /^  [A-Za-z0-9]+:/ { if (name != "") print name "\t" value; name = $1; sub(/:$/, "", name); value = "" }
    inside && /^    Default:/ { value = $0; sub(/^    Default: */, "", value); gsub(/^"|"$/, "", value) }
  ' "$1"
}

check_options() {
  command -v aws >/dev/null || fail "The AWS CLI is missing: install it, version 2."
  [[ -n $region ]] || region=${AWS_REGION:-${AWS_DEFAULT_REGION:-$(aws configure get region 2>/dev/null || true)}}
  [[ $region =~ ^[a-z]{2,3}(-[a-z]+)+-[0-9]{1,2}$ ]] || misuse "Say which region with -r; '$region' is none."
  [[ $project =~ ^[a-z][a-z0-9-]{0,29}$ ]] ||
    misuse "The project name '$project' must be lower-case letters, digits and hyphens, a letter first, 30 at most."
  [[ $environment =~ ^[a-z][a-z0-9]{0,14}$ ]] ||
    misuse "The environment '$environment' must be lower-case letters and digits, a letter first, 15 at most."
  if $delete; then
    ! $dry_run || misuse "--delete and --dry-run do not go together."
    return
  fi
  [[ -n $template_type ]] || misuse "Say what to deploy: -t regional."
  [[ $template_type == regional ]] || misuse "The template type '$template_type' is not part of this repository; there is only regional."
  [[ -n $bucket ]] || misuse "Say which S3 bucket the templates go to with -b."
  case $package in
    image) given[PackageType]=Image ;;
    zip) given[PackageType]=Zip ;;
    '') ;;
    *) misuse "--package is image or zip, not '$package'." ;;
  esac
  [[ -z $binaries || -d $binaries ]] || misuse "--binaries names $binaries, which is no directory."
}

check_identity() {
  local identity
  identity=$(aws_call sts get-caller-identity --query '[Account,Arn]') ||
    fail "AWS does not take these credentials: log in or set them anew. ($(aws_error))"
  account=${identity%%$'\t'*}
  say "Account $account, region $region, as ${identity##*$'\t'}"
}

check_bucket() {
  local home
  home=$(aws_call s3api head-bucket --bucket "$bucket" --query BucketRegion) ||
    fail "The bucket $bucket cannot be used: create it in $region, or ask for access to it. ($(aws_error))"
  [[ $home == "$region" || $home == None || -z $home ]] ||
    fail "The bucket $bucket is in $home: Lambda takes code only from a bucket in its own region, $region."
}

# The parameters as a whole, now that they are known.
check_parameters() {
  local name
  if [[ ${parameter[IncludeApi]} != true ]]; then
    for name in ExternalId PskParameterName PackageType AuthorizerImageUri ApiImageUri ValidatorImageUri Architecture \
      AllowedOrigins DomainName; do
      [[ ! -v "given[$name]" ]] || misuse "Options for the API need --include-api as well."
    done
    return
  fi
  [[ -z ${parameter[CentralRoleArn]} || ${parameter[CentralRoleArn]} =~ ^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$ ]] ||
    misuse "--central-role-arn must be a role's ARN, arn:aws:iam::123456789012:role/NAME."
  [[ -z ${parameter[ExternalId]} || ${parameter[ExternalId]} =~ ^[A-Za-z0-9_+=,.@:/-]{2,}$ && ${#parameter[ExternalId]} -le 1224 ]] ||
    misuse "--external-id must be 2 to 1224 letters, digits and _+=,.@:/-, as STS takes it."
  [[ -n ${parameter[CentralRoleArn]} || -z ${given[ExternalId]-}${given[ValidatorImageUri]-} ]] ||
    misuse "--external-id and --validator-image-uri need --central-role-arn, the role that deliveries are validated with."
  [[ ${parameter[Architecture]} == arm64 || ${parameter[Architecture]} == x86_64 ]] ||
    misuse "--arch is arm64 or x86_64, not '${parameter[Architecture]}'."
  [[ ${parameter[PskParameterName]} == /* ]] ||
    misuse "--api-auth-ssm-parameter must be the parameter's full name, which starts with a slash."
  [[ -z ${parameter[DomainName]} || -n ${parameter[CertificateArn]}${parameter[HostedZoneId]} ]] ||
    misuse "--domain needs --certificate-arn, or --hosted-zone-id to have a certificate issued."
  [[ ${previous[IncludeApi]-} != true || ${previous[PackageType]} == "${parameter[PackageType]}" ]] ||
    fail "The functions are there as ${previous[PackageType]}, and Lambda cannot repack a function: run --delete, which keeps the table, then deploy again."
}

# The table may be there already: left by a deleted stack, which is taken over, or made by another stack, which keeps it.
check_table() {
  local table=$project-$environment-tenant-configs keys owner
  import_table=false
  [[ ${previous[ManageTable]-} != true ]] || return 0
  parameter[ManageTable]=true
  if ! keys=$(aws_call dynamodb describe-table --table-name "$table" \
    --query "join(',', sort(Table.KeySchema[].join(':', [KeyType, AttributeName])))"); then
    aws_error_says ResourceNotFound || fail "The table $table cannot be looked up. ($(aws_error))"
    return 0
  fi
  [[ $keys == HASH:tenant_id,RANGE:type ]] ||
    fail "The table $table is there with other keys than tenant_id and type: choose another project or environment."
  # A deleted stack may still be told of, with what it left.
  owner=$(aws_call cloudformation describe-stack-resources --physical-resource-id "$table" --query \
    "StackResources[?PhysicalResourceId=='$table' && !starts_with(ResourceStatus, 'DELETE')].StackName | [0]") || owner=''
  if [[ -n $owner && $owner != None && $owner != "$stack" ]]; then
    parameter[ManageTable]=false
    say "The table $table belongs to the stack $owner and is used as it is."
  else
    import_table=true
    say "The table $table is there already and becomes part of the stack, with its items."
  fi
  tell_what_is_off "$table"
}

# Our own table has all of this. A table that is there keeps its settings, taken over or not: CloudFormation changes
# nothing of what it imports. What may not be asked is passed over.
tell_what_is_off() {
  local table=$1 answer key
  local change="aws dynamodb --region $region"
  if answer=$(aws_call dynamodb describe-time-to-live --table-name "$table" \
    --query 'TimeToLiveDescription.[TimeToLiveStatus,AttributeName]') && [[ $answer != ENABL*$'\t'ttl ]]; then
    say "Its time to live is off, so log processors go on finding what has expired: $change update-time-to-live --table-name $table --time-to-live-specification Enabled=true,AttributeName=ttl"
  fi
  if answer=$(aws_call dynamodb describe-continuous-backups --table-name "$table" --query \
    'ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus') && [[ $answer != ENABLED ]]; then
    say "Its point-in-time recovery is off: $change update-continuous-backups --table-name $table --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true"
  fi
  answer=$(aws_call dynamodb describe-table --table-name "$table" \
    --query 'Table.[DeletionProtectionEnabled,SSEDescription.KMSMasterKeyArn]') || return 0
  key=${answer#*$'\t'}
  [[ $answer == True* ]] ||
    say "Its deletion protection is off: $change update-table --table-name $table --deletion-protection-enabled"
  [[ -z $key || $key == None ]] ||
    say "It is encrypted under $key: if that is a key of your own, the roles in the outputs ApiRoleArn and ValidatorRoleArn need kms:Decrypt on it."
}

check_images() {
  [[ ${parameter[PackageType]} == Image ]] || return 0
  [[ -z $binaries ]] || misuse "--binaries is for --package zip."
  parameter[AuthorizerImageUri]=$(resolve_image --authorizer-image-uri "${parameter[AuthorizerImageUri]}")
  parameter[ApiImageUri]=$(resolve_image --api-image-uri "${parameter[ApiImageUri]}")
  if [[ -n ${parameter[CentralRoleArn]} ]]; then
    check_validator_image
  fi
}

# Whoever has no image for it deploys without: the API function then answers in the validator's place.
check_validator_image() {
  if [[ -n ${parameter[ValidatorImageUri]} ]]; then
    parameter[ValidatorImageUri]=$(resolve_image --validator-image-uri "${parameter[ValidatorImageUri]}")
  else
    say "Configurations are validated no further than the table; looking beyond it takes --validator-image-uri."
  fi
}

# Whether there will be a validator, as regional.yaml has it.
has_validator() {
  [[ -n ${parameter[CentralRoleArn]} && -n ${parameter[ValidatorImageUri]}${parameter[ValidatorCodeKey]} ]]
}

# The image by its digest: a tag may move, and neither CloudFormation nor a roll-back would notice.
resolve_image() {
  local option=$1 uri=$2 image id digest media built_for
  [[ -n $uri ]] || misuse "$option is missing, and without --package zip the functions are images."
  [[ $uri =~ ^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?/([a-z0-9][a-z0-9._/-]*)([:@].+)?$ ]] ||
    fail "$option must be an image in ECR, ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG, not '$uri'."
  local registry=${BASH_REMATCH[1]} home=${BASH_REMATCH[2]} repository=${BASH_REMATCH[4]} reference=${BASH_REMATCH[5]}
  [[ $home == "$region" ]] || fail "The image $uri is in $home: Lambda takes images only from its own region, $region."
  case $reference in
    @*) id=imageDigest=${reference#@} ;;
    :*) id=imageTag=${reference#:} ;;
    *) id=imageTag=latest ;;
  esac
  image=$(aws_call ecr describe-images --registry-id "$registry" --repository-name "$repository" --image-ids "$id" \
    --query 'imageDetails[0].[imageDigest,imageManifestMediaType]') ||
    fail "The image $uri is not there: push it first. ($(aws_error))"
  digest=${image%%$'\t'*} media=${image##*$'\t'}
  [[ $media != *index* && $media != *manifest.list* ]] ||
    fail "$uri is an image for several architectures, which Lambda does not take: push the one for ${parameter[Architecture]} by itself."
  built_for=$(image_architecture "$registry" "$repository" "$digest")
  [[ -z $built_for || $built_for == "${parameter[Architecture]}" ]] ||
    fail "The image $uri is built for $built_for: build it for ${parameter[Architecture]}, or deploy with --arch $built_for."
  printf '%s@%s' "${uri%"$reference"}" "$digest"
}

# What an image was built for, as Lambda calls it; nothing where that cannot be read from here.
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

# The key must be there before the authorizer looks for it. Its value is neither read nor shown.
check_psk() {
  local name=${parameter[PskParameterName]} type secret=/aws/reference/secretsmanager/
  parameter[PskSecretArn]=''
  if [[ $name == "$secret"* ]]; then
    parameter[PskSecretArn]=$(aws_call secretsmanager describe-secret --secret-id "${name#"$secret"}" --query ARN) ||
      fail "The secret ${name#"$secret"} cannot be found: create it in Secrets Manager first. ($(aws_error))"
    return
  fi
  type=$(aws_call ssm get-parameters --names "$name" --query 'Parameters[0].Type') ||
    fail "The parameter $name cannot be looked up. ($(aws_error))"
  case $type in
    SecureString) ;;
    None | '')
      if ! $create_psk; then
        fail "SSM has no parameter $name: create it as a SecureString, or let --create-psk do it."
      elif $dry_run; then
        say "The parameter $name would be created."
      else
        create_psk "$name"
      fi
      ;;
    *) fail "The parameter $name is a $type, readable by anyone who may list parameters: delete it and create it as a SecureString." ;;
  esac
}

create_psk() {
  # By way of a file: the arguments of a process are everybody's to read. And never over a key that is there.
  printf '{"Name":"%s","Type":"SecureString","Description":"PSK for tenant management API authentication","Value":"%s"}' \
    "$1" "$(head -c 32 /dev/urandom | base64 | tr -d '\n')" >"$work/psk.json"
  aws_call ssm put-parameter --no-overwrite --cli-input-json "file://$work/psk.json" >/dev/null ||
    fail "The parameter $1 cannot be created. ($(aws_error))"
  rm "$work/psk.json"
  say "Created the parameter $1 with 256 random bits."
}

# API Gateway writes logs with a role that an account sets once for a region. Where there is none, this stack sets one.
check_gateway_account() {
  local role
  [[ ${previous[ManageGatewayLogging]-} != true ]] || return 0
  role=$(aws_call apigateway get-account --query cloudwatchRoleArn) ||
    fail "The settings of API Gateway cannot be read. ($(aws_error))"
  parameter[ManageGatewayLogging]=false
  if [[ -z $role || $role == None ]]; then
    parameter[ManageGatewayLogging]=true
    say "API Gateway may not write logs in this region yet; the stack gives it a role for that."
  fi
}
