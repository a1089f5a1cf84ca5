#!/usr/bin/env bash
# shellcheck source=tests/stages/lib.sh
source "$TOP/tests/stages/lib.sh"
need python3 python3
need curl curl
need openssl openssl
need jq jq

# expect NAME COMMAND...: the command succeeds and prints, line by line, what is on stdin (as regular expressions).
expect() {
  local name=$1 output line
  shift
  output=$("$@" 2>&1) || { printf '%s\n%s: failed\n' "$output" "$name" && return 1; }
  while read -r line; do
    grep -qE -- "$line" <<<"$output" || { printf '%s\n%s: no line has %s\n' "$output" "$name" "$line" && return 1; }
  done
  echo "$name: ok"
}

# An example that everything is wrong for says so and fails.
expect_failure() {
  local name=$1
  shift
  ! "$@" >/dev/null 2>&1 || { echo "$name: ought to fail" && return 1; }
  echo "$name: ok"
}

work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
if have go golang-go; then
  export GOCACHE=$CACHE/go GOFLAGS=-mod=readonly GOTOOLCHAIN=local
  (cd examples/go && go vet . && go build -o "$work/example" .)
  (cd tests/clients/seed-go && go vet . && go build -o "$work/first" . && go test -c -o "$work/first-test" .)
else
  partly_skip 'the clients in Go: go is not installed'
fi

for stage in /development ''; do
  start_server # a fresh table: the first Go client always uses the same tenant
  export BASE_URL=$ORIGIN$stage PAGE_SIZE=1
  echo "--- $BASE_URL"

  expect python python3 examples/python/tenant_api.py <<'LINES'
^health: healthy$
^of this tenant: \['cloudwatch', 's3'\]$
^of this tenant, among all: \['cloudwatch', 's3'\]$
^labels: \{'team': 'platform'\}$
^moved to: us-west-2 - still disabled: True$
^valid: True$
^dry run: .*"succeeded": 1, "unchanged": 1, "failed": 0
^batch: .*"succeeded": 1, "unchanged": 1, "failed": 0
^   update s3 200 \[\{"field": "enabled"
^history: created by create \[.*'labels', 'created_at'\]$
^history: updated by update \['labels'\]$
^would restore: \[\{"field": "target_region", "from": "us-west-2", "to": "us-east-1"\}
^restored: us-east-1 enabled: True labels: None$
^webhook: disabled with a secret: True$
^deleted: Deleted the webhook wh_
^rejected: 412: .* \(request .+\)$
^   bucket_name - .
^deleted: .*s3
LINES
  expect_failure 'python with a wrong key' env PSK=wrong-key-0123456789 python3 examples/python/tenant_api.py

  expect bash examples/bash/tenant-api.sh <<'LINES'
"status":"healthy"
"last_key":"example-[0-9a-f]+#cloudwatch"
"labels":\{"team":"platform"\}
"target_region":"us-west-2","enabled":false
"event":"updated",.*"changes":\[\{"field":"labels"
"created":false,"diff":\[\{"field":"target_region","from":"us-west-2","to":"us-east-1"\}
"message":"Restored the cloudwatch delivery configuration
"secret":"whsec_
"message":"Deleted the webhook
rejected with 412
rejected with 422
"valid":true
LINES
  expect_failure 'bash with a wrong key' env PSK=wrong-key-0123456789 examples/bash/tenant-api.sh

  [[ -x $work/example ]] || continue
  expect go "$work/example" <<'LINES'
^health: healthy$
^of this tenant: 2$
^of this tenant, among all: 2$
^labels: map\[team:platform\]$
^moved to: us-west-2 - still disabled: true$
^valid: true$
^history: created by create$
^restored: us-east-1 enabled: true labels: map\[\]$
^webhook: disabled with a secret: true$
^rejected: 412: .* \(request .+\)$
^   enable - .
^deleted: s3 true$
LINES
  expect_failure 'go with a wrong key' env PSK=wrong-key-0123456789 "$work/example"

  expect 'the first Go client' "$work/first" <<'LINES'
^Health: success$
^Created CloudWatch config: .
^Created S3 config: .
^  "log_group_name": "/aws/logs/example-corp",$
^Tenant has 2 delivery configurations$
^CloudWatch config updated: .
^Total configurations retrieved: 2$
^Validation result: success$
LINES
  "$work/first-test" -test.v
done
stop_server

# Every client walks over keys that people have written into the table by hand.
export LOCAL_SERVER NOT_RUN='' WALK_GO=$work/walk NODE_FOLDER=$CACHE/node-clients
LOCAL_SERVER=$(local_server)
not_run() { # REASON CLIENT...
  partly_skip "a walk with ${*:2}: $1"
  NOT_RUN+=" ${*:2}"
}
if command -v go >/dev/null; then
  (cd tests/clients/go-walk && go vet . && go build -o "$WALK_GO" .)
else
  not_run 'go is not installed' go
fi
# The newest releases of these clients need Node 20 or newer.
if have node nodejs && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
  NODE_FOLDER+=-$(sha256sum tests/clients/package-lock.json | cut -c1-12)
  if [[ ! -e $NODE_FOLDER/ready ]]; then
    mkdir -p "$NODE_FOLDER"
    cp tests/clients/package.json tests/clients/package-lock.json "$NODE_FOLDER"
    if have npm npm && (cd "$NODE_FOLDER" && npm ci --silent --ignore-scripts --no-audit --no-fund); then
      touch "$NODE_FOLDER/ready"
    else
      not_run 'npm cannot install tests/clients/package.json' axios got undici
    fi
  fi
else
  not_run 'Node 20 or newer is not installed' fetch axios got undici
fi
[[ -d $NODE_FOLDER/node_modules/standardwebhooks ]] || partly_skip 'the JavaScript library of Standard Webhooks'
# Walk.java needs Java 17 or newer, with its compiler.
if ! have javac default-jdk-headless || ! java --version | grep -qE '^openjdk (1[7-9]|[2-9][0-9])'; then
  not_run 'a JDK of 17 or newer is not installed' java
fi
python_env tests/clients/requirements.txt
python -m pytest -c tests/pytest.ini tests/clients
