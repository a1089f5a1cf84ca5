"""Checks the templates with the guards of the history, and each guard with a template that breaks it."""

import copy

import pytest
from cfn import load
from history_guards import GUARDS, properties

TEMPLATES = load()
BREAKS = []


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_templates_pass(guard):
    assert list(guard(TEMPLATES)) == []


def breaks(guard):
    """Registers a function that changes the templates so that the guard has a finding."""
    return lambda change: BREAKS.append((guard, change)) or change


def history(templates, logical_id):
    return properties(templates, "history", logical_id)


@breaks("history_table_is_the_one_that_the_code_reads")
def sort_by_the_revision(templates):
    properties(templates, "regional", "ConfigHistory")["KeySchema"][1]["AttributeName"] = "revision"


@breaks("history_table_is_the_one_that_the_code_reads")
def expire_by_another_attribute(templates):
    properties(templates, "regional", "ConfigHistory")["TimeToLiveSpecification"]["AttributeName"] = "ttl"


@breaks("history_table_is_the_one_that_the_code_reads")
def omit_an_index(templates):
    properties(templates, "regional", "ConfigHistory")["GlobalSecondaryIndexes"].pop()


@breaks("history_table_is_the_one_that_the_code_reads")
def project_only_keys(templates):
    index = properties(templates, "regional", "ConfigHistory")["GlobalSecondaryIndexes"][0]
    index["Projection"] = {"ProjectionType": "KEYS_ONLY"}


@breaks("history_table_is_the_one_that_the_code_reads")
def create_the_table_always(templates):
    del templates["regional"]["Resources"]["ConfigHistory"]["Condition"]


@breaks("table_has_a_stream_of_both_images")
def stream_new_images_only(templates):
    stream = properties(templates, "regional", "TenantConfigs")["StreamSpecification"]["Fn::If"]
    stream[1] = {"StreamViewType": "NEW_IMAGE"}


@breaks("table_has_a_stream_of_both_images")
def ignore_the_stream_of_another_table(templates):
    stream = {"Fn::GetAtt": ["TenantConfigs", "StreamArn"]}
    properties(templates, "regional", "History")["Parameters"]["StreamArn"] = stream


@breaks("mapping_loses_no_record")
def begin_with_the_latest_record(templates):
    history(templates, "Mapping")["StartingPosition"] = "LATEST"


@breaks("mapping_loses_no_record")
def ignore_reported_failures(templates):
    del history(templates, "Mapping")["FunctionResponseTypes"]


@breaks("mapping_loses_no_record")
def give_up_after_some_attempts(templates):
    history(templates, "Mapping")["MaximumRetryAttempts"] = 10


@breaks("mapping_loses_no_record")
def let_good_records_fail_with_a_bad_one(templates):
    del history(templates, "Mapping")["BisectBatchOnFunctionError"]


@breaks("mapping_loses_no_record")
def drop_what_fails(templates):
    del history(templates, "Mapping")["DestinationConfig"]


@breaks("mapping_loses_no_record")
def filter_records(templates):
    history(templates, "Mapping")["FilterCriteria"] = {"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}]}


@breaks("mapping_loses_no_record")
def deliver_to_the_unpublished_code(templates):
    history(templates, "Mapping")["FunctionName"] = {"Ref": "Recorder"}


@breaks("failed_records_are_kept_and_private")
def delete_the_bucket_with_the_stack(templates):
    del templates["history"]["Resources"]["FailedRecords"]["DeletionPolicy"]


@breaks("failed_records_are_kept_and_private")
def allow_a_public_bucket(templates):
    history(templates, "FailedRecords")["PublicAccessBlockConfiguration"]["BlockPublicPolicy"] = False


@breaks("failed_records_are_kept_and_private")
def allow_access_lists(templates):
    del history(templates, "FailedRecords")["OwnershipControls"]


@breaks("failed_records_are_kept_and_private")
def encrypt_with_another_key(templates):
    del history(templates, "FailedRecords")["BucketEncryption"]


@breaks("failed_records_are_kept_and_private")
def forget_records_after_a_week(templates):
    history(templates, "FailedRecords")["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] = 7


@breaks("failed_records_are_kept_and_private")
def keep_no_versions(templates):
    del history(templates, "FailedRecords")["VersioningConfiguration"]


@breaks("failed_records_are_kept_and_private")
def allow_plain_http(templates):
    history(templates, "FailedRecordsPolicy")["PolicyDocument"]["Statement"].pop()


@breaks("table_is_compared_every_day")
def compare_once_a_month(templates):
    history(templates, "Reconcile")["ScheduleExpression"] = "cron(17 3 1 * ? *)"


@breaks("table_is_compared_every_day")
def compare_without_the_stream(templates):
    history(templates, "Reconcile")["Target"]["Input"] = '{"reconcile":{}}'


@breaks("table_is_compared_every_day")
def let_the_schedule_invoke_any_function(templates):
    statement = history(templates, "ReconcileRole")["Policies"][0]["PolicyDocument"]["Statement"][0]
    statement["Resource"] = "*"


@breaks("table_is_compared_every_day")
def invoke_the_unpublished_code(templates):
    history(templates, "Reconcile")["Target"]["Arn"] = {"Fn::GetAtt": ["Recorder", "Arn"]}


@breaks("api_only_reads_the_history")
def read_a_history_that_is_not_deployed(templates):
    variables = properties(templates, "functions", "Api")["Environment"]["Variables"]
    variables["HISTORY_TABLE_NAME"] = {"Ref": "HistoryTableName"}


@breaks("api_only_reads_the_history")
def let_the_api_write_the_history(templates):
    for statement in properties(templates, "functions", "ApiRole")["Policies"][0]["PolicyDocument"]["Statement"]:
        if statement.get("Fn::If", [""])[0] == "HasHistory":
            statement["Fn::If"][1]["Action"].append("dynamodb:PutItem")


@breaks("api_only_reads_the_history")
def forget_an_index(templates):
    for statement in properties(templates, "functions", "ApiRole")["Policies"][0]["PolicyDocument"]["Statement"]:
        if statement.get("Fn::If", [""])[0] == "HasHistory":
            statement["Fn::If"][1]["Resource"].pop()


@breaks("history_is_optional_and_included_by_default")
def leave_the_history_out(templates):
    templates["regional"]["Parameters"]["IncludeHistory"]["Default"] = "false"


@breaks("history_is_optional_and_included_by_default")
def watch_a_missing_recorder(templates):
    del templates["monitoring"]["Resources"]["HistoryAgeAlarm"]["Condition"]


@breaks("history_is_optional_and_included_by_default")
def output_the_recorder_always(templates):
    del templates["regional"]["Outputs"]["RecorderVersion"]["Condition"]


@pytest.mark.parametrize(("guard", "change"), BREAKS, ids=lambda value: getattr(value, "__name__", value))
def test_guard_finds_the_defect(guard, change):
    templates = copy.deepcopy(TEMPLATES)
    change(templates)
    assert list({g.__name__: g for g in GUARDS}[guard](templates))


def test_every_guard_is_tested_with_a_defect():
    assert {guard.__name__ for guard in GUARDS} == {guard for guard, _ in BREAKS}
