# The templates that are deployed: their identity, and their upload. Every object in the bucket is named by its content.
# Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

# Names in the templates that deploy.sh replaces for each release.
readonly VERSIONS='AuthorizerVersion|ApiVersion|ValidatorVersion|RecorderVersion|NotifierVersion'

# For --set: the templates of the deployed stack in place of those beside this script, so that only the setting changes.
use_deployed_templates() {
  local source file
  bucket=${previous[TemplatesBucket]} source=s3://${previous[TemplatesBucket]}/${previous[TemplatesPrefix]}
  TEMPLATES=$work/deployed
  mkdir -p "$TEMPLATES"
  aws_call s3 cp --only-show-errors --recursive "$source" "$TEMPLATES" || fail "The templates in $source cannot be read. ($(aws_error))"
  [[ -f $TEMPLATES/regional.yaml && -f $TEMPLATES/functions.yaml ]] ||
    fail "The templates of the stack are no longer in $source: a lifecycle rule of the bucket must not delete them, so deploy again with -t and -b."
  for file in "$TEMPLATES"/*.yaml; do
    substitute "s/($VERSIONS)[0-9a-f]{12}/\\1Revision/g; s/Deployment[0-9a-f]{12}(Validated)?/DeploymentRevision/g" "$file"
  done
}

# Prepares the templates in $work/templates, and sets the parameters that are made from their content.
prepare_templates() {
  local set=$work/templates release deployment file
  mkdir -p "$set"
  cp "$TEMPLATES"/*.yaml "$set"
  # A Lambda version and an API deployment are immutable, so their logical ids contain a hash of everything that they are
  # made from.
  release=$(fingerprint "$TEMPLATES/functions.yaml" "$TEMPLATES/history.yaml" "$TEMPLATES/webhooks.yaml")
  deployment=$(fingerprint "$TEMPLATES/api.yaml" -- DomainName)
  # The integration of the validate route depends on a parameter that this template does not declare.
  ! has_validator || deployment+=Validated
  parameter[Release]=$release
  for file in "$set"/{functions,history,webhooks}.yaml; do
    [[ ! -f $file ]] || substitute "s/($VERSIONS)Revision/\\1$release/g" "$file"
  done
  substitute "s/DeploymentRevision/Deployment$deployment/g" "$set/api.yaml"
  # CloudFormation imports an existing table only if its name is literal in the template.
  substitute "s/!Sub \\$\{ProjectName\}-\\$\{Environment\}-(tenant-configs|config-history|webhooks|webhook-deliveries)$/$project-$environment-\\1/" "$set/regional.yaml"
  parameter[TemplatesPrefix]=$project/templates/$(cat "$set"/*.yaml | sha256 | cut -c1-16)
}

# Uploads them under a prefix that is a hash of their content.
upload_templates() {
  local set=$work/templates file nested=()
  step 'Uploading the templates'
  # The root template is uploaded last: if it exists, so do the others.
  if ! aws_call s3api head-object --bucket "$bucket" --key "${parameter[TemplatesPrefix]}/regional.yaml" >/dev/null; then
    for file in "$set"/*.yaml; do
      [[ $file == */regional.yaml ]] || nested+=("$file")
    done
    for file in "${nested[@]}" "$set/regional.yaml"; do
      aws_call s3 cp --only-show-errors "$file" "s3://$bucket/${parameter[TemplatesPrefix]}/${file##*/}" ||
        fail "The upload to s3://$bucket/${parameter[TemplatesPrefix]} failed. ($(aws_error))"
    done
  fi
}

# Prints a hash of templates, the parameters that they declare, and the further ones that are named after `--`. Which version
# is live changes no version, the location of the templates has no effect, and the hash itself is the release.
fingerprint() {
  local template name names=()
  while (($# > 0)) && [[ $1 != -- ]]; do
    # An earlier release has no template of the history, or of the webhooks.
    [[ ! -f $1 ]] || names+=("$1")
    shift
  done
  {
    cat "${names[@]}"
    { for template in "${names[@]}"; do declared_names "$template"; done && printf '%s\n' "${@:2}"; } | sort -u | while read -r name; do
      case $name in
        '' | Release | Templates* | Pinned*) continue ;;
      esac
      [[ -z ${parameter[$name]+set} ]] || printf '%s=%s\n' "$name" "${parameter[$name]}"
    done
  } | sha256 | cut -c1-12
}

substitute() {
  sed -E "$1" "$2" >"$2.new"
  mv "$2.new" "$2"
}
