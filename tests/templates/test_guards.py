"""Checks the templates with the guards, and each guard with a template that breaks it."""

import copy

import pytest
from cfn import load, resources, text
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
def open_a_method(templates):
    properties(templates, "api", "TenantConfigDelete")["AuthorizationType"] = "NONE"


@breaks("methods_use_the_authorizer")
def open_the_proxy(templates):
    properties(templates, "api", "V1ProxyAny")["AuthorizationType"] = "NONE"


@breaks("methods_use_the_authorizer")
def use_another_authorizer(templates):
    properties(templates, "api", "ConfigsGet")["AuthorizationType"] = "AWS_IAM"


@breaks("methods_invoke_their_function")
def respond_in_the_gateway(templates):
    properties(templates, "api", "HealthGet")["Integration"] = {"Type": "MOCK"}


@breaks("methods_invoke_their_function")
def validate_in_the_api_function(templates):
    properties(templates, "api", "ValidateHead")["Integration"]["Uri"] = {"Ref": "ApiUri"}


@breaks("methods_invoke_their_function")
def read_in_the_validator(templates):
    uri = properties(templates, "api", "ValidateGet")["Integration"]["Uri"]
    properties(templates, "api", "TenantConfigGet")["Integration"]["Uri"] = uri


@breaks("every_path_has_any_and_options")
def omit_other_methods(templates):
    del templates["api"]["Resources"]["ValidateAny"]


@breaks("every_path_has_any_and_options")
def omit_preflight(templates):
    del templates["api"]["Resources"]["TenantConfigOptions"]


@breaks("only_this_api_is_allowed_to_invoke_the_functions")
def allow_any_api(templates):
    del properties(templates, "api", "ApiPermission")["SourceArn"]


@breaks("only_this_api_is_allowed_to_invoke_the_functions")
def allow_any_stage(templates):
    properties(templates, "api", "ApiPermission")["SourceArn"] = {"Fn::Sub": "arn::${AWS::AccountId}:${Api}/*"}


@breaks("only_this_api_is_allowed_to_invoke_the_functions")
def allow_any_stage_to_invoke_the_validator(templates):
    properties(templates, "api", "ValidatorPermission")["SourceArn"] = {"Fn::Sub": "arn::${AWS::AccountId}:${Api}/*"}


@breaks("only_this_api_is_allowed_to_invoke_the_functions")
def allow_every_principal(templates):
    properties(templates, "api", "AuthorizerPermission")["Principal"] = "*"


@breaks("deployment_contains_everything")
def deploy_before_a_method(templates):
    templates["api"]["Resources"]["DeploymentRevision"]["DependsOn"].remove("V1ProxyAny")


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
def use_a_managed_policy(templates):
    arn = "arn:aws:iam::aws:policy/AmazonDynamoDBFullAccess"
    properties(templates, "functions", "ApiRole")["ManagedPolicyArns"] = [arn]


@breaks("roles_allow_what_the_code_does")
def allow_an_unused_action(templates):
    policy(templates, "ApiRole")[0]["Action"].append("dynamodb:DeleteTable")


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
    policy(templates, "ApiRole").append(policy(templates, "ValidatorRole")[1])


@breaks("only_the_validator_assumes_a_role_and_only_the_central_one")
def allow_the_validator_to_assume_customers_roles(templates):
    policy(templates, "ValidatorRole")[1]["Resource"] = [
        {"Ref": "CentralRoleArn"},
        "arn:aws:iam::444455556666:role/Logs",
    ]


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
def let_lambda_filter_lines(templates):
    properties(templates, "functions", "Api")["LoggingConfig"]["ApplicationLogLevel"] = "WARN"


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


@breaks("table_is_retained_and_protected")
def delete_the_table_with_the_stack(templates):
    templates["regional"]["Resources"]["TenantConfigs"]["DeletionPolicy"] = "Delete"


@breaks("table_is_retained_and_protected")
def delete_the_table_when_replaced(templates):
    del templates["regional"]["Resources"]["TenantConfigs"]["UpdateReplacePolicy"]


@breaks("table_is_retained_and_protected")
def unprotect_the_table(templates):
    properties(templates, "regional", "TenantConfigs")["DeletionProtectionEnabled"] = False


@breaks("table_is_retained_and_protected")
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


def test_methods_are_the_routes_of_the_contract():
    """Every route of the API has its method in the gateway, and health and the API description are public only for
    reads. HEAD has its own method where ANY would route it to another function than GET, or require a signature."""
    methods = {
        (resource["Properties"]["ResourceId"]["Ref"], resource["Properties"]["HttpMethod"])
        for _, _, resource in resources(TEMPLATES, "AWS::ApiGateway::Method")
        if resource["Properties"]["HttpMethod"] not in ("ANY", "OPTIONS")
    }
    assert methods == {
        ("Health", "GET"),
        ("Health", "HEAD"),
        ("V1Health", "GET"),
        ("V1Health", "HEAD"),
        ("OpenApi", "GET"),
        ("OpenApi", "HEAD"),
        ("V1OpenApi", "GET"),
        ("V1OpenApi", "HEAD"),
        ("Configs", "GET"),
        ("TenantConfigs", "GET"),
        ("TenantConfigs", "POST"),
        ("TenantConfig", "GET"),
        ("TenantConfig", "PUT"),
        ("TenantConfig", "PATCH"),
        ("TenantConfig", "DELETE"),
        ("Validate", "GET"),
        ("Validate", "HEAD"),
    }
