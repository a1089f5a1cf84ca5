#!/usr/bin/env bash
# openapi-generator makes a client of docs/openapi.json for each language. Each of them takes a configuration through its
# whole life, with requests signed by a small interceptor, and reads a list with items that were written by hand.
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
TYPESCRIPT=5.9.3
NODE_TYPES=20.19.43
# Go's only dependency of the generated client, from Debian: there it needs no proxy for modules.
VALIDATOR=/usr/share/gocode/src/gopkg.in/validator.v2
# The annotations in the generated client in Java.
ANNOTATIONS=/usr/share/java/jakarta-annotation-api.jar

make_java() {
  local classes=$work/java/classes
  have javac default-jdk-headless || { partly_skip 'Java: javac is not installed' && return; }
  [[ -e $ANNOTATIONS ]] || apt_install libjakarta-annotation-api-java || { partly_skip 'Java: the annotations are not installed' && return; }
  find "$work/java/src/main" -name '*.java' >"$work/java/sources"
  # The generator's archive contains the Jackson that the client needs.
  javac -nowarn -proc:none -XDsuppressNotes -d "$classes" -cp "$generator:$ANNOTATIONS" "@$work/java/sources" tests/generated/java/*.java
  programs[java]="java -cp $classes:$generator RoundTrip"
}

make_python() {
  cp tests/generated/python/*.py "$work/python"
  programs[python]="python3 -W error $work/python/round_trip.py"
}

make_go() {
  have go golang-go || { partly_skip 'Go: go is not installed' && return; }
  mkdir -p "$work/go/cmd"
  cp tests/generated/go/*.go "$work/go/cmd"
  if [[ -d $VALIDATOR ]] || apt_install golang-gopkg-validator.v2-dev; then
    mkdir -p "$work/go/vendor/gopkg.in"
    cp -R "$VALIDATOR" "$work/go/vendor/gopkg.in"
    printf '%s\n' '# gopkg.in/validator.v2 v2.0.1' '## explicit' gopkg.in/validator.v2 >"$work/go/vendor/modules.txt"
  fi
  (cd "$work/go" && GOCACHE=$CACHE/go GOTOOLCHAIN=local go build -o round-trip ./cmd)
  programs[go]=$work/go/round-trip
}

make_rust() {
  # Its dependencies are compiled once for each machine, not for each clone, and a path that stays compiles nothing twice.
  local folder=$CACHE/generated-rust
  rm -rf "$folder/source"
  mkdir -p "$folder/source"
  cp -R "$work/rust/tenant-api" tests/generated/rust/{Cargo.toml,Cargo.lock,src} "$folder/source"
  CARGO_TARGET_DIR=$folder/target nice -n 5 cargo build --quiet --locked --manifest-path "$folder/source/Cargo.toml"
  programs[rust]=$folder/target/debug/round-trip
}

make_typescript() {
  local compiler=$CACHE/typescript-$TYPESCRIPT-$NODE_TYPES
  have npm npm || { partly_skip 'TypeScript: npm is not installed' && return; }
  [[ -e $compiler/ready ]] ||
    { npm_install "$compiler" "typescript@$TYPESCRIPT" "@types/node@$NODE_TYPES" && touch "$compiler/ready"; } ||
    { partly_skip 'TypeScript: the compiler cannot be installed' && return; }
  cp tests/generated/typescript/*.ts "$work/typescript"
  echo '{}' >"$work/typescript/package.json"
  "$compiler/node_modules/.bin/tsc" --strict --target es2022 --module node16 --types node \
    --typeRoots "$compiler/node_modules/@types" --outDir "$work/typescript/built" "$work/typescript/round-trip.ts"
  programs[typescript]="node $work/typescript/built/round-trip.js"
}

need java default-jre-headless
python_env tests/generated/requirements.txt
generator=$(python3 -c 'import openapi_generator_cli as package; print(package.__path__[0])')/openapi-generator.jar
work=$(mktemp -d)
other=''
trap 'stop_server; [[ -z $other ]] || kill "$other"; rm -rf "$work"' EXIT
declare -A programs

began=$SECONDS
java -jar "$generator" batch --fail-fast --threads 2 --root-dir "$work" tests/generated/*/generator.yaml \
  >"$work/generator.log" 2>&1 || { cat "$work/generator.log" && exit 1; }
echo "generated in $((SECONDS - began)) s"
for language in java python go rust typescript; do
  began=$SECONDS
  "make_$language"
  echo "$language: compiled in $((SECONDS - began)) s"
done

python3 tests/generated/written_by_hand.py >"$work/port" &
other=$!
start_server
until [[ -s $work/port ]]; do sleep 0.1; done
read -r port ODD_COUNT <"$work/port"
export BASE_URL=$ORIGIN/development ODD_URL=http://127.0.0.1:$port ODD_COUNT
for language in "${!programs[@]}"; do
  # shellcheck disable=SC2086 # the program and its arguments are words
  ${programs[$language]}
  # shellcheck disable=SC2086
  ! PSK=wrong-key-0123456789 ${programs[$language]} >/dev/null 2>&1 || { echo "$language: a wrong key is accepted" && exit 1; }
  echo "$language: ok"
done
