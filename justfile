# The daily commands. `just` lists them.

[private]
default:
    @just --list --unsorted

# The whole service on this machine: http://127.0.0.1:8000
run *arguments:
    cargo run --release -- {{arguments}}

# All stages of the tests, or those named; `just test full` for everything
test *stages:
    tests/run.sh {{stages}}

# What is checked without running anything
lint:
    tests/run.sh scripts format lint docs

# Format the Rust sources
fmt:
    cargo fmt --all

# Write docs/openapi.json
openapi:
    cargo run -p openapi -- generate

# Measure the functions; `just bench --quick` is a short run
bench *arguments:
    cargo run --profile benchmark -p bench -- {{arguments}}

# Deploy to an AWS emulator on this machine, and test the deployment
deploy-local:
    tests/run.sh deploy
