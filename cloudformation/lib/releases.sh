# Releases: which versions of the functions belong to one, and serving with another. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2004,SC2034,SC2154 # the variables are deploy.sh's

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
  local release=''
  need_stack --rollback
  [[ ${previous[IncludeApi]} == true ]] || fail "The stack $stack has no API to roll back."
  [[ -n ${previous[PinnedApiVersion]+set} ]] ||
    fail "The stack $stack was deployed by an earlier deploy.sh, whose templates cannot pin a version: move the alias live with aws lambda update-alias, or deploy once with this one."
  use_previous_parameters
  read_live live_before
  key_for_events
  choose_release
  if $dry_run; then
    info "The functions would serve with release $release. Nothing was changed."
    return
  fi
  step "Rolling back to release $release"
  operation=changed
  move_aliases
  # The newest release needs no pin.
  [[ $release != "${previous[Release]}" ]] || pin=()
  pin_stack
  read_live live
  live_before=()
  step 'Checking the release'
  verify UPDATE || fail "Release $release is live, but $cause."
  step "Release $release is live"
  use_previous_parameters
  report_drift
}

use_previous_parameters() {
  local name
  for name in "${!previous[@]}"; do parameter[$name]=${previous[$name]}; done
}

# Sets `release` and `pin` to the release that --rollback names, by its id or a version of the API function, or else to the
# newest one before the live one that starts: a release that never started may be between them.
choose_release() {
  local candidates current=${live_before[api]-} now
  now=$(release_of api "$current")
  if [[ -n $wanted_release ]]; then
    release=$(versions_of api | awk -F '\t' -v wanted="$wanted_release" '$1 == wanted || $2 == wanted { print $2; exit }')
    [[ -n $release ]] || fail "There is no release $wanted_release: ./deploy.sh --status$(common_options) lists them."
    choose_versions "$release" || fail "Nothing was changed, because $cause."
    return
  fi
  candidates=$(versions_of api | awk -F '\t' -v current="$current" -v release="$now" \
    '$1 + 0 < current + 0 && $2 != release && !seen[$2]++ { print $2 }')
  for release in $candidates; do
    choose_versions "$release" && return
    info "Release $release is skipped, because $cause."
  done
  fail "There is no release before the live one, $now, that starts."
}

# Sets `pin` to the versions of a release. Each must start, also because the image of an old one may be gone.
choose_versions() {
  local program version
  pin=() cause=''
  for program in "${FUNCTIONS[@]}"; do
    [[ -n ${live_before[$program]-} ]] || continue
    version=$(version_in "$program" "$1")
    if [[ -z $version ]]; then
      info "${program^} has no version in release $1 and keeps version ${live_before[$program]}."
      continue
    fi
    invoke_version "$program" "$version" || return 1
    pin[Pinned${program^}Version]=$version
  done
}

key_for_events() {
  [[ -n $key ]] || read_key "${parameter[PskParameterName]}" || true
}

keeps_pins=false

# What a deployment does with versions that a rollback pinned: it keeps them unless it makes another release, and asks
# before it serves again with code that was rolled back.
settle_pins() {
  local name pinned=false same=true
  for name in "${!previous[@]}"; do
    [[ $name != Pinned*Version || -z ${previous[$name]} ]] || pinned=true
  done
  $pinned || return 0
  if [[ ${parameter[Release]} == "${previous[Release]}" ]]; then
    keeps_pins=true
    return
  fi
  for name in AuthorizerImageUri ApiImageUri AuthorizerCodeKey ApiCodeKey ValidatorCodeKey RecorderCodeKey NotifierCodeKey; do
    [[ ${parameter[$name]-} == "${previous[$name]-}" ]] || same=false
  done
  ! $same || $dry_run ||
    confirm "A rollback chose the live release, and this deployment serves with the code of the newest one again."
  for name in "${!parameter[@]}"; do
    [[ $name != Pinned*Version ]] || parameter[$name]=''
  done
}

# A deployment whose release is not live has failed, also when the stack is up to date.
report_pins() {
  local text
  text="A rollback made another release live, and the functions stay there: ./deploy.sh --rollback ${previous[Release]-}$(common_options) goes forward again."
  $keeps_pins || return 0
  [[ $mode == set ]] || fail "$text"
  warn "$text"
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
