# Images in ECR: their digests, their architecture, and whether they will last. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2004,SC2034,SC2154 # the variables are deploy.sh's

# Sets the images with their digests, and the architecture unless --arch sets it.
check_images() {
  local found name architectures=()
  local names=([0]=AuthorizerImageUri [1]=ApiImageUri)
  [[ ${parameter[PackageType]} == Image && $mode == deploy ]] || return 0
  # An earlier release built the API image without the validator.
  [[ -z ${parameter[CentralRoleArn]} || -z ${previous[ValidatorImageUri]+set} || -n ${given[ApiImageUri]-} ]] ||
    misuse "The API image of this stack does not contain the validator: build Containerfile.api, push it, and pass --api-image-uri."
  # Earlier releases built it without the recorder, or without the notifier.
  if has_history && [[ -n ${previous[ApiImageUri]-} && -z ${previous[IncludeHistory]+set} && -z ${given[ApiImageUri]-} ]]; then
    misuse "The API image of this stack does not contain the recorder: build Containerfile.api, push it, and pass --api-image-uri."
  fi
  if has_webhooks && [[ -n ${previous[ApiImageUri]-} && -z ${previous[IncludeWebhooks]+set} && -z ${given[ApiImageUri]-} ]]; then
    misuse "The API image of this stack does not contain the notifier: build Containerfile.api, push it, and pass --api-image-uri."
  fi
  for name in "${names[@]}"; do
    found=$(resolve_image "$(label_of "$name")" "${parameter[$name]}")
    parameter[$name]=${found%%$'\t'*}
    architectures+=("${found##*$'\t'}")
  done
  take_architecture "${architectures[@]}"
  warn_of_lost_images
}

# The architecture of an image that cannot be read is empty.
take_architecture() {
  local authorizer=$1 api=$2 wanted=${given[Architecture]-}
  if [[ -z $wanted ]]; then
    [[ -z $authorizer || -z $api || $authorizer == "$api" ]] ||
      fail "The image of the authorizer is built for $authorizer and that of the API for $api: build both for one architecture."
    wanted=${api:-${authorizer:-${parameter[Architecture]}}}
    [[ $wanted == "${parameter[Architecture]}" ]] || info "The images are built for $wanted, so the functions run on it."
    parameter[Architecture]=$wanted
  fi
  check_architecture "${parameter[AuthorizerImageUri]}" "$authorizer"
  check_architecture "${parameter[ApiImageUri]}" "$api"
}

check_architecture() {
  [[ -z $2 || $2 == "${parameter[Architecture]}" ]] ||
    fail "The image $1 is built for $2: build it for ${parameter[Architecture]}, or deploy with --arch $2."
}

# Splits the URI of an image into `registry`, `home` (the region), `repository` and `reference`.
parse_image() {
  [[ $1 =~ ^([0-9]{12})\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.(com|com\.cn|eu)/([a-z0-9][a-z0-9._/-]*)([:@].+)?$ ]] || return 1
  registry=${BASH_REMATCH[1]} home=${BASH_REMATCH[2]} repository=${BASH_REMATCH[4]} reference=${BASH_REMATCH[5]}
}

# Prints the image with its digest, and its architecture: CloudFormation and a rollback do not notice when a tag moves.
resolve_image() {
  local option=$1 uri=$2 image id digest media registry home repository reference
  [[ -n $uri ]] || misuse "$option is missing, which the package type image needs."
  parse_image "$uri" ||
    fail "$option must be an image in ECR, ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME:TAG, not '$uri'."
  [[ $home == "$region" ]] || fail "The image $uri is in $home: push it to $region, because Lambda pulls images only from its own region."
  case $reference in
    @*) id=imageDigest=${reference#@} ;;
    :*) id=imageTag=${reference#:} ;;
    *) id=imageTag=latest ;;
  esac
  image=$(aws_call ecr describe-images --registry-id "$registry" --repository-name "$repository" --image-ids "$id" \
    --query 'imageDetails[0].[imageDigest,imageManifestMediaType]') ||
    fail "The image $uri was not found: push it first. ($(aws_error))"
  IFS=$'\t' read -r digest media <<<"$image"
  [[ $media != *index* && $media != *manifest.list* ]] ||
    fail "$uri is a multi-architecture image, which Lambda does not support: push the image for one architecture alone."
  printf '%s@%s\t%s' "${uri%"$reference"}" "$digest" "$(image_architecture "$registry" "$repository" "$digest")"
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

# Lambda fails every call of a function whose image is gone, so nothing may delete an image that runs.
warn_of_lost_images() {
  local name warned=' ' tags policy registry home repository reference
  for name in AuthorizerImageUri ApiImageUri; do
    parse_image "${parameter[$name]}" || continue
    tags=$(aws_call ecr describe-images --registry-id "$registry" --repository-name "$repository" \
      --image-ids "imageDigest=${reference#@}" --query 'imageDetails[0].imageTags[0]') || continue
    [[ -n $tags && $tags != None ]] ||
      warn "The image ${parameter[$name]} has no tag, so a cleanup may delete it, and Lambda then fails every call: give it a tag of its own."
    [[ $warned != *" $repository "* ]] || continue
    warned+="$repository "
    policy=$(aws_call ecr get-lifecycle-policy --registry-id "$registry" --repository-name "$repository" \
      --query lifecyclePolicyText | tr -d ' \n') || continue
    [[ $policy != *'"tagStatus":"untagged"'* && $policy != *'"tagStatus":"any"'* ]] ||
      warn "The repository $repository expires images: one that runs is lost when its tag has moved to another, so give each release a tag that never moves, and exclude these from the expiry."
  done
}
