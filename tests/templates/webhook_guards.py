"""Rules for the webhooks: no delivery waits for a message, and nobody gets more than it needs."""

import json
import re

from cfn import ROOT, strings
from history_guards import keys_of, properties

GUARDS = []
STORE = ROOT / "crates/store/src/webhooks"


def guard(function):
    GUARDS.append(function)
    return function


def statements(templates, template, role):
    """The statements of a role, each with the condition on which it is there."""
    for statement in properties(templates, template, role)["Policies"][0]["PolicyDocument"]["Statement"]:
        condition, inner, _ = statement.get("Fn::If", [None, statement, None])
        yield condition, inner


def actions_on(templates, template, role, name):
    """The actions of a role on what its resources call ${name}, by the end of the resource, and their conditions."""
    found, conditions = {}, set()
    for condition, statement in statements(templates, template, role):
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
        for resource in resources:
            text = " ".join(strings(resource))
            if resource == {"Ref": name} or f"${{{name}}}" in text:
                found.setdefault(text.partition(f"${{{name}}}")[2], set()).update(actions)
                conditions.add(condition)
    return found, conditions


# What each role may do with the tables and the queue, and on which condition.
ALLOWED = {
    ("functions", "ApiRole", "WebhooksTableName"): {
        "": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:DeleteItem"}
    },
    ("functions", "ApiRole", "WebhookDeliveriesTableName"): {
        "": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"}
    },
    ("functions", "ApiRole", "WebhookQueueArn"): {"": {"sqs:SendMessage"}},
    ("functions", "ApiRole", "WebhookMasterKeyParameter"): {"": {"ssm:GetParameter"}},
    ("history", "RecorderRole", "WebhooksTableName"): {"": {"dynamodb:Query", "dynamodb:Scan"}},
    ("history", "RecorderRole", "WebhookDeliveriesTableName"): {"": {"dynamodb:PutItem"}},
    ("history", "RecorderRole", "WebhookQueueArn"): {"": {"sqs:SendMessage"}},
    ("history", "RecorderRole", "EventBusName"): {"": {"events:PutEvents"}},
    ("webhooks", "NotifierRole", "WebhooksTableName"): {"": {"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem"}},
    ("webhooks", "NotifierRole", "WebhookDeliveriesTableName"): {
        "": {"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"},
        "/index/by-due": {"dynamodb:Query"},
    },
    ("webhooks", "NotifierRole", "HistoryTableName"): {
        "": {"dynamodb:GetItem"},
        "/index/by-tenant": {"dynamodb:Query"},
        "/index/by-day": {"dynamodb:Query"},
    },
    ("webhooks", "NotifierRole", "WebhookMasterKeyParameter"): {"": {"ssm:GetParameter"}},
}


@guard
def roles_reach_only_what_they_need(templates):
    for (template, role, name), wanted in ALLOWED.items():
        found, conditions = actions_on(templates, template, role, name)
        if found != wanted:
            yield f"{role}: it is allowed {found} on {name}"
        condition = {"webhooks": None}.get(template, "HasEventBus" if name == "EventBusName" else "HasWebhooks")
        if conditions != {condition}:
            yield f"{role}: it reaches {name} also without webhooks"


# What each method of the store's table calls.
CALLS = {
    "get": "GetItem",
    "put": "PutItem",
    "replace": "PutItem",
    "update": "UpdateItem",
    "delete": "DeleteItem",
    "query": "Query",
    "query_range": "Query",
    "scan": "Scan",
    "scan_any": "Scan",
}


@guard
def roles_together_reach_what_the_stores_call(templates):
    for name, files in (
        ("WebhooksTableName", ("endpoints", "health")),
        ("WebhookDeliveriesTableName", ("deliveries", "replays")),
    ):
        code = "".join((STORE / f"{file}.rs").read_text() for file in files)
        called = {f"dynamodb:{CALLS[method]}" for method in re.findall(r"\bself\s*\.table\s*\.(\w+)\(", code)}
        allowed = set()
        for template, role, table in ALLOWED:
            if table == name:
                allowed |= set().union(*actions_on(templates, template, role, name)[0].values())
        if allowed != called:
            yield f"{name}: {sorted(allowed ^ called)} is allowed or called, but not both"


@guard
def index_of_what_is_due_is_sparse_and_complete(templates):
    indexes = properties(templates, "regional", "WebhookDeliveries").get("GlobalSecondaryIndexes", [])
    (name,) = re.findall(
        r'const BY_DUE: IndexSchema = IndexSchema \{\s+name: "([^"]+)"', (STORE / "mod.rs").read_text()
    )
    if [(index["IndexName"], keys_of(index)) for index in indexes] != [(name, ("due_shard", "due_at"))]:
        yield f"WebhookDeliveries: its indexes are {indexes}"
    if any(index["Projection"] != {"ProjectionType": "ALL"} for index in indexes):
        yield "WebhookDeliveries: an index lacks attributes of the rows"
    if "GlobalSecondaryIndexes" in properties(templates, "regional", "WebhookEndpoints"):
        yield "WebhookEndpoints: it has an index that nobody reads"


@guard
def queue_ends_in_its_own_dead_letter_queue(templates):
    queue, dead = (properties(templates, "webhooks", name) for name in ("WakeUps", "DeadLetters"))
    timeout = properties(templates, "webhooks", "Notifier")["Timeout"]
    if queue.get("VisibilityTimeout", 30) < 2 * timeout:
        yield "WakeUps: a message comes again while an attempt is under way"
    redrive = queue.get("RedrivePolicy", {})
    if redrive != {"deadLetterTargetArn": {"Fn::GetAtt": ["DeadLetters", "Arn"]}, "maxReceiveCount": 5}:
        yield f"WakeUps: a message that cannot be worked on goes to {redrive}"
    tries = redrive.get("maxReceiveCount", 0) * queue.get("VisibilityTimeout", 30)
    if queue.get("MessageRetentionPeriod", 345600) <= 2 * tries:
        yield "WakeUps: a message expires before it reaches the dead-letter queue"
    if dead.get("MessageRetentionPeriod") != 14 * 86400:
        yield "DeadLetters: a message expires before somebody reads it"
    allowed = dead.get("RedriveAllowPolicy", {})
    if allowed.get("redrivePermission") != "byQueue" or [
        text.rpartition(":")[2] for text in strings(allowed.get("sourceQueueArns", []))
    ] != list(strings(queue["QueueName"])):
        yield "DeadLetters: it also takes the messages of other queues"
    for name, properties_of in (("WakeUps", queue), ("DeadLetters", dead)):
        if properties_of.get("SqsManagedSseEnabled") is not True:
            yield f"{name}: it is not encrypted"


@guard
def mapping_delivers_at_once_and_within_limits(templates):
    expected = {
        "FunctionName": {"Ref": "NotifierLive"},
        "EventSourceArn": {"Fn::GetAtt": ["WakeUps", "Arn"]},
        "BatchSize": 10,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "ScalingConfig": {"MaximumConcurrency": {"Ref": "NotifierBatches"}},
    }
    mapping = properties(templates, "webhooks", "Mapping")
    for name, value in expected.items():
        if mapping.get(name) != value:
            yield f"Mapping: {name} is {mapping.get(name)}"
    for name in ("Enabled", "FilterCriteria", "MaximumBatchingWindowInSeconds"):
        if name in mapping:
            yield f"Mapping: {name} lets messages pass, or wait"
    parameter = templates["regional"]["Parameters"]["NotifierBatches"]
    if (parameter.get("MinValue"), parameter.get("MaxValue")) != (2, 1000):
        yield "regional: NotifierBatches allows what Lambda rejects"


@guard
def every_minute_is_swept_once(templates):
    sweep = properties(templates, "webhooks", "Sweep")
    if (sweep.get("ScheduleExpression"), sweep.get("FlexibleTimeWindow")) != ("rate(1 minute)", {"Mode": "OFF"}):
        yield "Sweep: it does not come every minute"
    target = sweep.get("Target", {})
    if target.get("Arn") != {"Ref": "NotifierLive"}:
        yield "Sweep: it does not invoke the alias of the notifier"
    if target.get("RoleArn") != {"Fn::GetAtt": ["SweepRole", "Arn"]}:
        yield "Sweep: it has the role of something else"
    if json.loads(target.get("Input", "null")) != {"sweep": {}}:
        yield f"Sweep: the notifier gets {target.get('Input')}"
    # A sweep that is repeated or late would be beside the next one.
    if target.get("RetryPolicy") != {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}:
        yield "Sweep: the schedule repeats one that cannot start"
    config = properties(templates, "webhooks", "SweepsOnce")
    if (config.get("MaximumRetryAttempts"), config.get("MaximumEventAgeInSeconds")) != (0, 60):
        yield "SweepsOnce: Lambda repeats a sweep that fails"
    for _, statement in statements(templates, "webhooks", "SweepRole"):
        if statement["Resource"] != {"Ref": "NotifierLive"}:
            yield "SweepRole: it is allowed to invoke something else"


@guard
def no_template_opens_private_networks(templates):
    """The notifier connects only to public addresses. WEBHOOK_NETWORKS, which is for tests, would allow others."""
    for name, template in templates.items():
        for logical_id, resource in template["Resources"].items():
            variables = resource.get("Properties", {}).get("Environment", {}).get("Variables", {})
            if "WEBHOOK_NETWORKS" in variables:
                yield f"{name}: {logical_id} lets the notifier into private networks"
        for parameter in template["Parameters"]:
            if parameter == "WebhookNetworks":
                yield f"{name}: a parameter lets the notifier into private networks"


@guard
def webhooks_are_optional_and_included_by_default(templates):
    root = templates["regional"]
    if root["Parameters"]["IncludeWebhooks"]["Default"] != "true":
        yield "regional: a new stack has no webhooks"
    if root["Conditions"]["HasWebhooks"] != {
        "Fn::And": [{"Condition": "HasHistory"}, {"Fn::Equals": [{"Ref": "IncludeWebhooks"}, "true"]}]
    }:
        yield "regional: webhooks are not deployed exactly when they are asked for with a history"
    for logical_id in ("Webhooks", "WebhookEndpoints", "WebhookDeliveries"):
        if root["Resources"][logical_id].get("Condition") != "HasWebhooks":
            yield f"{logical_id}: it exists also without webhooks"
    for name, output in root["Outputs"].items():
        if name.startswith(("Webhook", "Notifier")) and output.get("Condition") != "HasWebhooks":
            yield f"regional: the output {name} exists also without webhooks"
    for logical_id, resource in templates["monitoring"]["Resources"].items():
        if logical_id.startswith(("Webhook", "Notifier")) and resource.get("Condition") != "HasWebhooks":
            yield f"monitoring: {logical_id} exists also without webhooks"
    for template, function in (("functions", "Api"), ("history", "Recorder")):
        for name, value in properties(templates, template, function)["Environment"]["Variables"].items():
            if name.startswith(("TENANT_WEBHOOK", "WEBHOOK")) and value.get("Fn::If", [None])[0] != "HasWebhooks":
                yield f"{function}: {name} is set also without webhooks"
    for template in ("functions", "history"):
        passed = root["Resources"]["Functions" if template == "functions" else "History"]["Properties"]["Parameters"]
        if passed.get("IncludeWebhooks") != {"Fn::If": ["HasWebhooks", "true", "false"]}:
            yield f"regional: {template} gets {passed.get('IncludeWebhooks')}"
