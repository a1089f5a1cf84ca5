"""Each mistake is reported in one sentence that says how to fix it, and changes nothing."""

import json
import os
import shutil
import stat
import subprocess

import pytest
from cloud import ACCOUNT, ARCHITECTURE, BUCKET, CENTRAL_ROLE, PSK_PARAMETER, REGION, ROOT, STACK

REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
API = ("-t", "regional", "-b", BUCKET, "--include-api")
OTHER_ARCHITECTURE = "arm64" if ARCHITECTURE == "x86_64" else "x86_64"

USAGE = [
    ((), "The template type is missing: pass -t regional."),
    (("-t", "central", "-b", BUCKET), "The template type 'central' is not supported"),
    (("-t", "regional"), "The S3 bucket for the templates is missing: pass one with -b."),
    (("-t", "regional", "-b"), "-b needs a value."),
    (("-t", "regional", "-b", "--include-api"), "-b needs a value."),
    ((*API, "--quickly"), "Unknown option '--quickly'."),
    ((*API, "-e", "Test_1"), "The environment 'Test_1' must be"),
    ((*API, "-p", "a" * 31), "The project name 'aaa"),
    ((*API, "-r", "Frankfurt"), "'Frankfurt' is not a valid region: pass one with -r."),
    ((*API, "--package", "rpm"), "--package must be image or zip, not 'rpm'."),
    ((*API, "--package", "zip", "--arch", "mips"), "--arch must be arm64 or x86_64, not 'mips'."),
    ((*API, "--parameter", "ApiMemory"), "--parameter must be NAME=VALUE"),
    ((*API, "--parameter", "Memory=1"), "cloudformation/regional.yaml has no parameter Memory."),
    ((*API, "--api-auth-ssm-parameter", "psk"), "must be the full name of a parameter"),
    ((*API, "--central-role-arn", "central"), "--central-role-arn must be the ARN of a role"),
    ((*API, "--central-role-arn", CENTRAL_ROLE, "--external-id", "our own"), "--external-id must be 2 to 1224"),
    ((*API, "--external-id", "ours"), "--external-id needs --central-role-arn"),
    ((*API, "--validator-image-uri"), "--validator-image-uri needs a value."),
    ((*API, "--domain", "api.example.com"), "--domain needs --certificate-arn, or --hosted-zone-id"),
    (("-t", "regional", "-b", BUCKET, "--api-image-uri", "x"), "Options for the API need --include-api."),
    (API, "--authorizer-image-uri is missing"),
    ((*API, "--binaries", "/nowhere"), "--binaries must be a directory, and /nowhere is not one."),
    (("--delete", "--dry-run"), "--delete and --dry-run cannot be combined."),
]


@pytest.mark.parametrize(("options", "sentence"), USAGE, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_misuse_is_reported(cloud, options, sentence):
    output = cloud.run(["./deploy.sh", *options], fails=True)
    assert sentence in output
    assert output.splitlines()[-1].startswith("deploy.sh: ")


def test_help_names_every_option(cloud):
    output = cloud.run(["./deploy.sh", "--help"])
    script = (ROOT / "deploy.sh").read_text()
    for option in ("--include-api", "--create-psk", "--dry-run", "--delete", "--package", "--arch", "--domain"):
        assert option in output
        assert f"{option})" in script


def test_unknown_credentials_are_reported(cloud):
    output = cloud.deploy(fails=True, AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    assert "AWS rejected the credentials" in output


def test_missing_bucket_is_reported(cloud):
    output = cloud.run(["./deploy.sh", "-t", "regional", "-b", "no-such-bucket"], fails=True)
    assert "The bucket no-such-bucket cannot be accessed: create it in us-east-1" in output


def test_bucket_of_another_region_is_rejected(cloud):
    cloud.aws("s3api", "create-bucket", "--bucket", "far-away", "--region", "eu-west-1",
              "--create-bucket-configuration", "LocationConstraint=eu-west-1")  # fmt: skip
    output = cloud.run(["./deploy.sh", "-t", "regional", "-b", "far-away"], fails=True)
    assert "The bucket far-away is in eu-west-1" in output


def test_missing_key_is_reported(cloud):
    output = cloud.deploy("--include-api", "--package", "zip", fails=True)
    assert f"SSM has no parameter {PSK_PARAMETER}: create it as a SecureString, or pass --create-psk." in output


def test_unencrypted_key_is_rejected(cloud):
    cloud.aws("ssm", "put-parameter", "--name", "/clear", "--type", "String", "--value", "0123456789abcdef")
    output = cloud.deploy("--include-api", "--package", "zip", "--api-auth-ssm-parameter", "/clear", fails=True)
    assert "The parameter /clear is a String" in output


# --- Images.


def put_image(cloud, repository, tag, manifest):
    cloud.run(["aws", "ecr", "create-repository", "--repository-name", repository, "--output", "text"])
    cloud.aws(
        "ecr", "put-image", "--repository-name", repository, "--image-tag", tag,
        "--image-manifest", json.dumps(manifest), "--image-manifest-media-type", manifest["mediaType"],
    )  # fmt: skip


def image(seed):
    return {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": f"sha256:{seed * 64}", "size": 1},
        "layers": [],
    }


def fake_curl(cloud, folder, architecture):
    """The environment with a `curl` that returns the configuration of an image: the emulator has no such download."""
    curl = folder / "curl"
    curl.write_text(f"""#!/bin/sh\necho '{{"architecture":"{architecture}","os":"linux"}}'\n""")
    curl.chmod(0o755)
    return {"PATH": f"{folder}:{cloud.environment['PATH']}"}


def deploy_image(cloud, uri, **environment):
    return cloud.deploy(
        "--include-api", "--authorizer-image-uri", uri, "--api-image-uri", uri, fails=True, **environment
    )


def test_missing_image_is_reported(cloud):
    output = deploy_image(cloud, f"{REGISTRY}/nothing:latest")
    assert f"The image {REGISTRY}/nothing:latest was not found: push it first." in output


def test_image_outside_ecr_is_rejected(cloud):
    assert "must be an image in ECR" in deploy_image(cloud, "example.com/api:latest")


def test_image_of_another_region_is_rejected(cloud):
    uri = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/api:latest"
    assert f"The image {uri} is in eu-west-1" in deploy_image(cloud, uri)


def test_multi_architecture_image_is_rejected(cloud):
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
    put_image(cloud, "several", "latest", index)
    assert "is a multi-architecture image, which Lambda does not support" in deploy_image(cloud, f"{REGISTRY}/several")


def test_image_for_another_architecture_is_rejected(cloud, tmp_path):
    put_image(cloud, "amd64-only", "v1", image("a"))
    output = deploy_image(cloud, f"{REGISTRY}/amd64-only:v1", **fake_curl(cloud, tmp_path, "amd64"))
    assert "is built for x86_64: build it for arm64, or deploy with --arch x86_64." in output


# --- Programs.


def programs(folder, source):
    for name in ("authorizer", "api"):
        shutil.copy(source, folder / name)
        (folder / name).chmod(stat.S_IRWXU)
    return folder


def deploy_programs(cloud, folder, architecture=ARCHITECTURE, *options):
    cloud.aws("ssm", "put-parameter", "--name", "/test", "--type", "SecureString", "--value", "x" * 32, "--overwrite")
    return cloud.deploy(
        "--include-api", "--package", "zip", "--arch", architecture, "--binaries", folder,
        "--api-auth-ssm-parameter", "/test", *options, fails=True,
    )  # fmt: skip


def compile_c(folder, source):
    (folder / "main.c").write_text(source)
    subprocess.run(["cc", "main.c", "-o", "program"], cwd=folder, check=True)
    return programs(folder, folder / "program")


def test_program_for_a_newer_glibc_is_rejected(cloud, tmp_path):
    """arc4random came with glibc 2.36; Lambda has 2.34."""
    if tuple(map(int, os.confstr("CS_GNU_LIBC_VERSION").split()[1].split("."))) < (2, 36):
        pytest.skip("this machine's glibc is too old to link against a newer one than Lambda's")
    source = "#include <stdlib.h>\nint main(void) { return (int)arc4random(); }\n"
    output = deploy_programs(cloud, compile_c(tmp_path, source))
    assert "needs glibc 2.36, but Lambda has 2.34" in output


def test_program_for_another_architecture_is_rejected(cloud, tmp_path):
    output = deploy_programs(cloud, compile_c(tmp_path, "int main(void) { return 0; }\n"), OTHER_ARCHITECTURE)
    assert f"and not for {OTHER_ARCHITECTURE}" in output


def test_missing_validator_program_with_a_central_role_is_reported(cloud, tmp_path):
    folder = compile_c(tmp_path, "int main(void) { return 0; }\n")
    output = deploy_programs(cloud, folder, ARCHITECTURE, "--central-role-arn", CENTRAL_ROLE)
    assert f"The program {folder}/validator does not exist: put it there" in output


def test_script_in_place_of_a_program_is_rejected(cloud, tmp_path):
    (tmp_path / "script").write_text("#!/bin/sh\n")
    assert "is built for 'an unknown architecture'" in deploy_programs(cloud, programs(tmp_path, tmp_path / "script"))


def test_missing_cross_compiler_is_reported(cloud):
    """Without --binaries, another architecture needs tools that this machine may lack. The message names them."""
    if shutil.which(f"{'aarch64' if OTHER_ARCHITECTURE == 'arm64' else 'x86_64'}-linux-gnu-gcc"):
        pytest.skip("this machine has a cross compiler")
    cloud.aws("ssm", "put-parameter", "--name", "/test", "--type", "SecureString", "--value", "x" * 32, "--overwrite")
    output = cloud.deploy("--include-api", "--package", "zip", "--arch", OTHER_ARCHITECTURE,
                          "--api-auth-ssm-parameter", "/test", fails=True)  # fmt: skip
    assert "The cross compiler is not installed: install " in output


FOREIGN = """
Resources:
  Queue:
    Type: AWS::SQS::Queue
"""


@pytest.mark.parametrize("options", [API, (*API, "--dry-run"), ("--delete",)], ids=lambda options: options[-1])
def test_stack_of_another_service_is_not_changed(cloud, options):
    named = ("--stack-name", STACK)
    cloud.aws("cloudformation", "create-stack", *named, "--template-body", FOREIGN)
    try:
        cloud.run(["aws", "cloudformation", "wait", "stack-create-complete", *named])
        output = cloud.run(["./deploy.sh", *options], fails=True)
        assert f"The stack {STACK} belongs to another service and is not changed" in output
        resources = cloud.aws("cloudformation", "describe-stack-resources", *named)["StackResources"]
        assert [resource["ResourceType"] for resource in resources] == ["AWS::SQS::Queue"]
    finally:
        cloud.aws("cloudformation", "delete-stack", *named)
        cloud.run(["aws", "cloudformation", "wait", "stack-delete-complete", *named])


def run_part(library, script):
    """Runs a script with the functions of one library of deploy.sh."""
    before = f"""
        set -euo pipefail
        source cloudformation/lib/{library}.sh
        info() {{ echo "$1"; }}
        fail() {{ echo "$1" && exit 1; }}
        sleep() {{ :; }}
        stack=ours region=eu-central-1
    """
    return subprocess.run(["bash", "-c", before + script], cwd=ROOT, capture_output=True, text=True, timeout=60)


def follow(stand_ins):
    """Lets deploy.sh follow a stack, with these functions instead of its own."""
    return run_part("stack", stand_ins + '\nwatched=(arn:ours)\nfollow_stack\necho "$stack_status"')


SETTINGS = (
    "Time to live is disabled",
    "Point-in-time recovery is disabled",
    "Deletion protection is disabled",
    "arn:key",
)


@pytest.mark.parametrize(
    ("ttl", "backups", "table", "reported"),
    [
        ("ENABLED\\tttl", "ENABLED", "True\\tNone", []),
        ("DISABLED\\tNone", "DISABLED", "False\\tarn:key", [0, 1, 2, 3]),
        ("ENABLED\\texpires", "ENABLED", "None\\tNone", [0, 2]),
        ("ENABLING\\tttl", "ENABLED", "True\\tarn:key", [3]),
        ("", "", "", []),
    ],
)
def test_missing_table_settings_are_reported_with_the_command(ttl, backups, table, reported):
    output = run_part("checks", f"""
        aws_call() {{
          case $2 in
            describe-time-to-live) output='{ttl}' ;;
            describe-continuous-backups) output='{backups}' ;;
            describe-table) output='{table}' ;;
          esac
          [[ -n $output ]] && printf "$output"
        }}
        report_table_settings theirs
    """)  # fmt: skip
    assert output.returncode == 0, output
    lines = output.stdout.splitlines()
    assert len(lines) == len(reported), lines
    for line, which in zip(lines, reported, strict=True):
        assert SETTINGS[which] in line
        assert which == 3 or "aws dynamodb --region eu-central-1 update-" in line


def test_credentials_that_expire_during_a_deployment_are_reported():
    output = follow("aws_call() { return 1; }; aws_error() { echo ExpiredToken; }")
    assert output.returncode == 1, output
    assert "CloudFormation continues the deployment" in output.stdout
    assert output.stdout.rstrip().endswith("--stack-name ours --region eu-central-1. (ExpiredToken)")


def test_passing_fault_during_a_deployment_is_retried(tmp_path):
    event = "1\\t2024-01-15T10:30:00Z\\tours\\tAWS::CloudFormation::Stack\\tUPDATE_COMPLETE\\tarn:ours\\t-\\n"
    output = follow(f"""
        aws_call() {{ echo >>"{tmp_path}/calls"; (($(wc -l <"{tmp_path}/calls") > 9)) && printf '{event}'; }}
        aws_error() {{ echo Throttling; }}
    """)
    assert output.stdout.splitlines()[-1] == "UPDATE_COMPLETE", output


def test_nothing_was_changed(cloud):
    """After all of these mistakes there is no stack, and the bucket is empty."""
    stacks = cloud.aws("cloudformation", "list-stacks")["StackSummaries"]
    assert [stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"] == []
    assert "Contents" not in (cloud.aws("s3api", "list-objects-v2", "--bucket", BUCKET) or {})
