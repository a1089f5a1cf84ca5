"""Checks the templates with the guards, and each guard with a template that breaks it."""

import copy
import re

import pytest
from cfn import load, strings, text
from guards import GUARDS

TEMPLATES = load()


def findings(guard, templates):
    return list(guard(templates))


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_templates_pass(guard):
    assert findings(guard, TEMPLATES) == []


def properties(templates, template, logical_id):
    return templates[template]["Resources"][logical_id]["Properties"]


def policy(templates, role):
    return properties(templates, "functions", role)["Policies"][0]["PolicyDocument"]["Statement"]


BREAKS = []


def breaks(guard):
    """Registers a function that changes the templates so that the guard has a finding."""
    return lambda change: BREAKS.append((guard, change)) or change


@breaks("decisions_are_not_cached")
def cache_decisions(templates):
    properties(templates, "api", "Authorizer")["AuthorizerResultTtlInSeconds"] = 300


@breaks("decisions_are_not_cached")
def cache_decisions_by_default(templates):
    del properties(templates, "api", "Authorizer")["AuthorizerResultTtlInSeconds"]


@breaks("decisions_are_not_cached")
def identify_by_one_header(templates):
    properties(templates, "api", "Authorizer")["IdentitySource"] = "method.request.header.Authorization"


@breaks("methods_use_the_authorizer")
def open_the_proxy(templates):
    properties(templates, "api", "ProxyAny")["AuthorizationType"] = "NONE"


@breaks("methods_use_the_authorizer")
def open_a_method_that_is_not_in_the_list(templates):
    method = copy.deepcopy(templates["api"]["Resources"]["HealthGet"])
    method["Properties"]["HttpMethod"] = "POST"
    templates["api"]["Resources"]["HealthPost"] = method


@breaks("methods_use_the_authorizer")
def use_another_authorizer(templates):
    properties(templates, "api", "ValidateGet")["AuthorizationType"] = "AWS_IAM"


@breaks("one_proxy_takes_everything")
def define_a_route_for_itself(templates):
    method = copy.deepcopy(templates["api"]["Resources"]["ValidateGet"])
    method["Properties"]["ResourceId"] = {"Ref": "TenantConfig"}
    templates["api"]["Resources"]["TenantConfigGet"] = method


@breaks("one_proxy_takes_everything")
def omit_the_root(templates):
    del templates["api"]["Resources"]["RootAny"]


@breaks("one_proxy_takes_everything")
def take_only_what_is_below_v1(templates):
    properties(templates, "api", "Proxy")["ParentId"] = {"Ref": "V1"}


@breaks("methods_invoke_their_function")
def respond_in_the_gateway(templates):
    properties(templates, "api", "HealthGet")["Integration"] = {"Type": "MOCK"}


@breaks("methods_invoke_their_function")
def validate_in_the_api_function(templates):
    properties(templates, "api", "ValidateHead")["Integration"]["Uri"] = {"Ref": "ApiUri"}


@breaks("methods_invoke_their_function")
def validate_without_a_validator(templates):
    del templates["api"]["Resources"]["ValidateGet"]["Condition"]


@breaks("methods_invoke_their_function")
def invoke_a_function_for_every_preflight(templates):
    preflight = properties(templates, "api", "ProxyOptions")
    preflight["Integration"] = preflight["Integration"]["Fn::If"][1]


def preflight_headers(templates):
    mock = properties(templates, "api", "ProxyOptions")["Integration"]["Fn::If"][2]
    return mock["IntegrationResponses"][0]["ResponseParameters"]


@breaks("preflights_are_those_of_the_functions")
def forbid_a_header_in_preflights(templates):
    name = "method.response.header.Access-Control-Allow-Headers"
    preflight_headers(templates)[name]["Fn::If"][1] = "'authorization'"


@breaks("preflights_are_those_of_the_functions")
def allow_any_origin(templates):
    preflight_headers(templates)["method.response.header.Access-Control-Allow-Origin"] = "'*'"


@breaks("open_methods_have_a_lower_limit")
def throttle_health_like_the_others(templates):
    settings = properties(templates, "api", "Stage")["MethodSettings"]
    settings[:] = [setting for setting in settings if setting["ResourcePath"] != "/~1health"]


@breaks("open_methods_have_a_lower_limit")
def throttle_preflights_like_the_others(templates):
    for setting in properties(templates, "api", "Stage")["MethodSettings"]:
        setting["ThrottlingBurstLimit"] = {"Ref": "ThrottlingBurst"}


@breaks("api_has_a_tls_policy")
def omit_the_tls_policy(templates):
    del properties(templates, "api", "Api")["SecurityPolicy"]


@breaks("api_has_a_tls_policy")
def omit_the_tls_policy_of_the_domain(templates):
    del properties(templates, "domain", "Domain")["SecurityPolicy"]


@breaks("api_has_a_tls_policy")
def allow_tls_1_0(templates):
    templates["regional"]["Parameters"]["SecurityPolicy"]["AllowedValues"].append("TLS_1_0")


@breaks("logging_role_is_set_after_the_api_exists")
def set_the_logging_role_first(templates):
    del templates["api"]["Resources"]["GatewayAccount"]["DependsOn"]


@breaks("logging_role_is_set_after_the_api_exists")
def create_the_stage_without_waiting_for_the_role(templates):
    properties(templates, "api", "Stage")["Description"] = "Tenant management API"


@breaks("global_names_contain_the_region")
def name_the_dashboard_without_the_region(templates):
    properties(templates, "monitoring", "Dashboard")["DashboardName"] = {"Fn::Sub": "${ProjectName}-${Environment}"}


@breaks("global_names_contain_the_region")
def name_a_role_without_the_region(templates):
    properties(templates, "functions", "ApiRole")["RoleName"] = {"Fn::Sub": "${ProjectName}-${Environment}-api"}


@breaks("resources_have_tags")
def omit_the_tags_of_a_function(templates):
    del properties(templates, "functions", "Api")["Tags"]


@breaks("resources_have_tags")
def omit_a_tag_of_an_alarm(templates):
    properties(templates, "monitoring", "LatencyAlarm")["Tags"].pop()


@breaks("resources_have_tags")
def add_a_resource_without_tags(templates):
    templates["monitoring"]["Resources"]["Queue"] = {"Type": "AWS::SQS::Queue", "Properties": {}}


@breaks("roles_fit_an_organization")
def omit_the_permissions_boundary(templates):
    del properties(templates, "functions", "ValidatorRole")["PermissionsBoundary"]


@breaks("roles_fit_an_organization")
def omit_the_path_of_a_role(templates):
    del properties(templates, "api", "GatewayLoggingRole")["Path"]


@breaks("roles_fit_an_organization")
def name_a_role(templates):
    properties(templates, "functions", "ApiRole")["RoleName"] = "api"


@breaks("customer_key_encrypts_logs_and_variables")
def omit_the_customer_key_of_a_log(templates):
    del properties(templates, "api", "AccessLogs")["KmsKeyId"]


@breaks("customer_key_encrypts_logs_and_variables")
def omit_the_customer_key_of_a_function(templates):
    del properties(templates, "functions", "Validator")["KmsKeyArn"]


@breaks("arns_and_host_names_are_of_any_partition")
def name_the_partition(templates):
    properties(templates, "api", "GatewayLoggingRole")["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/Some"]


@breaks("arns_and_host_names_are_of_any_partition")
def name_the_domain_of_a_partition(templates):
    properties(templates, "regional", "Api")["TemplateURL"] = {"Fn::Sub": "https://s3.${AWS::Region}.amazonaws.com/x"}


@breaks("functions_write_json_in_every_partition")
def write_json_in_govcloud(templates):
    properties(templates, "functions", "Api")["LoggingConfig"]["LogFormat"] = "JSON"


@breaks("functions_write_json_in_every_partition")
def let_lambda_filter_lines(templates):
    properties(templates, "functions", "Api")["LoggingConfig"]["ApplicationLogLevel"] = "WARN"


@breaks("functions_write_json_in_every_partition")
def write_text_in_govcloud(templates):
    del properties(templates, "functions", "Authorizer")["Environment"]["Variables"]["LOG_FORMAT"]


@breaks("functions_are_called_every_day")
def forget_the_validator(templates):
    properties(templates, "functions", "DailyCall")["Targets"].pop()


@breaks("functions_are_called_every_day")
def call_once_a_month(templates):
    properties(templates, "functions", "DailyCall")["ScheduleExpression"] = "rate(30 days)"


@breaks("functions_are_called_every_day")
def change_something_every_day(templates):
    target = properties(templates, "functions", "DailyCall")["Targets"][1]
    target["Input"] = target["Input"].replace("/health", "/api/v1/tenants/a/delivery-configs/s3")


@breaks("only_this_api_and_these_schedules_are_allowed_to_invoke_the_functions")
def allow_any_api(templates):
    del properties(templates, "api", "ApiPermission")["SourceArn"]


@breaks("only_this_api_and_these_schedules_are_allowed_to_invoke_the_functions")
def allow_any_stage(templates):
    properties(templates, "api", "ApiPermission")["SourceArn"] = {"Fn::Sub": "arn::${AWS::AccountId}:${Api}/*"}


@breaks("only_this_api_and_these_schedules_are_allowed_to_invoke_the_functions")
def allow_any_stage_to_invoke_the_validator(templates):
    properties(templates, "api", "ValidatorPermission")["SourceArn"] = {"Fn::Sub": "arn::${AWS::AccountId}:${Api}/*"}


@breaks("only_this_api_and_these_schedules_are_allowed_to_invoke_the_functions")
def allow_every_principal(templates):
    properties(templates, "api", "AuthorizerPermission")["Principal"] = "*"


@breaks("only_this_api_and_these_schedules_are_allowed_to_invoke_the_functions")
def allow_every_schedule(templates):
    properties(templates, "functions", "ApiDailyPermission")["SourceArn"] = {"Fn::Sub": "arn:events:rule/*"}


@breaks("deployment_contains_everything")
def deploy_before_a_method(templates):
    templates["api"]["Resources"]["DeploymentRevision"]["DependsOn"].remove("ProxyAny")


@breaks("deployment_contains_everything")
def deploy_before_the_validator(templates):
    del properties(templates, "api", "DeploymentRevision")["Description"]


@breaks("deployment_contains_everything")
def deploy_without_errors(templates):
    templates["api"]["Resources"]["DeploymentRevision"]["DependsOn"].remove("AccessDeniedResponse")


@breaks("deployment_contains_everything")
def deploy_once(templates):
    templates["api"]["Resources"]["Deployment"] = templates["api"]["Resources"].pop("DeploymentRevision")


@breaks("gateway_errors_have_the_envelope")
def omit_a_gateway_response(templates):
    del templates["api"]["Resources"]["AccessDeniedResponse"]


@breaks("gateway_errors_have_the_envelope")
def drop_the_request_id(templates):
    del properties(templates, "api", "ThrottledResponse")["ResponseParameters"]["gatewayresponse.header.X-Request-Id"]


@breaks("gateway_errors_have_the_envelope")
def drop_retry_after(templates):
    del properties(templates, "api", "ThrottledResponse")["ResponseParameters"]["gatewayresponse.header.Retry-After"]


@breaks("gateway_errors_have_the_envelope")
def allow_caching_of_errors(templates):
    del properties(templates, "api", "Default4xxResponse")["ResponseParameters"]["gatewayresponse.header.Cache-Control"]


@breaks("gateway_errors_have_the_envelope")
def respond_without_the_envelope(templates):
    properties(templates, "api", "Default5xxResponse")["ResponseTemplates"]["application/json"] = '{"message":"oh"}'


@breaks("gateway_errors_have_the_envelope")
def respond_without_json(templates):
    properties(templates, "api", "Default5xxResponse")["ResponseTemplates"]["application/json"] = "{'status':'error'}"


@breaks("gateway_errors_have_the_envelope")
def let_browsers_guess_the_type(templates):
    headers = properties(templates, "api", "Default4xxResponse")["ResponseParameters"]
    del headers["gatewayresponse.header.X-Content-Type-Options"]


@breaks("gateway_errors_have_the_envelope")
def require_https_of_the_host_name_of_aws(templates):
    headers = properties(templates, "api", "Default4xxResponse")["ResponseParameters"]
    headers["gatewayresponse.header.Strict-Transport-Security"] = "'max-age=31536000'"


@breaks("gateway_errors_have_the_envelope")
def forbid_unknown_routes(templates):
    properties(templates, "api", "MissingAuthenticationTokenResponse")["StatusCode"] = "403"


@breaks("gateway_errors_are_those_of_the_local_server")
def report_which_check_failed(templates):
    templates_of = properties(templates, "api", "AccessDeniedResponse")["ResponseTemplates"]
    templates_of["application/json"] = '{"timestamp":"","status":"error","error":"Wrong signature."}'


@breaks("policies_have_no_unnecessary_wildcard")
def allow_any_action(templates):
    policy(templates, "ApiRole")[0]["Action"] = "dynamodb:*"


@breaks("policies_have_no_unnecessary_wildcard")
def allow_any_table(templates):
    policy(templates, "ApiRole")[0]["Resource"] = "*"


@breaks("policies_have_no_unnecessary_wildcard")
def allow_tables_of_a_prefix(templates):
    policy(templates, "ApiRole")[0]["Resource"] = {"Fn::Sub": "arn:aws:dynamodb:::table/${ProjectName}-*"}


@breaks("policies_have_no_unnecessary_wildcard")
def decrypt_anything(templates):
    del policy(templates, "AuthorizerRole")[1]["Condition"]


@breaks("policies_have_no_unnecessary_wildcard")
def decrypt_any_parameter(templates):
    equals = policy(templates, "AuthorizerRole")[1]["Condition"]["StringEquals"]
    del equals["kms:EncryptionContext:PARAMETER_ARN"]


@breaks("policies_have_no_unnecessary_wildcard")
def decrypt_with_any_key_of_a_table(templates):
    policy(templates, "ApiRole")[1]["Fn::If"][1]["Resource"] = {"Fn::Sub": "arn:kms:${AWS::Region}:key/*"}


@breaks("policies_have_no_unnecessary_wildcard")
def write_to_any_log(templates):
    statement = next(one for one in policy(templates, "ApiRole") if one.get("Sid") == "WriteLog")
    statement["Resource"] = {"Fn::Sub": "arn:logs:log-group:/aws/lambda/${ProjectName}-*"}


@breaks("policies_have_no_unnecessary_wildcard")
def write_to_the_log_of_another_function(templates):
    statement = next(one for one in policy(templates, "ApiRole") if one.get("Sid") == "WriteLog")
    statement["Resource"]["Fn::Sub"] = statement["Resource"]["Fn::Sub"].replace("-api-service", "-api-authorizer")


@breaks("policies_have_no_unnecessary_wildcard")
def use_a_managed_policy(templates):
    arn = "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"
    properties(templates, "functions", "ApiRole")["ManagedPolicyArns"] = [arn]


@breaks("roles_allow_what_the_code_does")
def allow_an_unused_action(templates):
    policy(templates, "ApiRole")[0]["Action"].append("dynamodb:DeleteTable")


@breaks("roles_allow_what_the_code_does")
def allow_checks_of_items_that_no_transaction_makes(templates):
    policy(templates, "ApiRole")[0]["Action"].append("dynamodb:ConditionCheckItem")


@breaks("roles_allow_what_the_code_does")
def omit_an_action(templates):
    policy(templates, "ApiRole")[0]["Action"].remove("dynamodb:Scan")


@breaks("roles_allow_what_the_code_does")
def allow_the_authorizer_to_write(templates):
    policy(templates, "AuthorizerRole")[0]["Action"] = ["ssm:GetParameters", "ssm:PutParameter"]


@breaks("roles_allow_what_the_code_does")
def allow_the_validator_to_write(templates):
    policy(templates, "ValidatorRole")[0]["Action"] = ["dynamodb:Query", "dynamodb:PutItem"]


@breaks("roles_allow_what_the_code_does")
def allow_the_validator_to_list(templates):
    policy(templates, "ValidatorRole")[0]["Action"] = ["dynamodb:Query", "dynamodb:Scan"]


@breaks("only_the_validator_assumes_a_role_and_only_the_central_one")
def allow_the_api_function_to_assume_the_central_role(templates):
    policy(templates, "ApiRole").append(policy(templates, "ValidatorRole")[2])


@breaks("only_the_validator_assumes_a_role_and_only_the_central_one")
def allow_the_validator_to_assume_customers_roles(templates):
    policy(templates, "ValidatorRole")[2]["Resource"] = [
        {"Ref": "CentralRoleArn"},
        "arn:aws:iam::444455556666:role/Logs",
    ]


@breaks("roles_allow_what_the_code_does")
def allow_the_canary_to_write(templates):
    statements = properties(templates, "canary", "CanaryRole")["Policies"][0]["PolicyDocument"]["Statement"]
    statements[0]["Action"] = ["ssm:GetParameter", "ssm:PutParameter"]


@breaks("roles_are_for_one_service")
def allow_an_account_to_assume_the_role(templates):
    role = properties(templates, "functions", "ApiRole")
    role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] = {"AWS": "*"}


@breaks("logs_have_a_name_and_a_retention")
def omit_the_retention(templates):
    del properties(templates, "api", "AccessLogs")["RetentionInDays"]


@breaks("logs_have_a_name_and_a_retention")
def rename_a_log(templates):
    properties(templates, "functions", "ApiLogs")["LogGroupName"] = "/aws/lambda/api"


@breaks("logs_have_a_name_and_a_retention")
def omit_the_log_group(templates):
    del properties(templates, "functions", "Api")["LoggingConfig"]["LogGroup"]


@breaks("logs_have_a_name_and_a_retention")
def omit_the_retention_of_the_audit_log(templates):
    properties(templates, "functions", "ApiLogs")["RetentionInDays"] = {"Ref": "LogRetentionDays"}


@breaks("logs_have_a_name_and_a_retention")
def delete_the_audit_log_with_the_stack(templates):
    templates["functions"]["Resources"]["ApiLogs"]["DeletionPolicy"] = "Delete"


@breaks("access_log_is_json")
def break_the_access_log(templates):
    properties(templates, "api", "Stage")["AccessLogSetting"]["Format"] = "$context.requestId $context.status"


@breaks("access_log_is_json")
def log_the_path(templates):
    setting = properties(templates, "api", "Stage")["AccessLogSetting"]
    setting["Format"] = setting["Format"].replace("$context.resourcePath", "$context.path")


@breaks("access_log_is_json")
def stop_tracing(templates):
    properties(templates, "api", "Stage")["TracingEnabled"] = False


@breaks("access_log_is_json")
def omit_the_tls_version(templates):
    setting = properties(templates, "api", "Stage")["AccessLogSetting"]
    setting["Format"] = setting["Format"].replace('"tlsVersion":"$context.tlsVersion",', "")


@breaks("tables_are_retained_and_protected")
def delete_the_table_with_the_stack(templates):
    templates["regional"]["Resources"]["TenantConfigs"]["DeletionPolicy"] = "Delete"


@breaks("tables_are_retained_and_protected")
def delete_the_table_when_replaced(templates):
    del templates["regional"]["Resources"]["TenantConfigs"]["UpdateReplacePolicy"]


@breaks("tables_are_retained_and_protected")
def unprotect_the_table(templates):
    properties(templates, "regional", "TenantConfigs")["DeletionProtectionEnabled"] = False


@breaks("tables_are_retained_and_protected")
def stop_backups(templates):
    del properties(templates, "regional", "TenantConfigs")["PointInTimeRecoverySpecification"]


@breaks("functions_are_as_designed")
def exceed_the_timeout(templates):
    properties(templates, "functions", "Api")["Timeout"] = 30


@breaks("functions_are_as_designed")
def omit_a_variable(templates):
    del properties(templates, "functions", "Authorizer")["Environment"]["Variables"]["PSK_PARAMETER_NAME"]


@breaks("functions_are_as_designed")
def omit_the_release(templates):
    properties(templates, "functions", "Authorizer")["Description"] = "Verifies request signatures"


@breaks("functions_are_as_designed")
def share_a_role(templates):
    properties(templates, "functions", "Validator")["Role"] = {"Fn::GetAtt": ["ApiRole", "Arn"]}


@breaks("batches_have_the_concurrency_that_the_api_accepts")
def allow_a_concurrency_that_stops_the_api(templates):
    templates["regional"]["Parameters"]["BatchConcurrency"]["AllowedPattern"] = "^[1-9][0-9]{0,2}$"


@breaks("batches_have_the_concurrency_that_the_api_accepts")
def fix_the_concurrency_of_batches(templates):
    properties(templates, "functions", "Api")["Environment"]["Variables"]["BATCH_CONCURRENCY"] = "16"


@breaks("validator_is_deployed_with_a_central_role")
def validate_without_a_central_role(templates):
    del templates["regional"]["Conditions"]["HasValidator"]["Fn::And"][1]


@breaks("validator_is_deployed_with_a_central_role")
def deploy_the_validator_always(templates):
    del templates["functions"]["Resources"]["Validator"]["Condition"]


@breaks("validator_is_deployed_with_a_central_role")
def output_the_validator_always(templates):
    del templates["regional"]["Outputs"]["ValidatorRoleArn"]["Condition"]


@breaks("functions_start_their_program")
def start_the_api_as_the_validator(templates):
    del properties(templates, "functions", "Validator")["ImageConfig"]


@breaks("functions_start_their_program")
def start_a_program_that_the_image_lacks(templates):
    image_config = properties(templates, "functions", "Validator")["ImageConfig"]
    image_config["Fn::If"][1]["EntryPoint"] = ["/checker"]


@breaks("functions_start_their_program")
def deploy_the_validator_from_its_own_image(templates):
    properties(templates, "functions", "Validator")["Code"]["Fn::If"][1] = {"ImageUri": {"Ref": "ValidatorImageUri"}}


@breaks("functions_start_their_program")
def deploy_another_zip_package(templates):
    properties(templates, "functions", "Validator")["Code"]["Fn::If"][2]["S3Key"] = {"Ref": "ApiCodeKey"}


@breaks("releases_can_be_rolled_back")
def delete_old_versions(templates):
    del templates["functions"]["Resources"]["ApiVersionRevision"]["DeletionPolicy"]


@breaks("releases_can_be_rolled_back")
def retain_the_version_of_a_failed_update(templates):
    templates["functions"]["Resources"]["ApiVersionRevision"]["DeletionPolicy"] = "Retain"


@breaks("releases_can_be_rolled_back")
def delete_a_version_that_is_replaced(templates):
    del templates["functions"]["Resources"]["ApiVersionRevision"]["UpdateReplacePolicy"]


@breaks("releases_can_be_rolled_back")
def invoke_the_unpublished_code(templates):
    templates["functions"]["Outputs"]["ApiUri"]["Value"] = {"Fn::Sub": "arn:functions/${Api.Arn}/invocations"}


@breaks("releases_can_be_rolled_back")
def ignore_a_pinned_version(templates):
    alias = properties(templates, "functions", "ApiLive")
    alias["FunctionVersion"] = {"Fn::GetAtt": ["ApiVersionRevision", "Version"]}


@breaks("releases_can_be_rolled_back")
def publish_once(templates):
    templates["functions"]["Resources"]["ApiVersion"] = templates["functions"]["Resources"].pop("ApiVersionRevision")


@breaks("execute_api_is_disabled_only_with_a_domain_and_on_request")
def disable_the_host_name_with_the_first_domain(templates):
    templates["regional"]["Parameters"]["CloseExecuteApi"]["Default"] = "true"


@breaks("execute_api_is_disabled_only_with_a_domain_and_on_request")
def disable_the_host_name_without_a_domain(templates):
    templates["regional"]["Conditions"]["ClosesExecuteApi"] = {"Fn::Equals": [{"Ref": "CloseExecuteApi"}, "true"]}


@breaks("execute_api_is_disabled_only_with_a_domain_and_on_request")
def disable_the_host_name_with_every_domain(templates):
    properties(templates, "regional", "Api")["Parameters"]["CloseExecuteApi"] = {
        "Fn::If": ["HasDomain", "true", "false"]
    }


@breaks("execute_api_is_disabled_only_with_a_domain_and_on_request")
def disable_the_host_name_without_a_new_deployment(templates):
    properties(templates, "api", "Api")["DisableExecuteApiEndpoint"] = {"Ref": "DisableExecuteApiEndpoint"}


@breaks("nested_templates_get_their_parameters")
def omit_a_parameter(templates):
    del properties(templates, "regional", "Functions")["Parameters"]["LogLevel"]


@breaks("nested_templates_get_their_parameters")
def pass_one_too_many(templates):
    properties(templates, "regional", "Api")["Parameters"]["LogLevel"] = "INFO"


@breaks("nested_templates_get_their_parameters")
def read_a_missing_output(templates):
    del templates["api"]["Outputs"]["StageUrl"]


@breaks("outputs_are_complete")
def hide_the_endpoint(templates):
    del templates["regional"]["Outputs"]["APIEndpoint"]


@breaks("suppressions_have_reasons")
def suppress_without_a_reason(templates):
    templates["functions"]["Resources"]["Api"]["Metadata"]["checkov"]["skip"][0]["comment"] = "no"


@pytest.mark.parametrize(("guard", "change"), BREAKS, ids=lambda value: getattr(value, "__name__", value))
def test_guard_finds_the_defect(guard, change):
    templates = copy.deepcopy(TEMPLATES)
    change(templates)
    assert findings({g.__name__: g for g in GUARDS}[guard], templates)


def test_every_guard_is_tested_with_a_defect():
    assert {guard.__name__ for guard in GUARDS} == {guard for guard, _ in BREAKS}


def test_linter_suppressions_have_reasons():
    for name in TEMPLATES:
        lines = text(name).splitlines()
        for number, line in enumerate(lines):
            if "ignore_checks" in line:
                assert lines[number - 1].strip().startswith("#"), f"{name}:{number + 1} gives no reason"


def test_api_template_is_short():
    """An account makes ten calls a second to API Gateway, and each resource of this template is several."""
    assert len(text("api").splitlines()) < 350
    kinds = [resource["Type"] for resource in TEMPLATES["api"]["Resources"].values()]
    assert kinds.count("AWS::ApiGateway::Method") == 13


@pytest.mark.parametrize(
    ("origins", "is_valid"),
    [
        ("", True),
        ("*", True),
        ("https://console.example.com", True),
        ("http://localhost:3000", True),
        ("http://[::1]:3000", True),
        ("https://a.example,https://b.example, http://c.example:8443", True),
        ("https://x/", False),
        ("https://a.example/app", False),
        ("https://a.example,", False),
        ("https://a.example,*", False),
        ("https://*.example.com", False),
        ("https://A.example", False),
        ("a.example", False),
        ("https://user@a.example", False),
        ("https://a.example?x", False),
        ("null", False),
        ("'", False),
    ],
)
def test_origins_are_checked_by_cloudformation(origins, is_valid):
    """The functions reject the same, so that no value reaches them that would keep them from starting."""
    pattern = TEMPLATES["regional"]["Parameters"]["AllowedOrigins"]["AllowedPattern"]
    assert bool(re.fullmatch(pattern, origins)) == is_valid


@pytest.mark.parametrize(
    ("name", "valid", "invalid"),
    [
        ("PskParameterName", ["", "/a/b"], ["a/b", "/a b"]),
        ("RolePath", ["/", "/team/api/"], ["", "team", "/team"]),
        ("AllowedCidrs", ["", "203.0.113.0/24", "10.0.0.0/8,2001:db8::/32"], ["10.0.0.1", "10.0.0.0/8,", "any/0"]),
        ("PermissionsBoundaryArn", ["", "arn:aws-us-gov:iam::123456789012:policy/x"], ["arn:aws:iam::1:policy/x", "x"]),
        ("AlarmTopicArn", ["", "arn:aws:sns:eu-west-1:123456789012:ops"], ["ops"]),
        ("KmsKeyArn", ["", "arn:aws-cn:kms:cn-north-1:123456789012:key/x"], ["alias/x", "arn:aws:kms:a-b-1:1:alias/x"]),
        ("WebAclArn", ["", "arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/a/b"],
         ["arn:aws:wafv2:us-east-1:123456789012:global/webacl/a/b"]),
        ("PinnedApiVersion", ["", "1", "41"], ["0", "$LATEST", "v1"]),
    ],
)  # fmt: skip
def test_parameters_are_checked_by_cloudformation(name, valid, invalid):
    parameter = TEMPLATES["regional"]["Parameters"][name]
    assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])
    for value in valid:
        assert re.fullmatch(parameter["AllowedPattern"], value), value
    for value in invalid:
        assert not re.fullmatch(parameter["AllowedPattern"], value), value


def test_every_parameter_of_the_root_is_used():
    """A setting that nothing reads would be accepted and have no effect."""
    rest = {name: value for name, value in TEMPLATES["regional"].items() if name != "Parameters"}
    used = " ".join(strings(rest))
    for name in TEMPLATES["regional"]["Parameters"]:
        assert re.search(rf"\b{name}\b", used), name
