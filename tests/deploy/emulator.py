"""Starts ministack on the loopback port GATEWAY_PORT, with eleven of its defects fixed.

- An update of a nested stack loses the attributes of unchanged resources, so `Fn::GetAtt` of one of them fails. Here
  the recorded attributes of the stack are used.
- IAM evaluates `GetParameters` as a call on all parameters, so only a policy for `*` allows it. Here a call for one
  parameter and its labels is a call on that parameter.
- IAM evaluates `DescribeLogGroups` as a call on all resources, and `DescribeLogStreams` as one on a log group whose ARN
  has no suffix. Here both have the suffix that policies use for log groups, `:*`.
- `DescribeStackResources` needs a stack name. Here it also finds the stack of a physical resource.
- IAM evaluates `SendMessageBatch` as an action of that name. IAM has none: `SendMessage` allows it, as here.
- CloudFormation rejects composite alarms and associations of web ACLs. Here they are calls to their services.
- A deleted table with point-in-time recovery is lost. DynamoDB keeps a backup of it, as here.
- An event is sent to its function in two writes, and TCP delays the second until the first is acknowledged, 40 ms
  later. Here both are sent at once, and a request takes a quarter of the time.
- A change set of an update ignores conditions: a resource whose condition becomes true is not added, so it is not
  imported either. Here a resource whose condition is false is not in its template.
- CloudFormation passes the largest number of batches of a queue's mapping as a text, if it is a parameter, and then
  Lambda reads no queue at all. Here it is a number.
- A mapping of a DynamoDB stream ignores reported failures, bisection and limits. streams.py has them.

CloudFormation has no rollback triggers here. Those that it is asked for are printed.
"""

import json
import socketserver

import streams
from ministack import app
from ministack.core import iam_actions
from ministack.services import cloudwatch, dynamodb, lambda_svc, waf
from ministack.services.cloudformation import _stacks, changesets, handlers, provisioners

_update_resource = provisioners._update_resource
_extract_resource_arn = iam_actions.extract_resource_arn
_extract_iam_action = iam_actions.extract_iam_action
_create_change_set = handlers._ACTION_HANDLERS["CreateChangeSet"]
_delete_table = dynamodb._delete_table
_sqs_esm_concurrency = lambda_svc._sqs_esm_concurrency
_describe_stack_resources = handlers._describe_stack_resources
_resolve_props_for_diff = changesets._resolve_props_for_diff


def update_resource(kind, physical_id, old, new, stack_name, logical_id=None, old_attrs=None):
    if old_attrs is None:
        recorded = (_stacks.get(stack_name) or {}).get("_resources", {}).get(logical_id, {})
        old_attrs = recorded.get("Attributes")
    return _update_resource(kind, physical_id, old, new, stack_name, logical_id, old_attrs)


def extract_resource_arn(service, method, path, headers, body, query, region, account):
    if service == "ssm" and headers.get("x-amz-target", "").endswith(".GetParameters"):
        names = {name.partition(":")[0] for name in json.loads(body)["Names"]}
        if len(names) == 1 and not names & {"arn"}:
            return f"arn:aws:ssm:{region}:{account}:parameter{names.pop()}"
    if service == "logs" and headers.get("x-amz-target", "").endswith((".DescribeLogGroups", ".DescribeLogStreams")):
        return f"arn:aws:logs:{region}:{account}:log-group:{json.loads(body).get('logGroupName', '')}:log-stream:"
    return _extract_resource_arn(service, method, path, headers, body, query, region, account)


def extract_iam_action(*arguments, **named):
    action = _extract_iam_action(*arguments, **named)
    return "sqs:SendMessage" if action == "sqs:SendMessageBatch" else action


def describe_stack_resources(params):
    (wanted,) = params.get("PhysicalResourceId") or [None]
    if wanted:
        for name, stack in _stacks.items():
            resources = stack.get("_resources", {}).values()
            if wanted in (resource.get("PhysicalResourceId") for resource in resources):
                params = {**params, "StackName": [name]}
    return _describe_stack_resources(params)


def create_change_set(params):
    for name in sorted(params):
        if name.startswith("RollbackConfiguration."):
            print(f"{name}={params[name][0]}", flush=True)
    return _create_change_set(params)


def resolve_props_for_diff(template, params, stack_name, stack_id):
    if template:
        conditions = changesets._evaluate_conditions(template, params)
        resources = template.get("Resources", {}).items()
        present = {name: one for name, one in resources if conditions.get(one.get("Condition"), True)}
        template = {**template, "Resources": present}
    return _resolve_props_for_diff(template, params, stack_name, stack_id)


def delete_table(data):
    name = data["TableName"]
    table = dynamodb._tables.get(name, {})
    if dynamodb._pitr_settings.get(name) and not table.get("DeletionProtectionEnabled"):
        _, _, body = dynamodb._create_backup({"TableName": name, "BackupName": f"{name}$DeletedTableBackup"})
        backup = dynamodb._backups[json.loads(body)["BackupDetails"]["BackupArn"]]
        backup["BackupDetails"]["BackupType"] = "SYSTEM"
    return _delete_table(data)


def sqs_esm_concurrency(mapping, *arguments):
    scaling = mapping.get("ScalingConfig") or {}
    mapping["ScalingConfig"] = {name: int(value) for name, value in scaling.items()}
    return _sqs_esm_concurrency(mapping, *arguments)


def put_composite_alarm(logical_id, properties, stack_name):
    status, _, body = cloudwatch._put_composite_alarm({}, properties, False, True)
    if status >= 400:
        raise ValueError(body)
    return properties["AlarmName"], {}


def delete_composite_alarm(physical_id, properties):
    cloudwatch._composite_alarms.pop(physical_id, None)


def associate_web_acl(logical_id, properties, stack_name):
    status, _, body = waf._associate_web_acl(properties)
    if status >= 400:
        raise ValueError(body)
    return "|".join((properties["WebACLArn"], "APIGW", properties["ResourceArn"])), {}


def disassociate_web_acl(physical_id, properties):
    waf._disassociate_web_acl(properties)


socketserver.StreamRequestHandler.disable_nagle_algorithm = True
provisioners._update_resource = update_resource
iam_actions.extract_resource_arn = extract_resource_arn
iam_actions.extract_iam_action = extract_iam_action
dynamodb._delete_table = delete_table
lambda_svc._sqs_esm_concurrency = sqs_esm_concurrency
provisioners._RESOURCE_HANDLERS["AWS::CloudWatch::CompositeAlarm"] = {
    "create": put_composite_alarm,
    "update": lambda physical_id, old, new, stack_name: put_composite_alarm(None, new, stack_name),
    "delete": delete_composite_alarm,
}
provisioners._RESOURCE_HANDLERS["AWS::WAFv2::WebACLAssociation"] = {
    "create": associate_web_acl,
    "delete": disassociate_web_acl,
}
changesets._resolve_props_for_diff = resolve_props_for_diff
handlers._ACTION_HANDLERS["CreateChangeSet"] = create_change_set
handlers._ACTION_HANDLERS["DescribeStackResources"] = describe_stack_resources
streams.install()
app.main()
