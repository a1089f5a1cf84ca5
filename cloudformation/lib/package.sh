# Builds, packages and uploads the functions. Every object in the bucket is named by its content. Sourced by deploy.sh.
# shellcheck shell=bash disable=SC2154 # the variables are deploy.sh's

# The glibc of Lambda's provided.al2023. A program that is linked against a newer one does not start there.
readonly LAMBDA_GLIBC=2.34

# Every function, by the program in its package. The template's parameter for the package is NameCodeKey.
readonly FUNCTIONS=(authorizer api validator recorder notifier)

package_functions() {
  local program deployed=()
  for program in "${FUNCTIONS[@]}"; do
    parameter[${program^}CodeKey]=''
    ! is_packaged "$program" || deployed+=("$program")
  done
  [[ -n $binaries ]] || build_functions
  step "Packaging the functions for ${parameter[Architecture]}"
  for program in "${deployed[@]}"; do
    check_program "$binaries/$program"
  done
  for program in "${deployed[@]}"; do
    parameter[${program^}CodeKey]=$(upload_function "$program")
  done
}

is_packaged() {
  case $1 in
    validator) has_validator ;;
    # Without a history as well, so that `--set IncludeHistory=true` finds it, unless --binaries lacks it.
    recorder) has_history || [[ -z $binaries || -f $binaries/recorder ]] ;;
    # The same.
    notifier) has_webhooks || [[ -z $binaries || -f $binaries/notifier ]] ;;
  esac
}

# Links statically, C library included, so that no glibc has to match on provided.al2023 or elsewhere. Builds every
# function, deployed or not: with another set of packages, cargo would build the dependencies again with other features.
build_functions() {
  local machine=${parameter[Architecture]/arm64/aarch64}
  local target=$machine-unknown-linux-gnu variable
  command -v cargo >/dev/null || fail "Cargo is not installed: install Rust, or pass --binaries with programs built elsewhere."
  variable=$(tr 'a-z-' 'A-Z_' <<<"$target")
  if [[ $(uname -s)-$(uname -m) != "Linux-$machine" ]]; then
    check_cross_tools "$machine" "$target"
    export "CARGO_TARGET_${variable}_LINKER=$machine-linux-gnu-gcc"
  fi
  step "Building the functions for ${parameter[Architecture]} (minutes, the first time)"
  (
    cd "$HERE"
    export "CARGO_TARGET_${variable}_RUSTFLAGS=-C target-feature=+crt-static"
    cargo build --profile lambda --locked --target "$target" "${FUNCTIONS[@]/#/--package=}"
  ) || fail "The build failed: see the messages above."
  binaries=${CARGO_TARGET_DIR:-$HERE/target}/$target/lambda
}

# Another architecture needs a cross compiler, for linking and for the cryptography library, and its standard library.
check_cross_tools() {
  local libraries
  command -v "$1-linux-gnu-gcc" >/dev/null ||
    fail "The cross compiler is not installed: install $1-linux-gnu-gcc (on Debian the packages gcc-${1/_/-}-linux-gnu and libc6-dev-${2%%-*}-cross), or build on a machine of that architecture and pass --binaries, or pass the architecture of this machine with --arch."
  libraries=$(rustc --print sysroot)/lib/rustlib/$2/lib
  [[ -d $libraries ]] || fail "Rust's standard library for $2 is not installed: run rustup target add $2."
}

# Uploads one program as a zip package and prints its key. The key is a hash of the program, not of the archive, whose
# bytes depend on the packaging tool.
upload_function() {
  local name=$1 program=$binaries/$1 key
  key=$project/functions/$name-${parameter[Architecture]}-$(sha256 <"$program").zip
  if ! aws_call s3api head-object --bucket "$bucket" --key "$key" >/dev/null; then
    mkdir -p "$work/$name"
    install -m 0755 "$program" "$work/$name/bootstrap"
    pack "$work/$name" || fail "The zip package cannot be written: install zip."
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

# Checks that Lambda can start the program: its architecture, and the glibc that it needs.
check_program() {
  local program=$1 machine newest
  [[ -f $program ]] || fail "The program $program does not exist: put it there, or omit --binaries to have it built."
  command -v readelf >/dev/null || fail "readelf is not installed: install binutils."
  machine=$(readelf -hW "$program" 2>/dev/null | sed -nE 's/^ *Machine: +//p') || machine=''
  case $machine-${parameter[Architecture]} in
    AArch64-arm64 | *X86-64-x86_64) ;;
    *) fail "$program is built for '${machine:-an unknown architecture}' and not for ${parameter[Architecture]}: build it for that, or pass another --arch." ;;
  esac
  readelf -lW "$program" | grep -q INTERP || return 0 # static
  newest=$(readelf -VW "$program" | grep -oE 'GLIBC_[0-9.]+' | sort -uV | tail -n1) || newest=''
  newest=${newest#GLIBC_}
  [[ $(printf '%s\n' "$newest" "$LAMBDA_GLIBC" | sort -V | tail -n1) == "$LAMBDA_GLIBC" ]] ||
    fail "$program needs glibc $newest, but Lambda has $LAMBDA_GLIBC: omit --binaries to have it built statically, or link it with -C target-feature=+crt-static."
}
