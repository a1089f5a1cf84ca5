"""Starts ministack on the loopback port GATEWAY_PORT, with five of its faults put right.

- An update of a nested stack forgets the attributes of the resources that did not change, so that `Fn::GetAtt` of one
  of them fails where AWS answers. Here the attributes that the stack has on record are handed in.
- IAM takes `GetParameters` for a call on every parameter there is, so that only a policy for `*` allows it. Here a call
  for one parameter and its labels is one on that parameter.
- IAM takes `DescribeLogGroups` for a call on every resource there is, and `DescribeLogStreams` for one on a log group
  whose ARN has no end. Here both have the end by which policies name log groups, `:*`.
- `DescribeStackResources` looks only into a stack that is named. Here it finds the stack of a physical resource.
- An event goes to its function in two writes, and TCP holds the second back until the first is acknowledged, 40 ms
  later. Here both are sent at once, and a request takes a quarter of the time.
"""

import json
import socketserver

from ministack import app
from ministack.core import iam_actions
from ministack.services.cloudformation import _stacks, handlers, provisioners

_update_resource = provisioners._update_resource
_extract_resource_arn = iam_actions.extract_resource_arn
_describe_stack_resources = handlers._describe_stack_resources


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


def describe_stack_resources(params):
    (wanted,) = params.get("PhysicalResourceId") or [None]
    if wanted:
        for name, stack in _stacks.items():
            resources = stack.get("_resources", {}).values()
            if wanted in (resource.get("PhysicalResourceId") for resource in resources):
                params = {**params, "StackName": [name]}
    return _describe_stack_resources(params)


socketserver.StreamRequestHandler.disable_nagle_algorithm = True
provisioners._update_resource = update_resource
iam_actions.extract_resource_arn = extract_resource_arn
handlers._ACTION_HANDLERS["DescribeStackResources"] = describe_stack_resources
app.main()
