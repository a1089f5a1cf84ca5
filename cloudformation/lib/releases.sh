# Releases: which versions of the functions belong to one, and serving with another. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2034,SC2154 # the variables are deploy.sh's

# Prints the versions of a function, newest first: number, release and time. A version's description is `release ID`.
versions_of() {
  aws_call lambda list-versions-by-function --function-name "$(function_name "$1")" \
    --query "Versions[?Version!='\$LATEST'].[Version,Description,LastModified]" | sed 's/\trelease /\t/' | sort -rn
}

# Prints the newest version of a release, or nothing.
version_in() {
  versions_of "$1" | awk -F '\t' -v release="$2" '$2 == release { print $1; exit }'
}

# Prints the release of a version.
release_of() {
  versions_of "$1" | awk -F '\t' -v version="$2" '$1 == version { print $2; exit }'
}

# --rollback: serves with an earlier release, at once, and pins it. With the newest one, it goes forward again.
roll_back() {
  local release
  need_stack --rollback
  [[ ${previous[IncludeApi]} == true ]] || fail "The stack $stack has no API to roll back."
  [[ -n ${previous[PinnedApiVersion]+set} ]] ||
    fail "The stack $stack was deployed by an earlier deploy.sh, whose templates cannot pin a version: move the alias live with aws lambda update-alias, or deploy once with this one."
  use_previous_parameters
  read_live live_before
  release=$(wanted_release)
  choose_versions "$release"
  if $dry_run; then
    info "The functions would serve with release $release. Nothing was changed."
    return
  fi
  step "Rolling back to release $release"
  move_aliases
  # The newest release needs no pin.
  [[ $release != "${previous[Release]}" ]] || pin=()
  pin_stack
  read_live live
  live_before=()
  step 'Checking the release'
  verify UPDATE || fail "Release $release is live, but $cause."
  step "Release $release is live"
  report_drift
}

use_previous_parameters() {
  local name
  for name in "${!previous[@]}"; do parameter[$name]=${previous[$name]}; done
}

# Prints the release that --rollback names, by its id or a version of the API function, or the one before the live one.
wanted_release() {
  local current=${live_before[api]-} release found
  release=$(release_of api "$current")
  if [[ -n $wanted_release ]]; then
    found=$(versions_of api | awk -F '\t' -v wanted="$wanted_release" '$1 == wanted || $2 == wanted { print $2; exit }')
    [[ -n $found ]] || fail "There is no release $wanted_release: ./deploy.sh --status$(common_options) lists them."
  else
    found=$(versions_of api | awk -F '\t' -v current="$current" -v release="$release" \
      '$1 + 0 < current + 0 && $2 != release { print $2; exit }')
    [[ -n $found ]] || fail "There is no release before the live one, $release."
  fi
  printf '%s' "$found"
}

# Sets `pin` to the versions of a release, each of which must start: its image may be gone.
choose_versions() {
  local program version
  pin=()
  for program in "${!live_before[@]}"; do
    version=$(version_in "$program" "$1")
    if [[ -z $version ]]; then
      info "${program^} has no version in release $1 and keeps version ${live_before[$program]}."
      continue
    fi
    key_for_events
    invoke_version "$program" "$version" || fail "Nothing was changed, because $cause."
    pin[Pinned${program^}Version]=$version
  done
}

key_for_events() {
  [[ -n $key ]] || read_key "${parameter[PskParameterName]}" || true
}

# What a deployment does with versions that a rollback pinned: it keeps them unless it makes another release, and asks
# before it serves again with code that was rolled back.
settle_pins() {
  local name pinned=false same=true
  for name in "${!previous[@]}"; do
    [[ $name != Pinned*Version || -z ${previous[$name]} ]] || pinned=true
  done
  $pinned || return 0
  if [[ ${parameter[Release]} == "${previous[Release]}" ]]; then
    warn "The functions stay at the release that a rollback made live: ./deploy.sh --rollback ${previous[Release]}$(common_options) goes forward again."
    return
  fi
  for name in AuthorizerImageUri ApiImageUri AuthorizerCodeKey ApiCodeKey ValidatorCodeKey; do
    [[ ${parameter[$name]} == "${previous[$name]-}" ]] || same=false
  done
  ! $same || $dry_run ||
    confirm "A rollback chose the live release, and this deployment serves with the code of the newest one again."
  for name in "${!parameter[@]}"; do
    [[ $name != Pinned*Version ]] || parameter[$name]=''
  done
}

# --follow: what the interrupted command would have done after the deployment.
finish_followed() {
  local program
  previous=()
  read_stack
  use_previous_parameters
  if [[ ${parameter[IncludeApi]} == true ]]; then
    key_for_events
    read_live live
    for program in "${!live[@]}"; do
      live_before[$program]=$(version_before "$program" "${live[$program]}")
    done
    look_after UPDATE
  fi
  step 'Deployed'
  finish_deployment
}

# Prints the version that was live before the operation that was followed: this one, if it is older than the operation, else
# the newest one of another release.
version_before() {
  versions_of "$1" | awk -F '\t' -v current="$2" -v since="$last_time" '
    $1 == current { release = $2; if (substr($3, 1, 19) < substr(since, 1, 19)) { print current; exit } }
    $1 + 0 < current + 0 && $2 != release { print $1; exit }
  '
}
