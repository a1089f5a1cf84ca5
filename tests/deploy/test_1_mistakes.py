"""Each mistake is one sentence that says what to do, and changes nothing."""

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
    ((), "Say what to deploy: -t regional."),
    (("-t", "central", "-b", BUCKET), "The template type 'central' is not part of this repository"),
    (("-t", "regional"), "Say which S3 bucket the templates go to with -b."),
    (("-t", "regional", "-b"), "-b needs a value."),
    (("-t", "regional", "-b", "--include-api"), "-b needs a value."),
    ((*API, "--quickly"), "There is no option '--quickly'."),
    ((*API, "-e", "Test_1"), "The environment 'Test_1' must be"),
    ((*API, "-p", "a" * 31), "The project name 'aaa"),
    ((*API, "-r", "Frankfurt"), "Say which region with -r; 'Frankfurt' is none."),
    ((*API, "--package", "rpm"), "--package is image or zip, not 'rpm'."),
    ((*API, "--package", "zip", "--arch", "mips"), "--arch is arm64 or x86_64, not 'mips'."),
    ((*API, "--parameter", "ApiMemory"), "--parameter wants NAME=VALUE"),
    ((*API, "--parameter", "Memory=1"), "There is no parameter Memory"),
    ((*API, "--api-auth-ssm-parameter", "psk"), "must be the parameter's full name"),
    ((*API, "--central-role-arn", "central"), "--central-role-arn must be a role's ARN"),
    ((*API, "--central-role-arn", CENTRAL_ROLE, "--external-id", "our own"), "--external-id must be 2 to 1224"),
    ((*API, "--external-id", "ours"), "need --central-role-arn"),
    ((*API, "--validator-image-uri", "x"), "need --central-role-arn"),
    ((*API, "--domain", "api.example.com"), "--domain needs --certificate-arn, or --hosted-zone-id"),
    (("-t", "regional", "-b", BUCKET, "--api-image-uri", "x"), "Options for the API need --include-api as well."),
    (API, "--authorizer-image-uri is missing"),
    ((*API, "--binaries", "/nowhere"), "--binaries names /nowhere"),
    (("--delete", "--dry-run"), "--delete and --dry-run do not go together."),
]


@pytest.mark.parametrize(("options", "sentence"), USAGE, ids=lambda value: value[:40] if isinstance(value, str) else "")
def test_misuse_is_explained(cloud, options, sentence):
    answer = cloud.run(["./deploy.sh", *options], fails=True)
    assert sentence in answer
    assert answer.splitlines()[-1].startswith("deploy.sh: ")


def test_help_names_every_option(cloud):
    answer = cloud.run(["./deploy.sh", "--help"])
    script = (ROOT / "deploy.sh").read_text()
    for option in ("--include-api", "--create-psk", "--dry-run", "--delete", "--package", "--arch", "--domain"):
        assert option in answer
        assert f"{option})" in script


def test_missing_credentials_are_named(cloud):
    answer = cloud.deploy(fails=True, AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    assert "AWS does not take these credentials" in answer


def test_missing_bucket_is_named(cloud):
    answer = cloud.run(["./deploy.sh", "-t", "regional", "-b", "no-such-bucket"], fails=True)
    assert "The bucket no-such-bucket cannot be used: create it in us-east-1" in answer


def test_bucket_of_another_region_is_refused(cloud):
    cloud.aws("s3api", "create-bucket", "--bucket", "far-away", "--region", "eu-west-1",
              "--create-bucket-configuration", "LocationConstraint=eu-west-1")  # fmt: skip
    answer = cloud.run(["./deploy.sh", "-t", "regional", "-b", "far-away"], fails=True)
    assert "The bucket far-away is in eu-west-1" in answer


def test_missing_key_is_named(cloud):
    answer = cloud.deploy("--include-api", "--package", "zip", fails=True)
    assert f"SSM has no parameter {PSK_PARAMETER}: create it as a SecureString, or let --create-psk do it." in answer


def test_key_in_the_clear_is_refused(cloud):
    cloud.aws("ssm", "put-parameter", "--name", "/clear", "--type", "String", "--value", "0123456789abcdef")
    answer = cloud.deploy("--include-api", "--package", "zip", "--api-auth-ssm-parameter", "/clear", fails=True)
    assert "The parameter /clear is a String" in answer


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


def deploy_image(cloud, uri, **environment):
    return cloud.deploy(
        "--include-api", "--authorizer-image-uri", uri, "--api-image-uri", uri, fails=True, **environment
    )


def test_image_that_is_not_there_is_named(cloud):
    answer = deploy_image(cloud, f"{REGISTRY}/nothing:latest")
    assert f"The image {REGISTRY}/nothing:latest is not there: push it first." in answer


def test_image_outside_ecr_is_refused(cloud):
    assert "must be an image in ECR" in deploy_image(cloud, "example.com/api:latest")


def test_image_of_another_region_is_refused(cloud):
    uri = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/api:latest"
    assert f"The image {uri} is in eu-west-1" in deploy_image(cloud, uri)


def test_image_for_several_architectures_is_refused(cloud):
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}
    put_image(cloud, "several", "latest", index)
    assert "is an image for several architectures, which Lambda does not take" in deploy_image(
        cloud, f"{REGISTRY}/several"
    )


def test_image_for_another_processor_is_refused(cloud, tmp_path):
    """The registry's download is not emulated: a curl of our own answers with the image's configuration."""
    put_image(cloud, "amd64-only", "v1", image("a"))
    curl = tmp_path / "curl"
    curl.write_text("""#!/bin/sh\necho '{"architecture":"amd64","os":"linux"}'\n""")
    curl.chmod(0o755)
    answer = deploy_image(cloud, f"{REGISTRY}/amd64-only:v1", PATH=f"{tmp_path}:{cloud.environment['PATH']}")
    assert "is built for x86_64: build it for arm64, or deploy with --arch x86_64." in answer


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


def test_program_for_a_newer_glibc_is_refused(cloud, tmp_path):
    """arc4random came with glibc 2.36; Lambda has 2.34."""
    if tuple(map(int, os.confstr("CS_GNU_LIBC_VERSION").split()[1].split("."))) < (2, 36):
        pytest.skip("this machine's glibc is too old to link against a newer one than Lambda's")
    source = "#include <stdlib.h>\nint main(void) { return (int)arc4random(); }\n"
    answer = deploy_programs(cloud, compile_c(tmp_path, source))
    assert "needs glibc 2.36, and Lambda has 2.34" in answer


def test_program_for_another_processor_is_refused(cloud, tmp_path):
    answer = deploy_programs(cloud, compile_c(tmp_path, "int main(void) { return 0; }\n"), OTHER_ARCHITECTURE)
    assert f"and not for {OTHER_ARCHITECTURE}" in answer


def test_validator_is_asked_for_with_a_central_role(cloud, tmp_path):
    folder = compile_c(tmp_path, "int main(void) { return 0; }\n")
    answer = deploy_programs(cloud, folder, ARCHITECTURE, "--central-role-arn", CENTRAL_ROLE)
    assert f"There is no program {folder}/validator: put it there" in answer


def test_script_is_no_program(cloud, tmp_path):
    (tmp_path / "script").write_text("#!/bin/sh\n")
    assert "no machine that readelf knows" in deploy_programs(cloud, programs(tmp_path, tmp_path / "script"))


def test_cross_compiler_is_asked_for(cloud):
    """Without --binaries, another architecture takes tools that this machine may not have; the message names them."""
    if shutil.which(f"{'aarch64' if OTHER_ARCHITECTURE == 'arm64' else 'x86_64'}-linux-gnu-gcc"):
        pytest.skip("this machine has a cross compiler")
    cloud.aws("ssm", "put-parameter", "--name", "/test", "--type", "SecureString", "--value", "x" * 32, "--overwrite")
    answer = cloud.deploy("--include-api", "--package", "zip", "--arch", OTHER_ARCHITECTURE,
                          "--api-auth-ssm-parameter", "/test", fails=True)  # fmt: skip
    assert "A cross compiler is missing: install " in answer


FOREIGN = """
Resources:
  Queue:
    Type: AWS::SQS::Queue
"""


@pytest.mark.parametrize("options", [API, (*API, "--dry-run"), ("--delete",)], ids=lambda options: options[-1])
def test_stack_of_somebody_else_is_left_alone(cloud, options):
    named = ("--stack-name", STACK)
    cloud.aws("cloudformation", "create-stack", *named, "--template-body", FOREIGN)
    try:
        cloud.run(["aws", "cloudformation", "wait", "stack-create-complete", *named])
        answer = cloud.run(["./deploy.sh", *options], fails=True)
        assert f"The stack {STACK} is there and is not of this service" in answer
        resources = cloud.aws("cloudformation", "describe-stack-resources", *named)["StackResources"]
        assert [resource["ResourceType"] for resource in resources] == ["AWS::SQS::Queue"]
    finally:
        cloud.aws("cloudformation", "delete-stack", *named)
        cloud.run(["aws", "cloudformation", "wait", "stack-delete-complete", *named])


def run_part(library, script):
    """Runs some lines with the functions of a part of deploy.sh."""
    before = f"""
        set -euo pipefail
        source cloudformation/lib/{library}.sh
        say() {{ echo "$1"; }}
        fail() {{ echo "$1" && exit 1; }}
        sleep() {{ :; }}
        stack=ours region=eu-central-1
    """
    return subprocess.run(["bash", "-c", before + script], cwd=ROOT, capture_output=True, text=True, timeout=60)


def follow(stand_ins):
    """Lets deploy.sh follow a stack, with these functions in place of its own."""
    return run_part("stack", stand_ins + '\nwatched=(arn:ours)\nfollow_stack\necho "$stack_status"')


OFF = ("Its time to live is off", "Its point-in-time recovery is off", "Its deletion protection is off", "arn:key")


@pytest.mark.parametrize(
    ("ttl", "backups", "table", "told"),
    [
        ("ENABLED\\tttl", "ENABLED", "True\\tNone", []),
        ("DISABLED\\tNone", "DISABLED", "False\\tarn:key", [0, 1, 2, 3]),
        ("ENABLED\\texpires", "ENABLED", "None\\tNone", [0, 2]),
        ("ENABLING\\tttl", "ENABLED", "True\\tarn:key", [3]),
        ("", "", "", []),
    ],
)
def test_what_a_table_lacks_is_told_with_the_command(ttl, backups, table, told):
    answer = run_part("checks", f"""
        aws_call() {{
          case $2 in
            describe-time-to-live) answer='{ttl}' ;;
            describe-continuous-backups) answer='{backups}' ;;
            describe-table) answer='{table}' ;;
          esac
          [[ -n $answer ]] && printf "$answer"
        }}
        tell_what_is_off theirs
    """)  # fmt: skip
    assert answer.returncode == 0, answer
    lines = answer.stdout.splitlines()
    assert len(lines) == len(told), lines
    for line, which in zip(lines, told, strict=True):
        assert OFF[which] in line
        assert which == 3 or "aws dynamodb --region eu-central-1 update-" in line


def test_credentials_that_expire_on_the_way_are_told():
    answer = follow("aws_call() { return 1; }; aws_error() { echo ExpiredToken; }")
    assert answer.returncode == 1, answer
    assert "CloudFormation goes on by itself" in answer.stdout
    assert answer.stdout.rstrip().endswith("--stack-name ours --region eu-central-1. (ExpiredToken)")


def test_hiccup_on_the_way_is_waited_out(tmp_path):
    event = "1\\t2024-01-15T10:30:00Z\\tours\\tAWS::CloudFormation::Stack\\tUPDATE_COMPLETE\\tarn:ours\\t-\\n"
    answer = follow(f"""
        aws_call() {{ echo >>"{tmp_path}/calls"; (($(wc -l <"{tmp_path}/calls") > 9)) && printf '{event}'; }}
        aws_error() {{ echo Throttling; }}
    """)
    assert answer.stdout.splitlines()[-1] == "UPDATE_COMPLETE", answer


def test_nothing_was_changed(cloud):
    """After all of these mistakes there is no stack, and nothing in the bucket."""
    stacks = cloud.aws("cloudformation", "list-stacks")["StackSummaries"]
    assert [stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"] == []
    assert "Contents" not in (cloud.aws("s3api", "list-objects-v2", "--bucket", BUCKET) or {})
