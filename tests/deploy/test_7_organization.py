"""A stack with every setting that an organization may require, and what the services have of it. Its functions are from
images, so they are deployed and not called.

The emulator's CloudFormation ignores the permissions boundary of a role, the key of a function or a table and the
address type of an API. The guards of the templates check those.
"""

import json

import pytest
from cloud import ACCOUNT, BUCKET, CENTRAL_ROLE, REGION
from test_1_mistakes import REGISTRY, fake_curl, image, put_image

NAME = "multi-tenant-logging-organization"
PATH = "/platform/logging/"
BOUNDARY = f"arn:aws:iam::{ACCOUNT}:policy/boundary"
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:operations"
FUNCTIONS = [f"{NAME}-api-{name}" for name in ("authorizer", "service", "validator", "recorder", "notifier", "canary")]
TAGS = {"project": "multi-tenant-logging", "environment": "organization"}


@pytest.fixture(scope="module")
def settings(cloud, tmp_path_factory):
    """Deploys the stack. Returns what it was deployed with and its outputs."""
    deny_nothing = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    cloud.aws("iam", "create-policy", "--policy-name", "boundary", "--policy-document", json.dumps(deny_nothing))
    cloud.aws("sns", "create-topic", "--name", "operations")
    key = cloud.aws("kms", "create-key")["KeyMetadata"]["Arn"]
    acl = cloud.aws(
        "wafv2", "create-web-acl", "--name", "limits", "--scope", "REGIONAL", "--default-action", "Allow={}",
        "--visibility-config", "SampledRequestsEnabled=false,CloudWatchMetricsEnabled=false,MetricName=limits",
    )["Summary"]["ARN"]  # fmt: skip
    put_image(cloud, "organization-authorizer", "1.2.3", image("d"))
    put_image(cloud, "organization-api", "1.2.3", image("e"))
    parameters = {
        "PermissionsBoundaryArn": BOUNDARY,
        "RolePath": PATH,
        "AlarmTopicArn": TOPIC,
        "KmsKeyArn": key,
        "TableKmsKeyArn": key,
        "WebAclArn": acl,
        "AllowedCidrs": "192.0.2.0/24,2001:db8::/32",
        "IpAddressType": "dualstack",
        "SecurityPolicy": "SecurityPolicy_TLS13_1_3_2025_09",
        "AuditLogRetentionDays": "3653",
        "OpenThrottlingRate": "3",
        "SilenceMinutes": "30",
        "IncludeCanary": "true",
    }
    options = [text for name, value in parameters.items() for text in ("--parameter", f"{name}={value}")]
    cloud.run(
        ["./deploy.sh", "-t", "regional", "-b", BUCKET, "-e", "organization", "--include-api", "--create-psk",
         "--central-role-arn", CENTRAL_ROLE, "--authorizer-image-uri", f"{REGISTRY}/organization-authorizer:1.2.3",
         "--api-image-uri", f"{REGISTRY}/organization-api:1.2.3", *options],
        **fake_curl(cloud, tmp_path_factory.mktemp("curl"), "arm64"),
    )  # fmt: skip
    stack = cloud.aws("cloudformation", "describe-stacks", "--stack-name", NAME)["Stacks"][0]
    return parameters | {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def as_dict(tags):
    return {tag["Key"]: tag["Value"] for tag in tags}


def resources(cloud, kind):
    """The physical ids of the stack's resources of a type, those of the nested stacks included."""
    stacks, found = [NAME], []
    while stacks:
        own = cloud.aws("cloudformation", "describe-stack-resources", "--stack-name", stacks.pop())["StackResources"]
        stacks += [one["PhysicalResourceId"] for one in own if one["ResourceType"] == "AWS::CloudFormation::Stack"]
        found += [one["PhysicalResourceId"] for one in own if one["ResourceType"] == kind]
    return found


def test_every_role_has_the_path_and_the_tags(cloud, settings):
    roles = resources(cloud, "AWS::IAM::Role")
    assert len(roles) >= 6
    for name in roles:
        role = cloud.aws("iam", "get-role", "--role-name", name)["Role"]
        assert role["Path"] == PATH
        assert as_dict(role["Tags"]).items() >= TAGS.items()


def test_alarms_notify_the_existing_topic(cloud, settings):
    alarms = cloud.aws("cloudwatch", "describe-alarms", "--alarm-name-prefix", f"{NAME}-",
                       "--alarm-types", "MetricAlarm", "CompositeAlarm")  # fmt: skip
    notifying = [alarm for alarm in alarms["MetricAlarms"] + alarms["CompositeAlarms"] if alarm["AlarmActions"]]
    assert {tuple(alarm["AlarmActions"]) for alarm in notifying} == {(TOPIC,)}
    assert {"silence", "canary", "fast-burn"} <= {alarm["AlarmName"].removeprefix(f"{NAME}-") for alarm in notifying}
    assert settings["AlarmTopicArn"] == TOPIC
    assert resources(cloud, "AWS::SNS::Topic") == resources(cloud, "AWS::KMS::Key") == []


def test_customer_key_encrypts_logs_and_functions_have_tags(cloud, settings):
    groups = cloud.aws("logs", "describe-log-groups")["logGroups"]
    ours = {group["logGroupName"]: group for group in groups if NAME in group["logGroupName"]}
    assert len(ours) == 7
    for name, group in ours.items():
        assert group["kmsKeyId"] == settings["KmsKeyArn"]
        assert group["retentionInDays"] == (3653 if name.endswith("-api-service") else 90)
    for name in FUNCTIONS:
        function = cloud.aws("lambda", "get-function", "--function-name", name)
        assert function["Tags"].items() >= TAGS.items()


def test_stage_has_the_web_acl_and_its_limits(cloud, settings):
    arn = f"arn:aws:apigateway:{REGION}::/restapis/{settings['RestApiId']}/stages/organization"
    acl = cloud.aws("wafv2", "get-web-acl-for-resource", "--resource-arn", arn)["WebACL"]
    assert acl["ARN"] == settings["WebAclArn"]
    stage = cloud.aws("apigateway", "get-stage", "--rest-api-id", settings["RestApiId"], "--stage-name", "organization")
    # API Gateway describes the path without the slash that CloudFormation requires; the emulator keeps it.
    limits = {name.lstrip("/"): method["throttlingRateLimit"] for name, method in stage["methodSettings"].items()}
    assert limits["*/*"] == 100
    assert {name for name, limit in limits.items() if limit == 3} == {
        "~1health/*",
        "~1api~1v1~1health/*",
        "~1openapi.json/*",
        "~1api~1v1~1openapi.json/*",
        "~1{proxy+}/OPTIONS",
    }
    assert stage["tags"].items() >= TAGS.items()


def test_resource_policy_admits_the_addresses(cloud, settings):
    api = cloud.aws("apigateway", "get-rest-api", "--rest-api-id", settings["RestApiId"])
    policy = api["policy"] if isinstance(api["policy"], dict) else json.loads(api["policy"].replace("\\", ""))
    denied = [statement for statement in policy["Statement"] if statement["Effect"] == "Deny"]
    assert [statement["Condition"]["NotIpAddress"]["aws:SourceIp"] for statement in denied] == [
        ["192.0.2.0/24", "2001:db8::/32"]
    ]


def test_schedules_call_the_functions(cloud, settings):
    rules = cloud.aws("events", "list-rules")["Rules"]
    schedules = {rule["ScheduleExpression"]: rule["Name"] for rule in rules if NAME in rule.get("Description", "")}
    assert set(schedules) == {"rate(1 day)", "rate(1 minute)"}
    targets = cloud.aws("events", "list-targets-by-rule", "--rule", schedules["rate(1 day)"])["Targets"]
    called = {target["Arn"].split(":function:")[1] for target in targets}
    assert called == {f"{name}:live" for name in FUNCTIONS[:3]}
    for target in targets:
        assert json.loads(target["Input"])["path"] == "/health"
