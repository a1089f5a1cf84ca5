#!/usr/bin/env bash
# Builds the images with buildah and checks size, content and user, and that each program responds on port 8080.
#
# There is no image registry here, so the builder image is an empty one that sees this machine's compilers through
# volumes, and cargo takes the crates from this machine's copy of the registry. The Containerfiles do not depend on that.
#
# FUNCTION_BINARIES is the directory of the built functions, TARGET_DIRECTORY/TRIPLE/lambda. The build in the image starts
# from a copy of that target directory, so it compiles only the crates of this repository. When the variable is not set,
# the functions are built first, in the same way as for the other stages.
TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
REASONS=${REASONS:-/dev/null}
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"

readonly IMAGES=(authorizer api)
# The programs in each image, and the largest size of each image in bytes.
declare -Ar PROGRAMS=([authorizer]=authorizer [api]='api validator recorder notifier')
declare -Ar MAX_BYTES=([authorizer]=15000000 [api]=37000000)
mounted=()
cargo_home=${CARGO_HOME:-$HOME/.cargo}

finish() {
  local status=$? container
  for container in "${mounted[@]}"; do
    buildah_here rm "$container" >/dev/null || true
  done
  [[ -z ${work-} ]] || rm -rf "$work"
  case $status in
    0) echo 'image: passed' ;;
    "$SKIPPED") echo 'image: skipped' ;;
    *) echo 'image: failed' ;;
  esac
  exit "$status"
}
trap finish EXIT

# Keeps layers between runs, so that only what changed is built again.
buildah_here() {
  buildah --root "$CACHE/images" --runroot "$work/run" "$@"
}

# Cargo compiles a crate again when the path of its source has changed, so CARGO_HOME is the same as outside.
make_builder() {
  local directory
  mkdir -p "$work/builder"/{etc/alternatives,etc/ssl,usr,rust,tmp,root,var} "$work/builder$cargo_home/registry"
  for directory in bin lib lib64 sbin; do
    [[ ! -L /$directory ]] || ln -s "$(readlink "/$directory")" "$work/builder/$directory"
  done
  cat >"$work/Containerfile" <<BUILDER
FROM scratch
COPY builder /
ENV PATH=/rust/bin:/usr/bin:/bin CARGO_HOME=$cargo_home CARGO_NET_OFFLINE=true
BUILDER
  buildah_here build --quiet --layers --file "$work/Containerfile" --tag localhost/builder "$work" >/dev/null
}

# Copies the target directory of the functions to $work/target. A copy, because the image build compiles empty programs
# under the same names first.
copy_target_directory() {
  local binaries=$1 triple
  triple=$(basename "$(dirname "$binaries")")
  mkdir -p "$work/target/$triple"
  # Programs for this machine (build scripts, procedural macros) are beside those for the target.
  cp -a --reflink=auto "$binaries" "$work/target/$triple/lambda"
  cp -a --reflink=auto "$(dirname "$(dirname "$binaries")")/lambda" "$work/target/lambda"
}

build() {
  local image=$1
  buildah_here build --layers --isolation chroot --build-arg BUILDER=localhost/builder \
    --volume /usr:/usr:ro --volume /etc/alternatives:/etc/alternatives:ro --volume /etc/ssl:/etc/ssl:ro \
    --volume "$(rustc --print sysroot):/rust:ro" --volume "$cargo_home/registry:$cargo_home/registry" \
    --volume "$work/target:/src/target" \
    --file "Containerfile.$image" --tag "localhost/logging-$image" . >"$work/$image.log" 2>&1 ||
    { tail -n 60 "$work/$image.log" && echo "Containerfile.$image does not build" && return 1; }
}

# Checks an image without starting it. Sets `root`, its file system.
inspect() {
  local image=$1 container size config program
  container=$(buildah_here from "localhost/logging-$image")
  mounted+=("$container")
  root=$(buildah_here mount "$container")

  size=$(find "$root" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
  echo "$image: $size bytes"
  ((size <= MAX_BYTES[$image])) || { echo "$image: larger than ${MAX_BYTES[$image]} bytes" && return 1; }

  # shellcheck disable=SC2086 # the programs are words
  diff <(cd "$root" && find . -mindepth 1 | sort) \
    <(printf './%s\n' ${PROGRAMS[$image]} etc etc/ssl etc/ssl/certs etc/ssl/certs/ca-certificates.crt | sort) ||
    { echo "$image: the content differs" && return 1; }

  config=$(buildah_here inspect --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Architecture}}' "$container")
  [[ $config == "65532:65532 [/$image] "* ]] || { echo "$image: runs as $config" && return 1; }

  for program in ${PROGRAMS[$image]}; do
    if readelf -lW "$root/$program" | grep -q INTERP; then
      echo "$image: $program is not static" && return 1
    fi
  done
  echo "$image: ${PROGRAMS[$image]} and the CA certificates, runs as $config"
}

# The builder is the compiler that the project is built with, by the digest of its image; no other image is a base; both Containerfiles build the same before their last
# stage.
check_containerfiles() {
  local channel
  channel=$(sed -nE 's/^channel = "([0-9]+\.[0-9]+).*/\1/p' rust-toolchain.toml)
  grep -qE "^ARG BUILDER=rust:$channel-[a-z-]+@sha256:[0-9a-f]{64}$" Containerfile.authorizer ||
    { echo "the builder is not Rust $channel, by its digest" && return 1; }
  # shellcheck disable=SC2016 # the Containerfile's own variables
  ! grep -hE '^FROM' Containerfile.* | grep -vE '^FROM (--platform=\$BUILDPLATFORM \$\{BUILDER\} AS toolchain|toolchain AS [a-z]+|scratch)$' ||
    { echo 'a base image has no digest' && return 1; }
  diff <(shared_stages authorizer) <(shared_stages api) ||
    { echo 'the Containerfiles differ before their last stage' && return 1; }
}

shared_stages() {
  sed -n '/^ARG BUILDER/,/^FROM scratch/p' "Containerfile.$1"
}

[[ $(id -u) == 0 ]] || skip 'buildah with chroot isolation needs root here'
need buildah buildah
need readelf binutils
need unshare util-linux
need ip iproute2
need openssl openssl
need python3 python3
[[ -f /usr/lib/x86_64-linux-gnu/libc.a || -f /usr/lib/aarch64-linux-gnu/libc.a ]] ||
  skip 'the static C library is not installed (libc6-dev)'
work=$(mktemp -d)
mkdir -p "$CACHE/images"

check_containerfiles
cargo fetch --locked --quiet
binaries=${FUNCTION_BINARIES:-$(function_binaries)}
copy_target_directory "$binaries"
make_builder
for image in "${IMAGES[@]}"; do
  began=$SECONDS
  build "$image"
  echo "$image: built in $((SECONDS - began)) s"
  inspect "$image"
  for program in ${PROGRAMS[$image]}; do
    # In a network namespace of its own, port 8080 is free and nothing else listens.
    unshare --net -- sh -c 'ip link set lo up && exec python3 -B "$@"' sh tests/image/check_image.py "$program" "$root"
  done
done
