"""Checks the templates with the guards of the webhooks, and each guard with a template that breaks it."""

import copy

import pytest
from cfn import load
from history_guards import properties
from webhook_guards import GUARDS, statements

TEMPLATES = load()
BREAKS = []


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.__name__)
def test_templates_pass(guard):
    assert list(guard(TEMPLATES)) == []


def breaks(guard):
    """Registers a function that changes the templates so that the guard has a finding."""
    return lambda change: BREAKS.append((guard, change)) or change


def webhooks(templates, logical_id):
    return properties(templates, "webhooks", logical_id)


def allow(templates, template, role, sid, action):
    """Adds an action to the statement of a role."""
    for _, statement in statements(templates, template, role):
        if statement["Sid"] == sid:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            statement["Action"] = [*actions, action]


@breaks("roles_reach_only_what_they_need")
def let_the_notifier_delete_endpoints(templates):
    allow(templates, "webhooks", "NotifierRole", "UseEndpoints", "dynamodb:DeleteItem")


@breaks("roles_reach_only_what_they_need")
def let_the_notifier_write_the_history(templates):
    allow(templates, "webhooks", "NotifierRole", "ReadHistory", "dynamodb:PutItem")


@breaks("roles_reach_only_what_they_need")
def let_the_recorder_change_deliveries(templates):
    allow(templates, "history", "RecorderRole", "AddDeliveries", "dynamodb:UpdateItem")


@breaks("roles_reach_only_what_they_need")
def let_the_api_take_messages(templates):
    allow(templates, "functions", "ApiRole", "WakeNotifier", "sqs:ReceiveMessage")


@breaks("roles_reach_only_what_they_need")
def let_the_recorder_put_events_without_a_bus(templates):
    for statement in properties(templates, "history", "RecorderRole")["Policies"][0]["PolicyDocument"]["Statement"]:
        if statement.get("Fn::If", [""])[0] == "HasEventBus":
            statement["Fn::If"][0] = "HasWebhooks"


@breaks("roles_together_reach_what_the_stores_call")
def let_nobody_delete_endpoints(templates):
    for _, statement in statements(templates, "functions", "ApiRole"):
        if statement["Sid"] == "ManageEndpoints":
            statement["Action"].remove("dynamodb:DeleteItem")


@breaks("index_of_what_is_due_is_sparse_and_complete")
def name_the_index_otherwise(templates):
    properties(templates, "regional", "WebhookDeliveries")["GlobalSecondaryIndexes"][0]["IndexName"] = "due"


@breaks("index_of_what_is_due_is_sparse_and_complete")
def sort_what_is_due_by_its_position(templates):
    index = properties(templates, "regional", "WebhookDeliveries")["GlobalSecondaryIndexes"][0]
    index["KeySchema"][1]["AttributeName"] = "position"


@breaks("index_of_what_is_due_is_sparse_and_complete")
def project_only_keys(templates):
    index = properties(templates, "regional", "WebhookDeliveries")["GlobalSecondaryIndexes"][0]
    index["Projection"] = {"ProjectionType": "KEYS_ONLY"}


@breaks("queue_ends_in_its_own_dead_letter_queue")
def repeat_messages_under_way(templates):
    webhooks(templates, "WakeUps")["VisibilityTimeout"] = 60


@breaks("queue_ends_in_its_own_dead_letter_queue")
def repeat_messages_for_ever(templates):
    del webhooks(templates, "WakeUps")["RedrivePolicy"]


@breaks("queue_ends_in_its_own_dead_letter_queue")
def forget_messages_early(templates):
    webhooks(templates, "WakeUps")["MessageRetentionPeriod"] = 300


@breaks("queue_ends_in_its_own_dead_letter_queue")
def forget_dead_letters_early(templates):
    del webhooks(templates, "DeadLetters")["MessageRetentionPeriod"]


@breaks("queue_ends_in_its_own_dead_letter_queue")
def take_dead_letters_of_any_queue(templates):
    webhooks(templates, "DeadLetters")["RedriveAllowPolicy"] = {"redrivePermission": "allowAll"}


@breaks("queue_ends_in_its_own_dead_letter_queue")
def store_messages_in_the_clear(templates):
    webhooks(templates, "WakeUps")["SqsManagedSseEnabled"] = False


@breaks("mapping_delivers_at_once_and_within_limits")
def collect_messages_first(templates):
    webhooks(templates, "Mapping")["MaximumBatchingWindowInSeconds"] = 20


@breaks("mapping_delivers_at_once_and_within_limits")
def repeat_a_whole_batch(templates):
    del webhooks(templates, "Mapping")["FunctionResponseTypes"]


@breaks("mapping_delivers_at_once_and_within_limits")
def use_up_the_concurrency_of_the_account(templates):
    del webhooks(templates, "Mapping")["ScalingConfig"]


@breaks("mapping_delivers_at_once_and_within_limits")
def deliver_with_the_unpublished_code(templates):
    webhooks(templates, "Mapping")["FunctionName"] = {"Ref": "Notifier"}


@breaks("every_minute_is_swept_once")
def sweep_every_hour(templates):
    webhooks(templates, "Sweep")["ScheduleExpression"] = "rate(1 hour)"


@breaks("every_minute_is_swept_once")
def sweep_with_another_event(templates):
    webhooks(templates, "Sweep")["Target"]["Input"] = '{"reconcile":{}}'


@breaks("every_minute_is_swept_once")
def repeat_a_sweep(templates):
    webhooks(templates, "SweepsOnce")["MaximumRetryAttempts"] = 2


@breaks("every_minute_is_swept_once")
def let_the_schedule_invoke_any_function(templates):
    webhooks(templates, "SweepRole")["Policies"][0]["PolicyDocument"]["Statement"][0]["Resource"] = "*"


@breaks("no_template_opens_private_networks")
def admit_loopback(templates):
    webhooks(templates, "Notifier")["Environment"]["Variables"]["WEBHOOK_NETWORKS"] = "127.0.0.0/8"


@breaks("no_template_opens_private_networks")
def let_an_operator_admit_loopback(templates):
    templates["regional"]["Parameters"]["WebhookNetworks"] = {"Type": "String"}


@breaks("webhooks_are_optional_and_included_by_default")
def leave_the_webhooks_out(templates):
    templates["regional"]["Parameters"]["IncludeWebhooks"]["Default"] = "false"


@breaks("webhooks_are_optional_and_included_by_default")
def send_webhooks_without_a_history(templates):
    templates["regional"]["Conditions"]["HasWebhooks"]["Fn::And"][0] = {"Condition": "HasApi"}


@breaks("webhooks_are_optional_and_included_by_default")
def watch_a_missing_notifier(templates):
    del templates["monitoring"]["Resources"]["WebhookOverdueAlarm"]["Condition"]


@breaks("webhooks_are_optional_and_included_by_default")
def output_the_notifier_always(templates):
    del templates["regional"]["Outputs"]["NotifierVersion"]["Condition"]


@breaks("webhooks_are_optional_and_included_by_default")
def manage_webhooks_that_nobody_sends(templates):
    variables = properties(templates, "functions", "Api")["Environment"]["Variables"]
    variables["TENANT_WEBHOOKS_TABLE"] = {"Ref": "WebhooksTableName"}


@pytest.mark.parametrize(("guard", "change"), BREAKS, ids=lambda value: getattr(value, "__name__", value))
def test_guard_finds_the_defect(guard, change):
    templates = copy.deepcopy(TEMPLATES)
    change(templates)
    assert list({g.__name__: g for g in GUARDS}[guard](templates))


def test_every_guard_is_tested_with_a_defect():
    assert {guard.__name__ for guard in GUARDS} == {guard for guard, _ in BREAKS}
