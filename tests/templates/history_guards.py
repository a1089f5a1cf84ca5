"""Rules for the history: its table is the one that the code reads, and no change is lost between the tables."""

import json
import re

from cfn import ROOT, strings

GUARDS = []


def guard(function):
    GUARDS.append(function)
    return function


def properties(templates, template, logical_id):
    return templates[template]["Resources"].get(logical_id, {}).get("Properties", {})


def constants(path):
    """The constant texts of a source file by their names."""
    source = (ROOT / path).read_text()
    return dict(re.findall(r'^(?:pub(?:\(\w+\))? )?const (\w+): &str = "([^"]+)";$', source, re.MULTILINE))


def schema():
    """Keys, time to live and indexes of the table, as the store has them."""
    source = (ROOT / "crates/store/src/history/mod.rs").read_text()
    names = constants("crates/store/src/history/item.rs")

    def name(expression):
        return "tenant_id" if expression == "Field::TenantId.name()" else names[expression.removeprefix("item::")]

    def field(block, key):
        return name(re.search(rf"\b{key}: ([\w:().]+),", block)[1])

    table = re.search(r"SCHEMA: TableSchema = TableSchema \{(.*?)\n\};", source, re.DOTALL)[1]
    indexes = re.findall(r"IndexSchema = IndexSchema \{(.*?)\n\};", source, re.DOTALL)
    return {
        "keys": (field(table, "partition_key"), field(table, "sort_key")),
        "ttl": field(table, "ttl"),
        "indexes": {
            re.search(r'name: "([^"]+)"', index)[1]: (field(index, "partition_key"), field(index, "sort_key"))
            for index in indexes
        },
    }


def keys_of(described):
    return tuple(key["AttributeName"] for key in described["KeySchema"])


@guard
def history_table_is_the_one_that_the_code_reads(templates):
    table, wanted = properties(templates, "regional", "ConfigHistory"), schema()
    if keys_of(table) != wanted["keys"]:
        yield f"ConfigHistory: its keys are {keys_of(table)} and not {wanted['keys']}"
    if table["TimeToLiveSpecification"].get("AttributeName") != wanted["ttl"]:
        yield f"ConfigHistory: entries do not expire by {wanted['ttl']}"
    indexes = table.get("GlobalSecondaryIndexes", [])
    found = {index["IndexName"]: keys_of(index) for index in indexes}
    if found != wanted["indexes"]:
        yield f"ConfigHistory: its indexes are {found} and not {wanted['indexes']}"
    if any(index["Projection"] != {"ProjectionType": "ALL"} for index in indexes):
        yield "ConfigHistory: an index lacks attributes of the entries"
    if templates["regional"]["Resources"]["ConfigHistory"].get("Condition") != "HasHistory":
        yield "ConfigHistory: it exists also without a history"


@guard
def table_has_a_stream_of_both_images(templates):
    stream = properties(templates, "regional", "TenantConfigs").get("StreamSpecification")
    wanted = {"Fn::If": ["HasHistory", {"StreamViewType": "NEW_AND_OLD_IMAGES"}, {"Ref": "AWS::NoValue"}]}
    if stream != wanted:
        yield f"TenantConfigs: its stream is {stream}"
    # A table of another stack, and a restored one, has a stream that CloudFormation does not know.
    own = {"Fn::If": ["HasTable", {"Fn::GetAtt": ["TenantConfigs", "StreamArn"]}, ""]}
    passed = properties(templates, "regional", "History")["Parameters"].get("StreamArn")
    if passed != {"Fn::If": ["HasStreamArn", {"Ref": "TableStreamArn"}, own]}:
        yield f"History: it reads {passed}"


@guard
def mapping_loses_no_record(templates):
    mapping = properties(templates, "history", "Mapping")
    expected = {
        "FunctionName": {"Ref": "RecorderLive"},
        "EventSourceArn": {"Ref": "StreamArn"},
        "StartingPosition": "TRIM_HORIZON",
        "BatchSize": 100,
        "ParallelizationFactor": 2,
        "BisectBatchOnFunctionError": True,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": 4 * 3600,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["FailedRecords", "Arn"]}}},
    }
    for name, value in expected.items():
        if mapping.get(name) != value:
            yield f"Mapping: {name} is {mapping.get(name)}"
    for name in ("Enabled", "FilterCriteria"):
        if name in mapping:
            yield f"Mapping: {name} lets records pass"


@guard
def failed_records_are_kept_and_private(templates):
    bucket = properties(templates, "history", "FailedRecords")
    for logical_id in ("FailedRecords", "FailedRecordsPolicy"):
        resource = templates["history"]["Resources"].get(logical_id, {})
        if (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy")) != ("RetainExceptOnCreate", "Retain"):
            yield f"{logical_id}: it does not outlive the stack"
    access = bucket.get("PublicAccessBlockConfiguration", {})
    if [access.get(f"{name}") for name in ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls",
                                           "RestrictPublicBuckets")] != [True] * 4:  # fmt: skip
        yield "FailedRecords: it can become public"
    if bucket.get("OwnershipControls") != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}:
        yield "FailedRecords: its objects have access lists"
    (encryption,) = bucket.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", [{}])
    own = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": {"Ref": "KmsKeyArn"}}
    if encryption.get("ServerSideEncryptionByDefault") != {"Fn::If": ["HasKey", own, {"SSEAlgorithm": "AES256"}]}:
        yield "FailedRecords: KmsKeyArn does not encrypt it"
    rules = bucket.get("LifecycleConfiguration", {}).get("Rules", [])
    if [(rule["Status"], rule.get("ExpirationInDays", 0) >= 30) for rule in rules] != [("Enabled", True)]:
        yield "FailedRecords: its objects stay for ever, or for less than a month"
    if bucket.get("VersioningConfiguration") != {"Status": "Enabled"}:
        yield "FailedRecords: a deletion cannot be undone"
    statements = properties(templates, "history", "FailedRecordsPolicy").get("PolicyDocument", {}).get("Statement", [])
    if not any(
        (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
        and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        and len(statement["Resource"]) == 2
        for statement in statements
    ):
        yield "FailedRecordsPolicy: it allows requests without TLS"


@guard
def table_is_compared_every_day(templates):
    schedule = properties(templates, "history", "Reconcile")
    if not re.fullmatch(r"cron\(\d+ \d+ \* \* \? \*\)", schedule.get("ScheduleExpression", "")):
        yield "Reconcile: it is not daily"
    target = schedule.get("Target", {})
    if target.get("Arn") != {"Ref": "RecorderLive"}:
        yield "Reconcile: it does not invoke the alias of the recorder"
    if target.get("RoleArn") != {"Fn::GetAtt": ["ReconcileRole", "Arn"]}:
        yield "Reconcile: it has the role of something else"
    try:
        event = json.loads(" ".join(strings(target.get("Input", ""))))
    except ValueError:
        event = None
    # With the stream that the mapping reads, the recorder also checks that this is the table's latest one.
    if event != {"reconcile": {"stream": "${StreamArn}"}}:
        yield f"Reconcile: the recorder gets {event}"
    for statement in properties(templates, "history", "ReconcileRole")["Policies"][0]["PolicyDocument"]["Statement"]:
        if statement["Resource"] != {"Ref": "RecorderLive"}:
            yield "ReconcileRole: it is allowed to invoke something else"


@guard
def api_only_reads_the_history(templates):
    function = properties(templates, "functions", "Api")["Environment"]["Variables"].get("HISTORY_TABLE_NAME")
    if function != {"Fn::If": ["HasHistory", {"Ref": "HistoryTableName"}, {"Ref": "AWS::NoValue"}]}:
        yield f"Api: HISTORY_TABLE_NAME is {function}"
    found = False
    for statement in properties(templates, "functions", "ApiRole")["Policies"][0]["PolicyDocument"]["Statement"]:
        condition, statement, _ = statement.get("Fn::If", [None, statement, None])
        if "${HistoryTableName}" not in " ".join(strings(statement["Resource"])):
            continue
        found = True
        if (condition, set(statement["Action"])) != ("HasHistory", {"dynamodb:GetItem", "dynamodb:Query"}):
            yield f"ApiRole: it is allowed {statement['Action']} on the history"
        table = ":table/${HistoryTableName}"
        targets = {text.partition("${AWS::AccountId}")[2] for text in strings(statement["Resource"])}
        if targets != {table} | {f"{table}/index/{index}" for index in schema()["indexes"]}:
            yield f"ApiRole: it reads {sorted(targets)}"
    if not found:
        yield "ApiRole: it does not read the history"


@guard
def history_is_optional_and_included_by_default(templates):
    root = templates["regional"]
    if root["Parameters"]["IncludeHistory"]["Default"] != "true":
        yield "regional: a new stack has no history"
    if root["Parameters"]["HistoryRetentionDays"]["Default"] != 2557:
        yield "regional: the retention is not that of the recorder"
    if root["Conditions"]["HasHistory"] != {
        "Fn::And": [{"Condition": "HasApi"}, {"Fn::Equals": [{"Ref": "IncludeHistory"}, "true"]}]
    }:
        yield "regional: the history is not deployed exactly when it is asked for with an API"
    if root["Resources"]["History"].get("Condition") != "HasHistory":
        yield "History: it is deployed also without a history"
    for name, output in root["Outputs"].items():
        if name.startswith(("History", "Recorder", "FailedRecords")) and output.get("Condition") != "HasHistory":
            yield f"regional: the output {name} exists also without a history"
    for logical_id, resource in templates["monitoring"]["Resources"].items():
        if logical_id.startswith(("History", "Recorder")) and resource.get("Condition") != "HasHistory":
            yield f"monitoring: {logical_id} exists also without a history"
