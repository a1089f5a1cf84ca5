#!/usr/bin/env bash
# Builds the images with buildah and holds them to what they promise: size, content, user, and an answer on port 8080.
#
# There is no image registry here, so the builder image is an empty one that sees this machine's compilers through
# volumes, and cargo takes the crates from this machine's copy of the registry. The Containerfiles know nothing of that.
TOP=${TOP:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
REASONS=${REASONS:-/dev/null}
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"

readonly MAX_BYTES=15000000
readonly PROGRAMS=(authorizer api validator)
mounted=()

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

# Layers are kept from run to run, so that only what changed is built again.
buildah_here() {
  buildah --root "$CACHE/images" --runroot "$work/run" "$@"
}

make_builder() {
  local directory
  mkdir -p "$work/builder"/{etc/alternatives,etc/ssl,usr,rust,cargo/registry,tmp,root,var}
  for directory in bin lib lib64 sbin; do
    [[ ! -L /$directory ]] || ln -s "$(readlink "/$directory")" "$work/builder/$directory"
  done
  cat >"$work/Containerfile" <<'BUILDER'
FROM scratch
COPY builder /
ENV PATH=/rust/bin:/usr/bin:/bin CARGO_HOME=/cargo CARGO_NET_OFFLINE=true
BUILDER
  buildah_here build --quiet --layers --file "$work/Containerfile" --tag localhost/builder "$work" >/dev/null
}

build() {
  local program=$1
  buildah_here build --layers --isolation chroot --build-arg BUILDER=localhost/builder \
    --volume /usr:/usr:ro --volume /etc/alternatives:/etc/alternatives:ro --volume /etc/ssl:/etc/ssl:ro \
    --volume "$(rustc --print sysroot):/rust:ro" --volume "${CARGO_HOME:-$HOME/.cargo}/registry:/cargo/registry" \
    --file "Containerfile.$program" --tag "localhost/logging-$program" . >"$work/$program.log" 2>&1 ||
    { tail -n 60 "$work/$program.log" && echo "Containerfile.$program does not build" && return 1; }
}

# Holds an image to its promise without starting it. Sets `root`, its file system.
inspect() {
  local program=$1 container size config
  container=$(buildah_here from "localhost/logging-$program")
  mounted+=("$container")
  root=$(buildah_here mount "$container")

  size=$(find "$root" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum }')
  echo "$program: $size bytes"
  ((size <= MAX_BYTES)) || { echo "$program: larger than $MAX_BYTES bytes" && return 1; }

  diff <(cd "$root" && find . -mindepth 1 | sort) \
    <(printf './%s\n' "$program" etc etc/ssl etc/ssl/certs etc/ssl/certs/ca-certificates.crt | sort) ||
    { echo "$program: holds something else" && return 1; }

  config=$(buildah_here inspect --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}} {{.OCIv1.Architecture}}' "$container")
  [[ $config == "65532:65532 [/$program] "* ]] || { echo "$program: is run as $config" && return 1; }

  if readelf -lW "$root/$program" | grep -q INTERP; then
    echo "$program: is not static" && return 1
  fi
  echo "$program: one static program and the CA certificates, run as $config"
}

# The registry host's name stands in no Containerfile, and the compiler is the one the project is built with.
check_containerfiles() {
  local channel program
  channel=$(sed -nE 's/^channel = "([0-9]+\.[0-9]+).*/\1/p' rust-toolchain.toml)
  grep -q "^ARG BUILDER=rust:$channel-" Containerfile.authorizer || { echo "the builder is not Rust $channel" && return 1; }
  for program in "${PROGRAMS[@]}"; do
    diff <(without_program authorizer) <(without_program "$program") ||
      { echo 'the Containerfiles differ in more than the program' && return 1; }
  done
}

# What a Containerfile says once its comment at the top is over, less the name of its program in the last stage.
without_program() {
  sed -n '/^ARG BUILDER/,$p' "Containerfile.$1" | sed "/^FROM scratch/,\$s#/$1\b#/PROGRAM#"
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
make_builder
for program in "${PROGRAMS[@]}"; do
  began=$SECONDS
  build "$program"
  echo "$program: built in $((SECONDS - began)) s"
  inspect "$program"
  # In a network of its own: the port is the one that the container serves, and nobody else is there.
  unshare --net -- sh -c 'ip link set lo up && exec python3 -B "$@"' sh tests/image/check_image.py "$program" "$root"
done
