# Builds, packs and uploads. Everything in the bucket is named by its content. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154 # the variables are deploy.sh's

# Lambda's provided.al2023 has this glibc, and a program that was linked against a newer one does not start there.
readonly LAMBDA_GLIBC=2.34

package_functions() {
  local program programs=(authorizer api)
  # Without a central role there is nothing for it to validate with.
  [[ -z ${parameter[CentralRoleArn]} ]] || programs+=(validator)
  [[ -n $binaries ]] || build_functions
  step "Packing the functions for ${parameter[Architecture]}"
  for program in "${programs[@]}"; do
    check_program "$binaries/$program"
  done
  parameter[AuthorizerCodeKey]=$(upload_function authorizer)
  parameter[ApiCodeKey]=$(upload_function api)
  parameter[ValidatorCodeKey]=''
  [[ -z ${parameter[CentralRoleArn]} ]] || parameter[ValidatorCodeKey]=$(upload_function validator)
}

# Linked statically, C library included: such a program has no glibc to match, on provided.al2023 or anywhere. All of
# them, needed or not: a set of its own would have cargo build their dependencies again, with other features.
build_functions() {
  local machine=${parameter[Architecture]/arm64/aarch64}
  local target=$machine-unknown-linux-gnu variable
  command -v cargo >/dev/null || fail "Cargo is missing: install Rust, or pass --binaries with programs built elsewhere."
  variable=$(tr 'a-z-' 'A-Z_' <<<"$target")
  if [[ $(uname -s)-$(uname -m) != "Linux-$machine" ]]; then
    check_cross_tools "$machine" "$target"
    export "CARGO_TARGET_${variable}_LINKER=$machine-linux-gnu-gcc"
  fi
  step "Building the functions for ${parameter[Architecture]}; the first time takes minutes"
  (
    cd "$HERE"
    export "CARGO_TARGET_${variable}_RUSTFLAGS=-C target-feature=+crt-static"
    cargo build --profile lambda --locked --target "$target" --package authorizer --package api --package validator
  ) || fail "The build failed; its messages stand above."
  binaries=${CARGO_TARGET_DIR:-$HERE/target}/$target/lambda
}

# Another architecture needs its C compiler, for linking and for the cryptography, and its standard library.
check_cross_tools() {
  local libraries
  command -v "$1-linux-gnu-gcc" >/dev/null ||
    fail "A cross compiler is missing: install $1-linux-gnu-gcc (on Debian the packages gcc-${1/_/-}-linux-gnu and libc6-dev-${2%%-*}-cross), build on a machine of that architecture and pass --binaries, or deploy with --arch of this one."
  libraries=$(rustc --print sysroot)/lib/rustlib/$2/lib
  [[ -d $libraries ]] || fail "Rust's standard library for $2 is missing: run rustup target add $2."
}

# Uploads one program as bootstrap.zip and prints its key. The key is made of the program, not of the archive, whose
# bytes depend on the tool that packs.
upload_function() {
  local name=$1 program=$binaries/$1 key
  key=$project/functions/$name-${parameter[Architecture]}-$(sha256 <"$program").zip
  if ! aws_call s3api head-object --bucket "$bucket" --key "$key" >/dev/null; then
    mkdir -p "$work/$name"
    install -m 0755 "$program" "$work/$name/bootstrap"
    pack "$work/$name" || fail "The archive cannot be written: install zip."
    aws_call s3 cp --only-show-errors "$work/$name/function.zip" "s3://$bucket/$key" >&2 ||
      fail "The upload to s3://$bucket/$key failed. ($(aws_error))"
  fi
  printf '%s' "$key"
}

pack() {
  if command -v zip >/dev/null; then
    (cd "$1" && zip -q -X -9 function.zip bootstrap)
  else
    (cd "$1" && python3 -m zipfile -c function.zip bootstrap)
  fi
}

# That Lambda can start the program: it is for the right processor, and needs no newer glibc than Lambda has.
check_program() {
  local program=$1 machine newest
  [[ -f $program ]] || fail "There is no program $program: put it there, or leave out --binaries to have it built."
  command -v readelf >/dev/null || fail "readelf is missing: install binutils, which it takes to check the programs."
  machine=$(readelf -hW "$program" 2>/dev/null | sed -nE 's/^ *Machine: +//p') || machine=''
  case $machine-${parameter[Architecture]} in
    AArch64-arm64 | *X86-64-x86_64) ;;
    *) fail "$program is for '${machine:-no machine that readelf knows}' and not for ${parameter[Architecture]}: build it for that, or choose another --arch." ;;
  esac
  readelf -lW "$program" | grep -q INTERP || return 0 # static
  newest=$(readelf -VW "$program" | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n1) || newest=''
  newest=${newest#GLIBC_}
  [[ $(printf '%s\n' "$newest" "$LAMBDA_GLIBC" | sort -V | tail -n1) == "$LAMBDA_GLIBC" ]] ||
    fail "$program needs glibc $newest, and Lambda has $LAMBDA_GLIBC: leave out --binaries, which builds it static, or link it with -C target-feature=+crt-static."
}

# Puts the templates into the bucket under a name made of their content, and sets the parameters that lead there.
stage_templates() {
  local set=$work/templates release deployment file nested=()
  step 'Staging the templates'
  mkdir -p "$set"
  cp "$TEMPLATES"/*.yaml "$set"
  # A version or a deployment is a resource that cannot change. Its name therefore holds a hash of all it is made from.
  release=$(fingerprint functions.yaml)
  deployment=$(fingerprint api.yaml DomainName)
  # Where a validation goes depends on parameters that this template does not see.
  ! has_validator || deployment+=Validated
  parameter[Release]=$release
  substitute "s/(AuthorizerVersion|ApiVersion|ValidatorVersion)Revision/\\1$release/g" "$set/functions.yaml"
  substitute "s/DeploymentRevision/Deployment$deployment/g" "$set/api.yaml"
  # CloudFormation takes over an existing table only if its name stands in the template as it is.
  substitute "s/!Sub \\$\{ProjectName\}-\\$\{Environment\}-tenant-configs$/$project-$environment-tenant-configs/" "$set/regional.yaml"
  parameter[TemplatesPrefix]=$project/templates/$(cat "$set"/*.yaml | sha256 | cut -c1-16)
  # The root template goes last: where it is, the others are.
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

# A hash of a template and of the parameters that it takes, and of further ones.
fingerprint() {
  local template=$TEMPLATES/$1 name
  shift
  {
    cat "$template"
    { declared_parameters "$template" | cut -f1 && printf '%s\n' "$@"; } | sort -u | while read -r name; do
      # The release is what this makes, and where things are kept changes nothing.
      [[ ! -v "parameter[$name]" || $name == Release || $name == Templates* ]] || printf '%s=%s\n' "$name" "${parameter[$name]}"
    done
  } | sha256 | cut -c1-12
}

substitute() {
  sed -E "$1" "$2" >"$2.new"
  mv "$2.new" "$2"
}
