"""Each mistake is reported in one sentence that says how to fix it, and changes nothing."""

import json
import os
import re
import shutil
import stat
import subprocess

import pytest
from cloud import ACCOUNT, ARCHITECTURE, BUCKET, CENTRAL_ROLE, PSK_PARAMETER, REGION, ROOT, STACK
from faults import credentials_without

REGISTRY = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
API = ("-t", "regional", "-b", BUCKET, "--include-api")
OTHER_ARCHITECTURE = "arm64" if ARCHITECTURE == "x86_64" else "x86_64"

ARN = f"arn:aws:iam::{ACCOUNT}"
ZIPPED = (*API, "--package", "zip")


def setting(pair):
    return (*ZIPPED, "--parameter", pair)


# Each kind of a wrong value or of options that do not fit together. All are rejected before anything is built.
USAGE = [
    ((), "The template type is missing: pass -t regional."),
    (("-t", "central", "-b", BUCKET), "The template type 'central' is not supported"),
    (("-t", "regional"), "The S3 bucket for the templates is missing: pass one with -b."),
    (("-t", "regional", "-b"), "-b needs a value."),
    (("-t", "regional", "-b", "--include-api"), "-b needs a value."),
    ((*API, "--quickly"), "Unknown option '--quickly'."),
    # Names and regions
    ((*API, "-e", "Test_1"), "The environment 'Test_1' must be"),
    ((*API, "-p", "a" * 31), "The project name 'aaa"),
    ((*API, "-r", "Frankfurt"), "'Frankfurt' is not a valid region: pass one with -r."),
    ((*ZIPPED, "-r", "us-iso-east-1"), "The region us-iso-east-1 is not supported"),
    # One of several values
    ((*API, "--package", "rpm"), "--package must be image or zip, not 'rpm'."),
    ((*ZIPPED, "--arch", "mips"), "--arch must be arm64 or x86_64, not 'mips'."),
    (setting("LogLevel=LOUD"), "LogLevel must be TRACE, DEBUG, INFO, WARN or ERROR, not 'LOUD'."),
    (setting("LogRetentionDays=91"), "2557, 2922, 3288 or 3653, not '91'."),
    (setting("RequireBodySha256=yes"), "RequireBodySha256 must be true or false, not 'yes'."),
    # Numbers
    (setting("ApiMemory=much"), "ApiMemory must be a number of at least 128 and at most 10240, not 'much'."),
    (setting("ApiMemory=64"), "ApiMemory must be a number of at least 128 and at most 10240, not '64'."),
    (setting("ErrorRateThreshold=1.5"), "ErrorRateThreshold must be a number of at least 0 and at most 1, not '1.5'."),
    (setting("ThrottlingRate=0"), "ThrottlingRate must be a number of at least 1, not '0'."),
    (setting("ThrottlingRate="), "ThrottlingRate must be a number of at least 1, not ''."),
    # Patterns
    ((*API, "--api-auth-ssm-parameter", "psk"), "must be the full name of an SSM parameter, which starts with a slash"),
    ((*API, "--central-role-arn", "central"), "--central-role-arn must be the ARN of a role"),
    ((*API, "--central-role-arn", CENTRAL_ROLE, "--external-id", "our own"), "--external-id must be 2 to 1224"),
    ((*ZIPPED, "--role-path", "ours"), "--role-path must be a path that starts and ends with a slash, not 'ours'."),
    ((*ZIPPED, "--permissions-boundary", "limits"), "--permissions-boundary must be the ARN of a policy"),
    ((*ZIPPED, "--web-acl-arn", "x"), "--web-acl-arn must be the ARN of a regional web ACL"),
    ((*ZIPPED, "--kms-key-arn", "alias/ours"), "--kms-key-arn must be the ARN of a KMS key"),
    ((*ZIPPED, "--alarm-topic-arn", "ours"), "--alarm-topic-arn must be the ARN of an SNS topic, not 'ours'."),
    ((*ZIPPED, "--allowed-cidrs", "203.0.113.7"), "--allowed-cidrs must be address ranges such as 203.0.113.0/24"),
    (setting("BatchConcurrency=101"), "BatchConcurrency must be a whole number from 1 to 100, not '101'."),
    (setting("ApiConcurrency=all"), "ApiConcurrency must be a number of at most 5 digits, or empty, not 'all'."),
    (setting("AlarmEmail=us"), "AlarmEmail must be an e-mail address, not 'us'."),
    (setting("AlarmEmail=us@example.com\nor@example.com"), "AlarmEmail contains a line break"),
    # Origins, as the function that would not start with them
    (
        (*ZIPPED, "--allowed-origins", "https://x/"),
        "--allowed-origins must be origins such as https://console.example.com",
    ),
    (
        (*ZIPPED, "--allowed-origins", "https://a.example,https://b.example/x"),
        "without a path or a final slash; or *, not",
    ),
    ((*ZIPPED, "--allowed-origins", "https://X.example"), "--allowed-origins must be origins such as"),
    ((*ZIPPED, "--allowed-origins", "x.example"), "--allowed-origins must be origins such as"),
    ((*ZIPPED, "--allowed-origins", "*,https://x.example"), "--allowed-origins must be origins such as"),
    (
        (*ZIPPED, "--allowed-origins", "https://x.example:443"),
        "with the default port, which browsers leave out: use 'https://x.example'.",
    ),
    ((*ZIPPED, "--allowed-origins", "http://x.example:70000"), "whose port does not exist"),
    # Custom domains
    ((*ZIPPED, "--domain", "api.example.com"), "--domain needs --certificate-arn, or --hosted-zone-id"),
    ((*ZIPPED, "--certificate-arn", "x"), "--certificate-arn needs --domain."),
    ((*ZIPPED, "--hosted-zone-id", "Z1"), "--hosted-zone-id needs --domain."),
    (setting("CloseExecuteApi=true"), "CloseExecuteApi needs --domain."),
    (setting("HistoryRetentionDays=1.5"), "HistoryRetentionDays must be a whole number of days, not '1.5'."),
    (setting("HistoryRetentionDays=-1"), "HistoryRetentionDays must be a number of at least 0 and at most 36500"),
    (
        (*setting("IncludeHistory=false"), "--parameter", "HistoryRetentionDays=30"),
        "HistoryRetentionDays needs IncludeHistory=true.",
    ),
    (setting("TableStreamArn=x"), "--parameter cannot set TableStreamArn: deploy.sh computes it."),
    (
        (*ZIPPED, "--domain", "https://api.example.com", "--hosted-zone-id", "Z1"),
        "--domain must be a host name in lower case",
    ),
    (
        (*ZIPPED, "--domain", "api.example.com", "--hosted-zone-id", "example.com"),
        "--hosted-zone-id must be the id of a Route 53 zone",
    ),
    (
        (*ZIPPED, "--domain", "api.example.com", "--hosted-zone-id", "Z1"),
        "The hosted zone Z1 was not found: pass the id of the public zone",
    ),
    (
        (*ZIPPED, "--domain", "api.example.com", "--certificate-arn", f"arn:aws:acm:eu-west-1:{ACCOUNT}:certificate/x"),
        "--certificate-arn is in eu-west-1: use one in us-east-1",
    ),
    (
        (*ZIPPED, "--domain", "api.example.com", "--certificate-arn", f"arn:aws:acm:{REGION}:{ACCOUNT}:certificate/x"),
        f"The certificate arn:aws:acm:{REGION}:{ACCOUNT}:certificate/x was not found",
    ),
    (
        (*ZIPPED, "--domain", "api.example.com", "--certificate-arn", "arn:aws:iam::1:x"),
        "--certificate-arn must be the ARN of a certificate",
    ),
    # What a partition does not have
    (
        (*ZIPPED, "-r", "us-gov-west-1", "-b", "in-gov", "--domain", "api.example.com", "--hosted-zone-id", "Z1"),
        "GovCloud has no public hosted zones: omit --hosted-zone-id",
    ),
    (
        (*ZIPPED, "-r", "cn-north-1", "-b", "in-china", "--central-role-arn", CENTRAL_ROLE),
        "--central-role-arn is an ARN of the partition aws, but cn-north-1 is in aws-cn",
    ),
    (
        (*ZIPPED, "-r", "eusc-de-east-1", "-b", "nowhere"),
        "The bucket nowhere cannot be accessed: create it in eusc-de-east-1",
    ),
    # Options that have no effect, or that deploy.sh sets itself
    ((*API, "--parameter", "ApiMemory"), "--parameter must be NAME=VALUE"),
    ((*API, "--parameter", "Memory=1"), "cloudformation/regional.yaml has no parameter Memory."),
    ((*API, "--parameter", "=1"), "cloudformation/regional.yaml has no parameter ''."),
    (setting("Release=1"), "--parameter cannot set Release: deploy.sh computes it."),
    (setting("PinnedApiVersion=1"), "--parameter cannot set PinnedApiVersion: deploy.sh computes it."),
    (setting("Environment=x"), "--parameter cannot set Environment: pass -e."),
    ((*API, "--external-id", "ours"), "--external-id needs --central-role-arn"),
    (setting("ValidatorMemory=512"), "ValidatorMemory needs --central-role-arn"),
    ((*API, "--validator-image-uri"), "--validator-image-uri needs a value."),
    (("-t", "regional", "-b", BUCKET, "--api-image-uri", "x"), "Options for the API need --include-api."),
    (("-t", "regional", "-b", BUCKET, "--create-psk"), "Options for the API need --include-api."),
    (("-t", "regional", "-b", BUCKET, "--create-webhook-key"), "Options for the API need --include-api."),
    (
        (*ZIPPED, "--parameter", "IncludeHistory=false", "--parameter", "IncludeWebhooks=true"),
        "IncludeWebhooks needs IncludeHistory=true.",
    ),
    (
        (*ZIPPED, "--parameter", "IncludeHistory=false", "--parameter", "NotifierBatches=20"),
        "NotifierBatches needs IncludeHistory=true.",
    ),
    (
        (*ZIPPED, "--parameter", "IncludeWebhooks=false", "--parameter", "EventBusName=ours"),
        "EventBusName needs IncludeWebhooks=true.",
    ),
    (
        (*ZIPPED, "--parameter", "IncludeWebhooks=false", "--create-webhook-key"),
        "--create-webhook-key needs IncludeWebhooks=true.",
    ),
    (setting("NotifierConcurrency=10"), "NotifierConcurrency must be greater than NotifierBatches, 10, so that"),
    (setting("NotifierBatches=1"), "NotifierBatches must be a number of at least 2 and at most 1000, not '1'."),
    (setting("WebhookRetrySchedule=5,0"), "WebhookRetrySchedule must be 1 to 20 whole numbers of seconds"),
    (setting("WebhookRetrySchedule=604801"), "WebhookRetrySchedule must be 1 to 20 whole numbers of seconds"),
    (setting("WebhookMasterKeyParameter=key"), "WebhookMasterKeyParameter must be the full name of an SSM parameter"),
    (setting("WebhookNetworks=10.0.0.0/8"), "cloudformation/regional.yaml has no parameter WebhookNetworks."),
    (("-t", "regional", "-b", BUCKET, "--parameter", "ApiMemory=512"), "Options for the API need --include-api."),
    (API, "--authorizer-image-uri is missing"),
    ((*API, "--binaries", "/nowhere"), "--binaries must be a directory, and /nowhere is not one."),
    ((*API, "--binaries", "/tmp"), "--binaries needs --package zip."),
    (
        (*ZIPPED, "--api-image-uri", f"{REGISTRY}/x"),
        "--api-image-uri needs --package image, and this stack has zip packages.",
    ),
    (
        (*ZIPPED, "--adopt-table", "--parameter", "ManageTable=false"),
        "--adopt-table and ManageTable=false cannot be combined.",
    ),
    ((*ZIPPED, "--adopt-table"), "There is no table multi-tenant-logging-development-tenant-configs to adopt"),
    (setting("ManageTable=false"), "does not exist, and ManageTable=false says that another tool creates it"),
    (
        (*ZIPPED, "--parameter", "IncludeMonitoring=false", "--parameter", "AlarmEmail=us@example.com"),
        "AlarmEmail needs IncludeMonitoring=true.",
    ),
    ((*ZIPPED, "--tags", "Team"), "--tags must be NAME=VALUE, not 'Team'."),
    ((*ZIPPED, "--tags", "aws:x=y"), "The tag aws:x is reserved for AWS."),
    ((*ZIPPED, "--termination-protection", "yes"), "--termination-protection must be on or off, not 'yes'."),
    (
        (*ZIPPED, "--cloudformation-role", "deployer"),
        "--cloudformation-role must be the ARN of a role, not 'deployer'.",
    ),
    ((*ZIPPED, "--monitor", "181"), "--monitor must be a number of minutes from 1 to 180, not '181'."),
    (("--delete", "--dry-run"), "--delete and --dry-run cannot be combined."),
    (("--delete", "--status"), "--delete and --status cannot be combined."),
    (("--set", "ApiMemory=512", "--package", "zip"), "--set and --package cannot be combined."),
    (("--set", "ApiMemory=512"), f"The stack {STACK} does not exist: pass the -p, -e and -r"),
    (("--rollback",), f"The stack {STACK} does not exist: pass the -p, -e and -r"),
    (("--status",), f"The stack {STACK} does not exist: pass the -p, -e and -r"),
    (("--follow",), f"The stack {STACK} does not exist: pass the -p, -e and -r"),
]


@pytest.mark.parametrize(("options", "sentence"), USAGE, ids=lambda value: value[:60] if isinstance(value, str) else "")
def test_misuse_is_reported(cloud, options, sentence):
    output = cloud.run(["./deploy.sh", *options], fails=True)
    assert sentence in output
    assert output.splitlines()[-1].startswith("deploy.sh: ")


def test_help_names_every_option(cloud):
    output = cloud.run(["./deploy.sh", "--help"])
    options = (ROOT / "cloudformation/lib/options.sh").read_text()
    known = set(re.findall(r"(?<=[ \[|(])--[a-z-]+(?=[\])| ])", options)) - {"--validator-image-uri", "--version"}
    assert len(known) > 30
    assert {option for option in known if option not in output} == set()


def test_unknown_credentials_are_reported(cloud):
    output = cloud.deploy(fails=True, AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    assert "AWS rejected the credentials" in output


def test_old_cli_is_rejected(cloud, tmp_path):
    old = tmp_path / "aws"
    old.write_text("#!/bin/sh\necho aws-cli/2.9.1 Python/3.9.11 Linux/5.10 exe/x86_64\n")
    old.chmod(0o755)
    output = cloud.deploy(fails=True, PATH=f"{tmp_path}:{cloud.environment['PATH']}")
    assert "The AWS CLI is version 2.9: update it to 2.15 or newer." in output


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


def test_key_for_both_purposes_is_rejected(cloud):
    cloud.aws("ssm", "put-parameter", "--name", "/both", "--type", "SecureString", "--value", "x" * 32)
    same = ("--api-auth-ssm-parameter", "/both", "--parameter", "WebhookMasterKeyParameter=/both")
    output = cloud.deploy("--include-api", "--package", "zip", *same, fails=True)
    assert "must be two parameters, not both /both." in output


def test_unencrypted_master_key_is_rejected(cloud):
    cloud.aws("ssm", "put-parameter", "--name", "/clear-master", "--type", "String", "--value", "x" * 32)
    setting = ("--create-psk", "--parameter", "WebhookMasterKeyParameter=/clear-master")
    output = cloud.deploy("--include-api", "--package", "zip", *setting, fails=True)
    assert "The parameter /clear-master is a String" in output


def test_event_bus_that_does_not_exist_is_reported(cloud):
    setting = ("--create-psk", "--parameter", "EventBusName=nowhere")
    output = cloud.deploy("--include-api", "--package", "zip", *setting, fails=True)
    assert "The event bus nowhere was not found: create it in us-east-1 first." in output


# --- Images.


def put_image(cloud, repository, tag, manifest):
    cloud.run(["aws", "ecr", "create-repository", "--repository-name", repository, "--output", "text"])
    move_tag(cloud, repository, tag, manifest)


def move_tag(cloud, repository, tag, manifest):
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
    """The environment of a deployer of images, with a `curl` that returns the configuration of an image: the emulator
    has no such download. Nor does it run functions from images, so the deployer is not allowed to invoke them."""
    curl = folder / "curl"
    curl.write_text(f"""#!/bin/sh\necho '{{"architecture":"{architecture}","os":"linux"}}'\n""")
    curl.chmod(0o755)
    user = credentials_without(cloud, f"deployer-{folder.name}", "lambda:InvokeFunction")
    return user | {"PATH": f"{folder}:{cloud.environment['PATH']}"}


def deploy_image(cloud, uri, *options, **environment):
    return cloud.deploy(
        "--include-api", "--authorizer-image-uri", uri, "--api-image-uri", uri, *options, fails=True, **environment
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
    output = deploy_image(cloud, f"{REGISTRY}/amd64-only:v1", "--arch", "arm64", **fake_curl(cloud, tmp_path, "amd64"))
    assert "is built for x86_64: build it for arm64, or deploy with --arch x86_64." in output


# --- Programs.


def programs(folder, source):
    for name in ("authorizer", "api", "recorder", "notifier"):
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


def test_missing_recorder_program_is_reported_unless_there_is_no_history(cloud, tmp_path):
    folder = compile_c(tmp_path, "int main(void) { return 0; }\n")
    (folder / "recorder").unlink()
    output = deploy_programs(cloud, folder)
    assert f"The program {folder}/recorder does not exist: put it there" in output
    (folder / "api").unlink()
    output = deploy_programs(cloud, folder, ARCHITECTURE, "--parameter", "IncludeHistory=false")
    assert f"The program {folder}/api does not exist: put it there" in output


def test_missing_notifier_program_is_reported_unless_there_are_no_webhooks(cloud, tmp_path):
    folder = compile_c(tmp_path, "int main(void) { return 0; }\n")
    (folder / "notifier").unlink()
    output = deploy_programs(cloud, folder, ARCHITECTURE)
    assert f"The program {folder}/notifier does not exist: put it there" in output
    (folder / "api").unlink()
    for without in ("IncludeWebhooks=false", "IncludeHistory=false"):
        output = deploy_programs(cloud, folder, ARCHITECTURE, "--parameter", without)
        assert f"The program {folder}/api does not exist: put it there" in output


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


def test_nothing_was_changed(cloud):
    """After all of these mistakes there is no stack, and the bucket is empty."""
    stacks = cloud.aws("cloudformation", "list-stacks")["StackSummaries"]
    assert [stack for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"] == []
    assert "Contents" not in (cloud.aws("s3api", "list-objects-v2", "--bucket", BUCKET) or {})
