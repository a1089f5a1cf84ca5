"""Rules for these templates that no linter has. A guard is a generator of findings, one sentence each."""

import json
import re

from cfn import ROOT, resources, strings

GUARDS = []


def guard(function):
    GUARDS.append(function)
    return function


def as_list(value):
    return value if isinstance(value, list) else [value]


# --- Routes and authorization.

# Open to everyone: reads of health and of the description, and preflights.
OPEN_PATHS = {"Health": "/health", "V1Health": "/api/v1/health", "OpenApi": "/openapi.json"}
OPEN_PATHS["V1OpenApi"] = "/api/v1/openapi.json"
READS = {(path, method) for path in OPEN_PATHS for method in ("GET", "HEAD")}
OPEN = READS | {("Proxy", "OPTIONS")}
VALIDATED = {("Validate", "GET"), ("Validate", "HEAD")}
METHODS = OPEN | VALIDATED | {("Proxy", "ANY"), ("Root", "ANY")}


def methods(templates):
    """Each method as (logical id, (resource, HTTP method), resource of the template)."""
    for _, logical_id, resource in resources(templates, "AWS::ApiGateway::Method"):
        properties = resource["Properties"]
        path = (
            properties["ResourceId"].get("Ref") or {"RootResourceId": "Root"}[properties["ResourceId"]["Fn::GetAtt"][1]]
        )
        yield logical_id, (path, properties["HttpMethod"]), resource


@guard
def decisions_are_not_cached(templates):
    for _, logical_id, resource in resources(templates, "AWS::ApiGateway::Authorizer"):
        properties = resource["Properties"]
        if properties.get("AuthorizerResultTtlInSeconds") != 0:
            yield f"{logical_id}: the result TTL is not 0"
        if properties["Type"] != "REQUEST":
            yield f"{logical_id}: it is not a REQUEST authorizer"
        sources = set(properties.get("IdentitySource", "").split(","))
        if sources != {"method.request.header.Authorization", "method.request.header.X-API-Timestamp"}:
            yield f"{logical_id}: the identity sources are {sorted(sources)}"


@guard
def methods_use_the_authorizer(templates):
    for logical_id, route, resource in methods(templates):
        properties = resource["Properties"]
        authorizer = properties.get("AuthorizerId") if properties["AuthorizationType"] == "CUSTOM" else None
        if route not in OPEN and authorizer != {"Ref": "Authorizer"}:
            yield f"{logical_id}: no authorizer"


@guard
def one_proxy_takes_everything(templates):
    found = {route for _, route, _ in methods(templates)}
    if found != METHODS:
        yield f"{sorted(found ^ METHODS)} is defined or expected, but not both"
    proxy = templates["api"]["Resources"].get("Proxy", {}).get("Properties", {})
    if (proxy.get("ParentId"), proxy.get("PathPart")) != ({"Fn::GetAtt": ["Api", "RootResourceId"]}, "{proxy+}"):
        yield "Proxy: it does not take every path"


def proxies(integration, uri):
    return integration == {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": {"Ref": uri}}


@guard
def methods_invoke_their_function(templates):
    for logical_id, route, resource in methods(templates):
        integration = resource["Properties"]["Integration"]
        if route == ("Proxy", "OPTIONS"):
            several, function, mock = integration.get("Fn::If", [None, None, {}])
            if several != "HasSeveralOrigins" or not proxies(function, "ApiUri") or mock.get("Type") != "MOCK":
                yield f"{logical_id}: it does not respond itself unless there are several origins"
        elif not proxies(integration, "ValidatorUri" if route in VALIDATED else "ApiUri"):
            yield f"{logical_id}: it does not invoke its function"
        if route in VALIDATED and resource.get("Condition") != "HasValidator":
            yield f"{logical_id}: it exists also without a validator"


def preflight_headers(templates):
    """The headers of the gateway's preflight response, without the quotes of a fixed text."""
    integration = templates["api"]["Resources"]["ProxyOptions"]["Properties"]["Integration"]
    (response,) = integration["Fn::If"][2]["IntegrationResponses"]
    for name, value in response["ResponseParameters"].items():
        fixed = value["Fn::If"][1] if isinstance(value, dict) else value
        yield name.removeprefix("method.response.header."), fixed.strip("'") if isinstance(fixed, str) else fixed


@guard
def preflights_are_those_of_the_functions(templates):
    """The gateway, the API function and the local server allow the same methods and headers."""
    cors = (ROOT / "crates/api/src/http/cors.rs").read_text()
    allowed = re.search(r"\.allow_headers\(\[(.*?)\]\)", cors, re.DOTALL)[1]
    names = [
        (constant or text).lower().replace("_", "-")
        for constant, text in re.findall(r'header::(\w+)|from_static\("([^"]+)"\)', allowed)
    ]
    wanted = {
        "Access-Control-Allow-Origin": {"Ref": "ErrorOrigin"},
        "Access-Control-Allow-Methods": ",".join(re.findall(r"Method::([A-Z]+)\b", cors)),
        "Access-Control-Allow-Headers": ",".join(names),
        "Access-Control-Max-Age": str(int(re.search(r"from_hours\((\d+)\)", cors)[1]) * 3600),
        "Cache-Control": "no-store",
    }
    found = dict(preflight_headers(templates))
    for name in wanted.keys() | found.keys():
        if found.get(name) != wanted.get(name):
            yield f"ProxyOptions: {name} is {found.get(name)!r} and not {wanted.get(name)!r}"
    local = (ROOT / "crates/local/src/gateway/preflight.rs").read_text()
    for name, value in wanted.items():
        if isinstance(value, str) and f'"{value}"' not in local:
            yield f"the local server's {name} is not {value!r}"


@guard
def open_methods_have_a_lower_limit(templates):
    settings = templates["api"]["Resources"]["Stage"]["Properties"]["MethodSettings"]
    limited = {
        (setting["ResourcePath"], setting["HttpMethod"])
        for setting in settings
        if setting["ThrottlingRateLimit"] == {"Ref": "OpenThrottlingRate"}
        and setting["ThrottlingBurstLimit"] == {"Ref": "OpenThrottlingBurst"}
    }
    wanted = {("/" + path.replace("/", "~1"), "*") for path in OPEN_PATHS.values()} | {("/~1{proxy+}", "OPTIONS")}
    for missing in sorted(wanted - limited):
        yield f"Stage: {missing} has no limit of its own"
    defaults = [setting for setting in settings if setting["ResourcePath"] == "/*" and setting["HttpMethod"] == "*"]
    if [setting["ThrottlingRateLimit"] for setting in defaults] != [{"Ref": "ThrottlingRate"}]:
        yield "Stage: no limit for the other methods"


@guard
def only_this_api_and_these_schedules_are_allowed_to_invoke_the_functions(templates):
    rules = {logical_id for _, logical_id, _ in resources(templates, "AWS::Events::Rule")}
    for _, logical_id, resource in resources(templates, "AWS::Lambda::Permission"):
        source = resource["Properties"].get("SourceArn", "")
        principal = resource["Properties"]["Principal"]
        if principal == "events.amazonaws.com":
            if source not in [{"Fn::GetAtt": [rule, "Arn"]} for rule in rules]:
                yield f"{logical_id}: SourceArn is not a schedule of these templates"
            continue
        source = " ".join(strings(source))
        if "${AWS::AccountId}:${Api}/" not in source or "${Api}/*" in source:
            yield f"{logical_id}: SourceArn is not limited to a part of this API"
        if principal != "apigateway.amazonaws.com":
            yield f"{logical_id}: another principal than API Gateway"


@guard
def logging_role_is_set_after_the_api_exists(templates):
    account = templates["api"]["Resources"]["GatewayAccount"]
    if "Api" not in as_list(account.get("DependsOn")):
        yield "GatewayAccount: API Gateway rejects it in a region without an API"
    if "${GatewayAccount}" not in " ".join(
        strings(templates["api"]["Resources"]["Stage"]["Properties"]["Description"])
    ):
        yield "Stage: created before the role that its access log needs"


@guard
def api_has_a_tls_policy(templates):
    parameter = templates["regional"]["Parameters"].get("SecurityPolicy", {})
    if parameter.get("Default") != "TLS_1_2" or "TLS_1_0" in parameter.get("AllowedValues", ["TLS_1_0"]):
        yield "regional: SecurityPolicy allows TLS 1.0"
    for kind in ("AWS::ApiGateway::RestApi", "AWS::ApiGateway::DomainName"):
        for _, logical_id, resource in resources(templates, kind):
            properties = resource["Properties"]
            if properties.get("SecurityPolicy") != {"Ref": "SecurityPolicy"}:
                yield f"{logical_id}: no TLS policy, which allows TLS 1.0"
            # API Gateway requires the mode with every policy but the old ones, and rejects it with those.
            mode = {"Fn::If": ["HasLegacyPolicy", {"Ref": "AWS::NoValue"}, "BASIC"]}
            if properties.get("EndpointAccessMode") != mode:
                yield f"{logical_id}: its access mode does not fit its TLS policy"


@guard
def deployment_contains_everything(templates):
    expected = {
        logical_id
        for kind in ("AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse")
        for _, logical_id, _ in resources(templates, kind)
    }
    deployments = list(resources(templates, "AWS::ApiGateway::Deployment"))
    if [logical_id for _, logical_id, _ in deployments] != ["DeploymentRevision"]:
        yield "the logical id of the deployment has no revision to replace"
    for _, logical_id, resource in deployments:
        # A conditional resource cannot be in DependsOn. A reference waits for it as well.
        awaited = set(resource["DependsOn"]) | set(
            re.findall(r"\$\{(\w+)\}", " ".join(strings(resource["Properties"])))
        )
        for missing in sorted(expected - awaited):
            yield f"{logical_id}: created before {missing}, which it would not contain"


# --- The gateway's own errors.

# The others have the text of DEFAULT_4XX or DEFAULT_5XX, and the status that API Gateway gives them.
RESPONSES = {
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "UNAUTHORIZED",
    "ACCESS_DENIED",
    "MISSING_AUTHENTICATION_TOKEN",
    "REQUEST_TOO_LARGE",
    "THROTTLED",
    "AUTHORIZER_CONFIGURATION_ERROR",
    "AUTHORIZER_FAILURE",
    "INTEGRATION_TIMEOUT",
}


def gateway_responses(templates):
    for _, _, resource in resources(templates, "AWS::ApiGateway::GatewayResponse"):
        yield resource["Properties"]["ResponseType"], resource["Properties"]


@guard
def gateway_errors_have_the_envelope(templates):
    responses = dict(gateway_responses(templates))
    for missing in sorted(RESPONSES - set(responses)):
        yield f"{missing}: no response is defined"
    for kind, properties in responses.items():
        headers = properties.get("ResponseParameters", {})
        if headers.get("gatewayresponse.header.X-Request-Id") != "context.requestId":
            yield f"{kind}: no X-Request-Id"
        if headers.get("gatewayresponse.header.Cache-Control") != "'no-store'":
            yield f"{kind}: it may be cached"
        if headers.get("gatewayresponse.header.X-Content-Type-Options") != "'nosniff'":
            yield f"{kind}: a browser may guess its type"
        hsts = headers.get("gatewayresponse.header.Strict-Transport-Security", {})
        if hsts != {"Fn::If": ["HasDomain", "'max-age=31536000'", {"Ref": "AWS::NoValue"}]}:
            yield f"{kind}: no Strict-Transport-Security on the custom host name, or also on that of AWS"
        if properties.get("StatusCode") == "429" and "gatewayresponse.header.Retry-After" not in headers:
            yield f"{kind}: no Retry-After"
        try:
            envelope = json.loads(properties["ResponseTemplates"]["application/json"])
        except ValueError:
            yield f"{kind}: the body is not JSON"
            continue
        if set(envelope) != {"timestamp", "status", "error"} or envelope["status"] != "error":
            yield f"{kind}: the body is not the envelope"
        if not envelope.get("error", "").endswith("."):
            yield f"{kind}: the error is not a sentence"
    if responses.get("MISSING_AUTHENTICATION_TOKEN", {}).get("StatusCode") != "404":
        yield "MISSING_AUTHENTICATION_TOKEN: an unknown route must return 404"


SAME_AS_LOCAL = {
    "Unauthorized": "UNAUTHORIZED",
    "Forbidden": "ACCESS_DENIED",
    "NotFound": "MISSING_AUTHENTICATION_TOKEN",
    "AuthorizerFailed": "AUTHORIZER_FAILURE",
    "IntegrationFailed": "DEFAULT_5XX",
    "IntegrationTimeout": "INTEGRATION_TIMEOUT",
    "BodyTooLarge": "REQUEST_TOO_LARGE",
}


@guard
def gateway_errors_are_those_of_the_local_server(templates):
    source = "\n".join(path.read_text() for path in (ROOT / "crates/local/src/gateway").rglob("*.rs"))
    local = dict(re.findall(r'Self::(\w+) => "([^"]+)"', source))
    for kind, properties in gateway_responses(templates):
        for name, same in SAME_AS_LOCAL.items():
            if kind == same and local.get(name) not in properties["ResponseTemplates"]["application/json"]:
                yield f"{kind}: the local server returns {local.get(name)!r}"


# --- Permissions.

# X-Ray's write actions do not support resources.
UNNARROWED = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}

AUTHORIZER_ACTIONS = UNNARROWED | {
    "ssm:GetParameters",
    "kms:Decrypt",
    "secretsmanager:GetSecretValue",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
}
# kms:Decrypt is for a table with a customer managed key.
API_ACTIONS = UNNARROWED | {"kms:Decrypt", "logs:CreateLogStream", "logs:PutLogEvents"}
VALIDATOR_ACTIONS = API_ACTIONS | {"dynamodb:Query", "sts:AssumeRole"}
CANARY_ACTIONS = AUTHORIZER_ACTIONS - UNNARROWED - {"ssm:GetParameters"} | {"ssm:GetParameter"}
# Lambda reads the stream and writes failed records with the role of the function.
RECORDER_ACTIONS = API_ACTIONS | {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "dynamodb:BatchWriteItem",
    "dynamodb:DescribeTable",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:Scan",
    "s3:ListBucket",
    "s3:PutObject",
    "kms:GenerateDataKey",
    "sqs:SendMessage",
    "events:PutEvents",
}
# Lambda takes the messages with the role of the function.
NOTIFIER_ACTIONS = API_ACTIONS | {
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
    "sqs:SendMessage",
    "ssm:GetParameter",
}
# What has no name before it exists: the labels of a table's streams, and the objects of a bucket.
STREAM_ACTIONS = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
UNNAMED = {f"dynamodb:{action}": ":table/${TableName}/stream/*" for action in STREAM_ACTIONS}
UNNAMED |= {"s3:PutObject": "${FailedRecords.Arn}/*"}
# What only the recorder calls.
OF_THE_RECORDER = {"dynamodb:BatchWriteItem", "dynamodb:DescribeTable"}

OPERATIONS = {
    "get_item": "dynamodb:GetItem",
    "batch_get_item": "dynamodb:BatchGetItem",
    "batch_write_item": "dynamodb:BatchWriteItem",
    "query": "dynamodb:Query",
    "scan": "dynamodb:Scan",
    "put_item": "dynamodb:PutItem",
    "update_item": "dynamodb:UpdateItem",
    "delete_item": "dynamodb:DeleteItem",
    "describe_table": "dynamodb:DescribeTable",
}
# A transaction has no action of its own: it needs those of its writes, by what adds one to a transaction.
TRANSACTED = {
    "put": "dynamodb:PutItem",
    "update": "dynamodb:UpdateItem",
    "delete": "dynamodb:DeleteItem",
    "condition_check": "dynamodb:ConditionCheckItem",
}


def statements(templates, *roles):
    for _, logical_id, resource in resources(templates, "AWS::IAM::Role"):
        if roles and logical_id not in roles:
            continue
        for policy in resource["Properties"].get("Policies", []):
            for candidate in policy.get("Fn::If", [None, policy])[1:2]:
                for statement in candidate["PolicyDocument"]["Statement"]:
                    yield logical_id, statement.get("Fn::If", [None, statement])[1]


def actions_of(templates, role):
    return {action for _, statement in statements(templates, role) for action in as_list(statement["Action"])}


@guard
def policies_have_no_unnecessary_wildcard(templates):
    for role, statement in statements(templates):
        actions = set(as_list(statement["Action"]))
        for action in actions:
            if "*" in action:
                yield f"{role}: the action {action} has a wildcard"
        for resource in as_list(statement["Resource"]):
            target = " ".join(strings(resource))
            if target == "*" and not actions <= UNNARROWED:
                yield f"{role}: {sorted(actions)} on every resource"
            if actions == {"kms:Decrypt"}:
                conditions = statement.get("Condition", {}).get("StringEquals", {})
                is_one_key = resource == {"Ref": "TableKmsKeyArn"}
                is_one_secret = any("EncryptionContext" in key for key in conditions)
                if "kms:ViaService" not in conditions or not (is_one_key or is_one_secret):
                    yield f"{role}: any key, for any purpose"
            elif actions <= {"logs:CreateLogStream", "logs:PutLogEvents"}:
                if not target.endswith(f":log-group:{LOG_GROUPS[role.removesuffix('Role')]}:*"):
                    yield f"{role}: it writes to {target}"
            elif all(target.endswith(UNNAMED.get(action, "nothing")) for action in actions):
                continue
            elif "*" in target and target != "*":
                yield f"{role}: {sorted(actions)} on {target}"
    for _, logical_id, resource in resources(templates, "AWS::IAM::Role"):
        for arn in resource["Properties"].get("ManagedPolicyArns", []):
            if "AmazonAPIGatewayPushToCloudWatchLogs" not in " ".join(strings(arn)):
                yield f"{logical_id}: a managed policy, which cannot be limited"


@guard
def roles_allow_what_the_code_does(templates):
    code = "\n".join(path.read_text() for path in (ROOT / "crates/store/src").rglob("*.rs"))
    used = {action for call, action in OPERATIONS.items() if re.search(rf"\.{call}\(\)", code)}
    if ".transact_write_items()" in code:
        used |= {action for write, action in TRANSACTED.items() if re.search(rf"item\.{write}\(", code)}
    allowed = actions_of(templates, "ApiRole")
    needed = used - OF_THE_RECORDER | API_ACTIONS | {"sqs:SendMessage", "ssm:GetParameter"}
    if allowed != needed:
        yield f"ApiRole: {sorted(allowed ^ needed)} is allowed or needed, but not both"
    for role, needed in (
        ("AuthorizerRole", AUTHORIZER_ACTIONS),
        ("ValidatorRole", VALIDATOR_ACTIONS),
        ("CanaryRole", CANARY_ACTIONS),
        ("RecorderRole", RECORDER_ACTIONS),
        ("ReconcileRole", {"lambda:InvokeFunction"}),
        ("NotifierRole", NOTIFIER_ACTIONS),
        ("SweepRole", {"lambda:InvokeFunction"}),
    ):
        allowed = actions_of(templates, role)
        if allowed != needed:
            yield f"{role}: {sorted(allowed ^ needed)} is allowed or needed, but not both"


@guard
def only_the_validator_assumes_a_role_and_only_the_central_one(templates):
    for role, statement in statements(templates):
        if not any(action.startswith("sts:") for action in as_list(statement["Action"])):
            continue
        if role != "ValidatorRole":
            yield f"{role}: it is allowed to assume a role"
        elif as_list(statement["Resource"]) != [{"Ref": "CentralRoleArn"}]:
            yield f"{role}: it is allowed to assume {statement['Resource']}"


@guard
def roles_are_for_one_service(templates):
    for _, logical_id, resource in resources(templates, "AWS::IAM::Role"):
        for statement in resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            if statement["Principal"] not in (
                {"Service": "lambda.amazonaws.com"},
                {"Service": "apigateway.amazonaws.com"},
                {"Service": "scheduler.amazonaws.com"},
            ):
                yield f"{logical_id}: {statement['Principal']} is allowed to assume it"


# --- Names, tags and the organization.

# Types whose names are global to the account, or to all accounts, with the properties that set them.
GLOBAL_NAMES = {
    "AWS::CloudFront::Distribution": (),
    "AWS::CloudWatch::Dashboard": ("DashboardName",),
    "AWS::IAM::Group": ("GroupName",),
    "AWS::IAM::InstanceProfile": ("InstanceProfileName",),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName",),
    "AWS::IAM::Role": ("RoleName",),
    "AWS::IAM::User": ("UserName",),
    "AWS::S3::Bucket": ("BucketName",),
}


@guard
def global_names_contain_the_region(templates):
    for kind, names in GLOBAL_NAMES.items():
        for _, logical_id, resource in resources(templates, kind):
            for name in names:
                value = resource["Properties"].get(name)
                if value is not None and "${AWS::Region}" not in " ".join(strings(value)):
                    yield f"{logical_id}: {name} is global, so the stack of a second region could not be created"


# The types that are deployed and cannot have tags.
WITHOUT_TAGS = {
    "AWS::ApiGateway::Account",
    "AWS::ApiGateway::Authorizer",
    "AWS::ApiGateway::BasePathMapping",
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::GatewayResponse",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Resource",
    "AWS::CloudWatch::Dashboard",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Logs::MetricFilter",
    "AWS::Route53::RecordSet",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Subscription",
    "AWS::Scheduler::Schedule",
    "AWS::WAFv2::WebACLAssociation",
}
TAGS = [{"Key": "project", "Value": {"Ref": "ProjectName"}}, {"Key": "environment", "Value": {"Ref": "Environment"}}]


@guard
def resources_have_tags(templates):
    for template in templates.values():
        for logical_id, resource in template["Resources"].items():
            if resource["Type"] not in WITHOUT_TAGS and resource["Properties"].get("Tags") != TAGS:
                yield f"{logical_id}: it has no tags"


def is_optional(value, condition, parameter):
    return value == {"Fn::If": [condition, {"Ref": parameter}, {"Ref": "AWS::NoValue"}]}


@guard
def roles_fit_an_organization(templates):
    for _, logical_id, resource in resources(templates, "AWS::IAM::Role"):
        properties = resource["Properties"]
        if properties.get("Path") != {"Ref": "RolePath"}:
            yield f"{logical_id}: its path is not RolePath"
        if not is_optional(properties.get("PermissionsBoundary"), "HasBoundary", "PermissionsBoundaryArn"):
            yield f"{logical_id}: it has no permissions boundary"
        if "RoleName" in properties:
            yield f"{logical_id}: a fixed name needs CAPABILITY_NAMED_IAM and is global to the account"


@guard
def customer_key_encrypts_logs_and_variables(templates):
    for kind, name in (("AWS::Logs::LogGroup", "KmsKeyId"), ("AWS::Lambda::Function", "KmsKeyArn")):
        for _, logical_id, resource in resources(templates, kind):
            if not is_optional(resource["Properties"].get(name), "HasKey", "KmsKeyArn"):
                yield f"{logical_id}: KmsKeyArn does not encrypt it"


@guard
def arns_and_host_names_are_of_any_partition(templates):
    for name, template in templates.items():
        for logical_id, resource in template["Resources"].items():
            for text in strings(resource["Properties"]):
                if re.search(r"\barn:aws[a-z-]*:", text):
                    yield f"{name}: {logical_id} has an ARN of one partition"
                if re.search(r"https://\S*\.amazonaws\.com", text):
                    yield f"{name}: {logical_id} has a host name of one partition"


# --- Logs and the table.

LOG_GROUPS = {
    "Access": "/aws/apigateway/${ProjectName}-${Environment}-tenant-api",
    "Authorizer": "/aws/lambda/${ProjectName}-${Environment}-api-authorizer",
    "Api": "/aws/lambda/${ProjectName}-${Environment}-api-service",
    "Validator": "/aws/lambda/${ProjectName}-${Environment}-api-validator",
    "Canary": "/aws/lambda/${ProjectName}-${Environment}-api-canary",
    "Recorder": "/aws/lambda/${ProjectName}-${Environment}-api-recorder",
    "Notifier": "/aws/lambda/${ProjectName}-${Environment}-api-notifier",
}


@guard
def logs_have_a_name_and_a_retention(templates):
    names = set()
    for _, logical_id, resource in resources(templates, "AWS::Logs::LogGroup"):
        names |= set(strings(resource["Properties"].get("LogGroupName", "")))
        # The API function's log contains the line of every change.
        retention = "AuditLogRetentionDays" if logical_id == "ApiLogs" else "LogRetentionDays"
        if resource["Properties"].get("RetentionInDays") != {"Ref": retention}:
            yield f"{logical_id}: it has no retention"
        kept = "RetainExceptOnCreate" if logical_id == "ApiLogs" else "Delete"
        if resource.get("DeletionPolicy") != kept:
            yield f"{logical_id}: DeletionPolicy is not {kept}"
    for missing in sorted(set(LOG_GROUPS.values()) - names):
        yield f"the log group {missing} is missing"
    for _, logical_id, resource in resources(templates, "AWS::Lambda::Function"):
        logging = resource["Properties"].get("LoggingConfig", {})
        own = {"Ref": f"{logical_id}Logs"}
        existing = {"Fn::Sub": LOG_GROUPS[logical_id]}
        if logging.get("LogGroup") not in (own, {"Fn::If": [f"Owns{logical_id}Logs", own, existing]}):
            yield f"{logical_id}: its log group is one that Lambda creates, or that of another function"


@guard
def functions_write_json_in_every_partition(templates):
    """In GovCloud Lambda writes text only, and accepts no levels. The functions' lines are JSON anywhere."""
    for logical_id, resource in our_functions(templates):
        properties = resource["Properties"]
        logging, none = properties.get("LoggingConfig", {}), {"Ref": "AWS::NoValue"}
        if logging.get("LogFormat") != {"Fn::If": ["HasJsonLogs", "JSON", "Text"]}:
            yield f"{logical_id}: its log format is not that of the partition"
        if logging.get("ApplicationLogLevel") != {"Fn::If": ["HasJsonLogs", "TRACE", none]}:
            yield f"{logical_id}: Lambda filters its lines, including its metrics, or rejects the level"
        if logging.get("SystemLogLevel") != {"Fn::If": ["HasJsonLogs", "INFO", none]}:
            yield f"{logical_id}: Lambda omits its reports, or rejects the level"
        if properties["Environment"]["Variables"].get("LOG_FORMAT") != {"Fn::If": ["HasJsonLogs", none, "JSON"]}:
            yield f"{logical_id}: its lines are text in GovCloud"


@guard
def access_log_is_json(templates):
    for _, logical_id, resource in resources(templates, "AWS::ApiGateway::Stage"):
        form = resource["Properties"]["AccessLogSetting"]["Format"]
        try:
            fields = json.loads(form)
        except ValueError:
            yield f"{logical_id}: its access log is not JSON"
            continue
        for name in ("requestId", "status", "route", "method", "latencyMs", "tlsVersion", "cipherSuite"):
            if name not in fields:
                yield f"{logical_id}: its access log has no {name}"
        for value in fields.values():
            if re.search(r"\$context\.(path|identity\.userAgent|requestOverride|error\.message)\b", value):
                yield f"{logical_id}: {value} is text of the client, which can break the JSON"
        if resource["Properties"].get("TracingEnabled") != {"Fn::If": ["HasTraces", True, False]}:
            yield f"{logical_id}: no traces"


# The attributes of the keys, and that of the time to live.
TABLES = {
    "TenantConfigs": ("tenant-configs", ("tenant_id", "type"), "ttl"),
    "ConfigHistory": ("config-history", ("tenant_id", "position"), "expires_at"),
    "WebhookEndpoints": ("webhooks", ("scope", "id"), "expires_at"),
    "WebhookDeliveries": ("webhook-deliveries", ("webhook_id", "position"), "expires_at"),
}


@guard
def tables_are_retained_and_protected(templates):
    tables = {logical_id: resource for _, logical_id, resource in resources(templates, "AWS::DynamoDB::Table")}
    if set(tables) != set(TABLES):
        yield f"the tables are {sorted(tables)}"
    for logical_id, resource in tables.items():
        name, (partition_key, sort_key), ttl = TABLES[logical_id]
        properties = resource["Properties"]
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(policy) != "Retain":
                yield f"{logical_id}: {policy} deletes it"
        expected = {
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": True,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {
                "SSEEnabled": True,
                "SSEType": "KMS",
                "KMSMasterKeyId": {"Fn::If": ["HasTableKey", {"Ref": "TableKmsKeyArn"}, {"Ref": "AWS::NoValue"}]},
            },
            "TimeToLiveSpecification": {"AttributeName": ttl, "Enabled": True},
            "KeySchema": [
                {"AttributeName": partition_key, "KeyType": "HASH"},
                {"AttributeName": sort_key, "KeyType": "RANGE"},
            ],
            # deploy.sh replaces exactly this text, or an existing table could not be imported.
            "TableName": {"Fn::Sub": "${ProjectName}-${Environment}-" + name},
        }
        for name, value in expected.items():
            if properties.get(name) != value:
                yield f"{logical_id}: {name} is {properties.get(name)}"


# --- The functions.

ENVIRONMENT = {
    "Authorizer": {"PREVIOUS_KEY_MAX_AGE", "PSK_PARAMETER_NAME", "REQUIRE_BODY_SHA256"},
    "Api": {"TENANT_CONFIG_TABLE", "HISTORY_TABLE_NAME", "ALLOWED_ORIGINS", "BATCH_CONCURRENCY"}
    | {"TENANT_WEBHOOKS_TABLE", "TENANT_WEBHOOK_DELIVERIES_TABLE", "WEBHOOK_QUEUE_URL", "WEBHOOK_MASTER_KEY_PARAMETER"},
    "Validator": {"TENANT_CONFIG_TABLE", "ALLOWED_ORIGINS", "CENTRAL_ROLE_ARN", "EXTERNAL_ID"},
    "Recorder": {"TENANT_CONFIG_TABLE", "TENANT_HISTORY_TABLE", "HISTORY_RETENTION_DAYS"}
    | {"TENANT_WEBHOOKS_TABLE", "TENANT_WEBHOOK_DELIVERIES_TABLE", "WEBHOOK_QUEUE_URL", "EVENT_BUS_NAME"},
    # Without WEBHOOK_NETWORKS, which would let it connect to addresses that are not public.
    "Notifier": {"TENANT_HISTORY_TABLE", "TENANT_WEBHOOKS_TABLE", "TENANT_WEBHOOK_DELIVERIES_TABLE"}
    | {"WEBHOOK_QUEUE_URL", "WEBHOOK_MASTER_KEY_PARAMETER", "WEBHOOK_RETRY_SCHEDULE"},
}
LOGGING = {"LOG_LEVEL", "LOG_FORMAT"}
TIMEOUTS = {"Authorizer": 5, "Api": 10, "Validator": 10, "Recorder": 900, "Notifier": 60}  # seconds
# The functions that API Gateway invokes. The stream, a queue and schedules invoke the other ones.
BEHIND_THE_API = ("Authorizer", "Api", "Validator")


def our_functions(templates):
    """The functions whose programs are built here; the canary has its program in the template."""
    for template in ("functions", "history", "webhooks"):
        for logical_id, resource in templates[template]["Resources"].items():
            if resource["Type"] == "AWS::Lambda::Function":
                yield logical_id, resource


@guard
def functions_are_as_designed(templates):
    for logical_id, resource in our_functions(templates):
        properties = resource["Properties"]
        if properties["Timeout"] != TIMEOUTS[logical_id]:
            yield f"{logical_id}: its timeout is {properties['Timeout']} s"
        if set(properties["Environment"]["Variables"]) != ENVIRONMENT[logical_id] | LOGGING:
            yield f"{logical_id}: its variables are {sorted(properties['Environment']['Variables'])}"
        traces = {"Fn::If": ["HasTraces", {"Mode": "Active"}, {"Ref": "AWS::NoValue"}]}
        if properties.get("TracingConfig") != traces:
            yield f"{logical_id}: no traces"
        if "${Release}" not in " ".join(strings(properties["Description"])):
            yield f"{logical_id}: a release without another change would have no version"
        if "ReservedConcurrentExecutions" not in properties:
            yield f"{logical_id}: its concurrency cannot be reserved"
        if properties["Role"] != {"Fn::GetAtt": [f"{logical_id}Role", "Arn"]}:
            yield f"{logical_id}: it has the role of another function"


@guard
def batches_have_the_concurrency_that_the_api_accepts(templates):
    parameter = templates["regional"]["Parameters"].get("BatchConcurrency", {})
    numbers = [text for text in map(str, range(1001)) if re.match(parameter.get("AllowedPattern", "$"), text)]
    (most,) = re.findall(r"const MAX: usize = (\d+);", (ROOT / "crates/api/src/config.rs").read_text())
    if numbers != [str(number) for number in range(1, int(most) + 1)]:
        yield f"regional: BatchConcurrency allows {numbers}"
    (default,) = re.findall(r"`BATCH_CONCURRENCY` .* default (\d+) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    if parameter.get("Default") != default:
        yield f"regional: BatchConcurrency is {parameter.get('Default')} by default"
    reference = {"Ref": "BatchConcurrency"}
    if templates["regional"]["Resources"]["Functions"]["Properties"]["Parameters"].get("BatchConcurrency") != reference:
        yield "regional: the API function gets another concurrency"
    variables = templates["functions"]["Resources"]["Api"]["Properties"]["Environment"]["Variables"]
    if variables.get("BATCH_CONCURRENCY") != reference:
        yield f"Api: BATCH_CONCURRENCY is {variables.get('BATCH_CONCURRENCY')}"


@guard
def validator_is_deployed_with_a_central_role(templates):
    root = templates["regional"]["Conditions"]["HasValidator"]
    if root != {"Fn::And": [{"Condition": "HasApi"}, {"Fn::Not": [{"Fn::Equals": [{"Ref": "CentralRoleArn"}, ""]}]}]}:
        yield "regional: the validator is not deployed exactly when there are an API and a central role"
    for template in ("functions", "api", "monitoring"):
        for logical_id, resource in templates[template]["Resources"].items():
            of_the_validator = ("HasValidator", "OwnsValidatorLogs")
            if logical_id.startswith("Validator") and resource.get("Condition") not in of_the_validator:
                yield f"{logical_id}: it exists also without a validator"
    for template in ("functions", "regional"):
        for name, output in templates[template]["Outputs"].items():
            if name.startswith("Validator") and output.get("Condition") != "HasValidator":
                yield f"{template}: the output {name} exists also without a validator"


# Where each function's program comes from: the image, and its entry point unless that is the image's own.
PROGRAMS = {
    "Authorizer": ("AuthorizerImageUri", None),
    "Api": ("ApiImageUri", "/api"),
    "Validator": ("ApiImageUri", "/validator"),
    "Recorder": ("ApiImageUri", "/recorder"),
    "Notifier": ("ApiImageUri", "/notifier"),
}


@guard
def functions_start_their_program(templates):
    copied = re.findall(r"^COPY --from=build /out/bin(/\w+) /$", (ROOT / "Containerfile.api").read_text(), re.MULTILINE)
    for logical_id, resource in our_functions(templates):
        properties = resource["Properties"]
        image, entry_point = PROGRAMS[logical_id]
        _, from_image, from_zip = properties["Code"]["Fn::If"]
        if from_image != {"ImageUri": {"Ref": image}}:
            yield f"{logical_id}: its image is not {image}"
        if from_zip.get("S3Key") != {"Ref": f"{logical_id}CodeKey"}:
            yield f"{logical_id}: its zip package is not {logical_id}CodeKey"
        config = (
            {"Fn::If": ["IsImage", {"EntryPoint": [entry_point]}, {"Ref": "AWS::NoValue"}]} if entry_point else None
        )
        if properties.get("ImageConfig") != config:
            yield f"{logical_id}: its entry point is not {entry_point}"
        if entry_point and entry_point not in copied:
            yield f"{logical_id}: Containerfile.api does not contain {entry_point}"


@guard
def releases_can_be_rolled_back(templates):
    for _, logical_id, resource in resources(templates, "AWS::Lambda::Version"):
        if not logical_id.endswith("VersionRevision"):
            yield f"{logical_id}: its logical id has no revision to replace"
        # With plain Retain the version of a failed update remains, and Lambda publishes no second version of its code.
        if resource.get("DeletionPolicy") != "RetainExceptOnCreate":
            yield f"{logical_id}: the next release deletes it, or a failed update retains it and cannot be repeated"
        if resource.get("UpdateReplacePolicy") != "Retain":
            yield f"{logical_id}: its replacement deletes it"
    aliases = {logical_id: resource for _, logical_id, resource in resources(templates, "AWS::Lambda::Alias")}
    outputs = templates["functions"]["Outputs"] | templates["history"]["Outputs"] | templates["webhooks"]["Outputs"]
    for name in TIMEOUTS:
        alias = aliases.get(f"{name}Live", {}).get("Properties", {})
        if alias.get("Name") != "live":
            yield f"{name}: no alias"
        deployed = {"Fn::GetAtt": [f"{name}VersionRevision", "Version"]}
        live = {"Fn::If": [f"Pins{name}", {"Ref": f"Pinned{name}Version"}, deployed]}
        if alias.get("FunctionVersion") != live or outputs[f"{name}Version"]["Value"] != live:
            yield f"{name}: its alias is not at the pinned version, or at the deployed one without a pinned version"
        if name in BEHIND_THE_API and f"${{{name}Live}}" not in outputs[f"{name}Uri"]["Value"]["Fn::Sub"]:
            yield f"{name}: it is not invoked by its alias"


@guard
def functions_are_called_every_day(templates):
    """Lambda makes functions that nobody calls inactive. An event must not look like a signed request."""
    rule = templates["functions"]["Resources"].get("DailyCall", {}).get("Properties", {})
    if rule.get("ScheduleExpression") != "rate(1 day)":
        yield "DailyCall: it is not daily"
    targets = [target.get("Fn::If", [None, target])[1] for target in rule.get("Targets", [])]
    for name in BEHIND_THE_API:
        (target,) = [target for target in targets if target["Arn"] == {"Ref": f"{name}Live"}] or [None]
        if target is None:
            yield f"DailyCall: it does not call {name}"
            continue
        event = json.loads(" ".join(strings(target["Input"])))
        if event["path"] != "/health" or "Authorization" in event.get("headers", {}):
            yield f"DailyCall: {name} gets something else than the open route"


# --- Between the templates.


@guard
def execute_api_is_disabled_only_with_a_domain_and_on_request(templates):
    root = templates["regional"]
    if root["Parameters"].get("CloseExecuteApi", {}).get("Default") != "false":
        yield "regional: a first domain disables the host name before the domain serves"
    closed = [{"Condition": "HasDomain"}, {"Fn::Equals": [{"Ref": "CloseExecuteApi"}, "true"]}]
    if root["Conditions"].get("ClosesExecuteApi") != {"Fn::And": closed}:
        yield "regional: the host name is disabled without a domain, or without a request"
    given = root["Resources"]["Api"]["Properties"]["Parameters"].get("CloseExecuteApi")
    if given != {"Fn::If": ["ClosesExecuteApi", "true", "false"]}:
        yield "regional: the API is disabled by another condition"
    # A new value needs a new deployment, whose name is a hash of the root's parameters that this template declares.
    for _, logical_id, resource in resources(templates, "AWS::ApiGateway::RestApi"):
        if resource["Properties"].get("DisableExecuteApiEndpoint") != {"Ref": "CloseExecuteApi"}:
            yield f"{logical_id}: disabled by a parameter that creates no new deployment"


@guard
def nested_templates_get_their_parameters(templates):
    root = str(templates["regional"])
    for _, logical_id, resource in resources(templates, "AWS::CloudFormation::Stack"):
        name = re.search(r"/(\w+)\.yaml$", resource["Properties"]["TemplateURL"]["Fn::Sub"])[1]
        given, wanted = set(resource["Properties"]["Parameters"]), set(templates[name]["Parameters"])
        if given != wanted:
            yield f"{logical_id}: {sorted(given ^ wanted)} is passed or declared, but not both"
        for output in re.findall(rf"'Fn::GetAtt': \['{logical_id}', 'Outputs\.(\w+)'\]", root):
            if output not in templates[name]["Outputs"]:
                yield f"{logical_id}: it has no output {output}"


@guard
def outputs_are_complete(templates):
    expected = {"APIEndpoint", "TableName", "RestApiId", "PskParameterName", "AccessLogGroup"}
    expected |= {"HistoryTableName", "HistoryStreamArn", "HistoryMappingId", "FailedRecordsBucket"}
    expected |= {"WebhooksTableName", "WebhookDeliveriesTableName", "WebhookMasterKeyParameter", "WebhookMappingId"}
    expected |= {"WebhookQueueUrl", "WebhookDeadLetterQueueUrl"}
    expected |= {
        f"{function}{what}" for function in TIMEOUTS for what in ("FunctionArn", "Version", "RoleArn", "LogGroup")
    }
    for missing in sorted(expected - set(templates["regional"]["Outputs"])):
        yield f"the output {missing} is missing"


@guard
def suppressions_have_reasons(templates):
    for name, template in templates.items():
        for logical_id, resource in template["Resources"].items():
            metadata = resource.get("Metadata", {})
            for skip in metadata.get("checkov", {}).get("skip", []):
                if len(skip.get("comment", "").split()) < 5:
                    yield f"{name}: {logical_id} skips {skip['id']} without a reason"
