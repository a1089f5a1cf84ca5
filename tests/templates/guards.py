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

VALIDATED = {("Validate", "GET"), ("Validate", "HEAD")}
OPEN = {(path, method) for path in ("Health", "V1Health", "OpenApi", "V1OpenApi") for method in ("GET", "HEAD")}


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
    for _, logical_id, resource in resources(templates, "AWS::ApiGateway::Method"):
        properties = resource["Properties"]
        method, path = properties["HttpMethod"], properties["ResourceId"].get("Ref")
        authorizer = properties.get("AuthorizerId") if properties["AuthorizationType"] == "CUSTOM" else None
        if method != "OPTIONS" and (path, method) not in OPEN and authorizer != {"Ref": "Authorizer"}:
            yield f"{logical_id}: no authorizer"


@guard
def methods_invoke_their_function(templates):
    api = {"Ref": "ApiUri"}
    for _, logical_id, resource in resources(templates, "AWS::ApiGateway::Method"):
        properties = resource["Properties"]
        route = (properties["ResourceId"].get("Ref"), properties["HttpMethod"])
        uri = {"Fn::If": ["HasValidator", {"Ref": "ValidatorUri"}, api]} if route in VALIDATED else api
        if properties["Integration"] != {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri}:
            yield f"{logical_id}: it does not invoke its function"


@guard
def every_path_has_any_and_options(templates):
    taken = {}
    for _, _, resource in resources(templates, "AWS::ApiGateway::Method"):
        taken.setdefault(resource["Properties"]["ResourceId"]["Ref"], set()).add(resource["Properties"]["HttpMethod"])
    for _, logical_id, _ in resources(templates, "AWS::ApiGateway::Resource"):
        if logical_id == "ApiPath":  # /api alone is not a route
            continue
        if not {"ANY", "OPTIONS"} <= taken.get(logical_id, set()):
            yield f"{logical_id}: ANY or OPTIONS is missing, so other methods return the gateway's 404"


@guard
def only_this_api_is_allowed_to_invoke_the_functions(templates):
    for _, logical_id, resource in resources(templates, "AWS::Lambda::Permission"):
        source = " ".join(strings(resource["Properties"].get("SourceArn", "")))
        if "${AWS::AccountId}:${Api}/" not in source or "${Api}/*" in source:
            yield f"{logical_id}: SourceArn is not limited to a part of this API"
        if resource["Properties"]["Principal"] != "apigateway.amazonaws.com":
            yield f"{logical_id}: another principal than API Gateway"


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
        for missing in sorted(expected - set(resource["DependsOn"])):
            yield f"{logical_id}: created before {missing}, which it would not contain"


# --- The gateway's own errors.

RESPONSES = {
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "UNAUTHORIZED",
    "ACCESS_DENIED",
    "MISSING_AUTHENTICATION_TOKEN",
    "RESOURCE_NOT_FOUND",
    "BAD_REQUEST_BODY",
    "BAD_REQUEST_PARAMETERS",
    "REQUEST_TOO_LARGE",
    "QUOTA_EXCEEDED",
    "THROTTLED",
    "AUTHORIZER_CONFIGURATION_ERROR",
    "AUTHORIZER_FAILURE",
    "INTEGRATION_FAILURE",
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
    for kind in ("MISSING_AUTHENTICATION_TOKEN", "RESOURCE_NOT_FOUND"):
        if responses.get(kind, {}).get("StatusCode") != "404":
            yield f"{kind}: an unknown route must return 404"


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
API_ACTIONS = UNNARROWED | {"logs:CreateLogStream", "logs:PutLogEvents"}
VALIDATOR_ACTIONS = API_ACTIONS | {"dynamodb:Query", "sts:AssumeRole"}

OPERATIONS = {
    "get_item": "dynamodb:GetItem",
    "batch_get_item": "dynamodb:BatchGetItem",
    "query": "dynamodb:Query",
    "scan": "dynamodb:Scan",
    "put_item": "dynamodb:PutItem",
    "update_item": "dynamodb:UpdateItem",
    "delete_item": "dynamodb:DeleteItem",
    "describe_table": "dynamodb:DescribeTable",
    "transact_write_items": "dynamodb:TransactWriteItems",
}


def statements(templates, *roles):
    for _, logical_id, resource in resources(templates, "AWS::IAM::Role"):
        if roles and logical_id not in roles:
            continue
        for policy in resource["Properties"].get("Policies", []):
            for candidate in policy.get("Fn::If", [None, policy])[1:2]:
                for statement in candidate["PolicyDocument"]["Statement"]:
                    yield logical_id, statement


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
            if "key/*" in target:
                conditions = statement.get("Condition", {}).get("StringEquals", {})
                if "kms:ViaService" not in conditions or not any("EncryptionContext" in key for key in conditions):
                    yield f"{role}: any key, for any purpose"
            elif "*" in target and target != "*" and not target.endswith("Logs}:*"):
                yield f"{role}: {sorted(actions)} on {target}"
    for _, logical_id, resource in resources(templates, "AWS::IAM::Role"):
        for arn in resource["Properties"].get("ManagedPolicyArns", []):
            if "AmazonAPIGatewayPushToCloudWatchLogs" not in " ".join(strings(arn)):
                yield f"{logical_id}: a managed policy, which cannot be limited"


@guard
def roles_allow_what_the_code_does(templates):
    code = "\n".join(path.read_text() for path in (ROOT / "crates/store/src").rglob("*.rs"))
    used = {action for call, action in OPERATIONS.items() if re.search(rf"\.{call}\(\)", code)}
    allowed = actions_of(templates, "ApiRole")
    if allowed != used | API_ACTIONS:
        yield f"ApiRole: {sorted(allowed ^ (used | API_ACTIONS))} is allowed or needed, but not both"
    for role, needed in (("AuthorizerRole", AUTHORIZER_ACTIONS), ("ValidatorRole", VALIDATOR_ACTIONS)):
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
            ):
                yield f"{logical_id}: {statement['Principal']} is allowed to assume it"


# --- Logs and the table.

LOG_GROUPS = {
    "/aws/apigateway/${ProjectName}-${Environment}-tenant-api",
    "/aws/lambda/${ProjectName}-${Environment}-api-authorizer",
    "/aws/lambda/${ProjectName}-${Environment}-api-service",
    "/aws/lambda/${ProjectName}-${Environment}-api-validator",
}


@guard
def logs_have_a_name_and_a_retention(templates):
    names = set()
    for _, logical_id, resource in resources(templates, "AWS::Logs::LogGroup"):
        names |= set(strings(resource["Properties"].get("LogGroupName", "")))
        if resource["Properties"].get("RetentionInDays") != {"Ref": "LogRetentionDays"}:
            yield f"{logical_id}: it has no retention"
    for missing in sorted(LOG_GROUPS - names):
        yield f"the log group {missing} is missing"
    for _, logical_id, resource in resources(templates, "AWS::Lambda::Function"):
        logging = resource["Properties"].get("LoggingConfig", {})
        if logging.get("LogGroup") != {"Ref": f"{logical_id}Logs"}:
            yield f"{logical_id}: its log group is one that Lambda creates, or that of another function"
        if logging.get("ApplicationLogLevel") != "TRACE":
            yield f"{logical_id}: Lambda filters its lines, including its metrics"


@guard
def access_log_is_json(templates):
    for _, logical_id, resource in resources(templates, "AWS::ApiGateway::Stage"):
        form = resource["Properties"]["AccessLogSetting"]["Format"]
        try:
            fields = json.loads(form)
        except ValueError:
            yield f"{logical_id}: its access log is not JSON"
            continue
        for name in ("requestId", "status", "route", "method", "latencyMs"):
            if name not in fields:
                yield f"{logical_id}: its access log has no {name}"
        for value in fields.values():
            if re.search(r"\$context\.(path|identity\.userAgent|requestOverride|error\.message)\b", value):
                yield f"{logical_id}: {value} is text of the client, which can break the JSON"
        if not resource["Properties"].get("TracingEnabled"):
            yield f"{logical_id}: no traces"


@guard
def table_is_retained_and_protected(templates):
    tables = list(resources(templates, "AWS::DynamoDB::Table"))
    if len(tables) != 1:
        yield f"there are {len(tables)} tables"
    for _, logical_id, resource in tables:
        properties = resource["Properties"]
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(policy) != "Retain":
                yield f"{logical_id}: {policy} deletes it"
        expected = {
            "BillingMode": "PAY_PER_REQUEST",
            "DeletionProtectionEnabled": True,
            "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
            "SSESpecification": {"SSEEnabled": True},
            "TimeToLiveSpecification": {"AttributeName": "ttl", "Enabled": True},
            "KeySchema": [
                {"AttributeName": "tenant_id", "KeyType": "HASH"},
                {"AttributeName": "type", "KeyType": "RANGE"},
            ],
            "TableName": {"Fn::Sub": "${ProjectName}-${Environment}-tenant-configs"},
        }
        for name, value in expected.items():
            if properties.get(name) != value:
                yield f"{logical_id}: {name} is {properties.get(name)}"


# --- The functions.

ENVIRONMENT = {
    "Authorizer": {"LOG_LEVEL", "PSK_PARAMETER_NAME", "REQUIRE_BODY_SHA256"},
    "Api": {"LOG_LEVEL", "TENANT_CONFIG_TABLE", "ALLOWED_ORIGINS"},
    "Validator": {"LOG_LEVEL", "TENANT_CONFIG_TABLE", "ALLOWED_ORIGINS", "CENTRAL_ROLE_ARN", "EXTERNAL_ID"},
}
TIMEOUTS = {"Authorizer": 5, "Api": 10, "Validator": 10}  # seconds


@guard
def functions_are_as_designed(templates):
    for _, logical_id, resource in resources(templates, "AWS::Lambda::Function"):
        properties = resource["Properties"]
        if properties["Timeout"] != TIMEOUTS[logical_id]:
            yield f"{logical_id}: its timeout is {properties['Timeout']} s"
        if set(properties["Environment"]["Variables"]) != ENVIRONMENT[logical_id]:
            yield f"{logical_id}: its variables are {sorted(properties['Environment']['Variables'])}"
        if properties.get("TracingConfig") != {"Mode": "Active"}:
            yield f"{logical_id}: no traces"
        if "${Release}" not in " ".join(strings(properties["Description"])):
            yield f"{logical_id}: a release without another change would have no version"
        if "ReservedConcurrentExecutions" not in properties:
            yield f"{logical_id}: its concurrency cannot be reserved"
        if properties["Role"] != {"Fn::GetAtt": [f"{logical_id}Role", "Arn"]}:
            yield f"{logical_id}: it has the role of another function"


@guard
def validator_is_deployed_with_a_central_role(templates):
    root = templates["regional"]["Conditions"]["HasValidator"]
    if root != {"Fn::And": [{"Condition": "HasApi"}, {"Fn::Not": [{"Fn::Equals": [{"Ref": "CentralRoleArn"}, ""]}]}]}:
        yield "regional: the validator is not deployed exactly when there are an API and a central role"
    for template in ("functions", "api", "monitoring"):
        for logical_id, resource in templates[template]["Resources"].items():
            if logical_id.startswith("Validator") and resource.get("Condition") != "HasValidator":
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
}


@guard
def functions_start_their_program(templates):
    copied = re.findall(r"^COPY --from=build /out/bin(/\w+) /$", (ROOT / "Containerfile.api").read_text(), re.MULTILINE)
    for _, logical_id, resource in resources(templates, "AWS::Lambda::Function"):
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
    outputs = templates["functions"]["Outputs"]
    for name in TIMEOUTS:
        if aliases.get(f"{name}Live", {}).get("Properties", {}).get("Name") != "live":
            yield f"{name}: no alias"
        if f"${{{name}Live}}" not in outputs[f"{name}Uri"]["Value"]["Fn::Sub"]:
            yield f"{name}: it is not invoked by its alias"


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
    expected = {"APIEndpoint", "TableName", "RestApiId", "PskParameterName", "AccessLogGroup"} | {
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
