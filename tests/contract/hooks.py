"""What schemathesis must know beyond the description: how to sign, and the rules that JSON Schema cannot express."""

import re
import time
from urllib.parse import quote

import schemathesis
from signing import SignatureAuth

schemathesis.auth.set_from_requests(SignatureAuth())

SIGNED_HEADERS = {"authorization", "x-api-timestamp"}
DIGEST = re.compile("[0-9A-Fa-f]{64}")
ENTITY_TAG = re.compile(r'^\*$|^(?:W/)?"')
ONLY_FOR = {
    "cloudwatch": ("log_distribution_role_arn", "log_group_name"),
    "s3": ("bucket_name", "bucket_prefix"),
}
REQUIRED = ("log_distribution_role_arn", "log_group_name", "bucket_name")
# A region of each partition: a role and a region must be in the same one.
REGIONS = {
    "aws": "us-east-1",
    "aws-cn": "cn-north-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-eusc": "eusc-de-east-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
}
# The other texts that are made up for a filter test that none of them causes a 5xx.
FILTERS = (
    "",
    "type = s3",
    'bucket_name = "*a*" OR -enabled = true',
    "NOT (desired_logs:a AND log_group_name:*)",
    "account = 123456789012 created_at >= 2024-01-15T10:30:00Z",
    'ttl < 4102444800 OR labels.env = "prod*"',
    'delivers("a") acme OR broken',
)
# The name of a revision: when its stream was enabled (64 bits), the length of a number, that number, a step and a time.
REVISION = re.compile("[0-9a-f][0-9a-v]{12}([0-9]{2})([0-9]*)([0-9a-v]{2})([0-9a-v]{7})")
A_REVISION = "1f9gg2s0ma00021123456789012345678901001iqa298"
# Above U+FFFF, where the patterns cannot name them.
INVISIBLE = re.compile("[\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")


@schemathesis.hook
def before_load_schema(context, raw_schema):
    schemas = raw_schema["components"]["schemas"]
    for name in ("CloudWatchCreation", "S3Creation", "DeliveryConfigChanges"):
        properties = schemas[name]["properties"]
        # The description leaves it to the text, because generated clients make a set of it.
        properties["desired_logs"]["uniqueItems"] = True
        # It must be in the future, which no fixed number stays.
        properties["ttl"]["minimum"] = int(time.time()) + 24 * 60 * 60
        # Their values are ignored. A tool assumes that a read-only property is forbidden.
        del properties["created_at"], properties["updated_at"]

    for name in ("WebhookCreation", "WebhookChanges"):
        properties = schemas[name]["properties"]
        for member in ("events", "types"):
            properties[member]["uniqueItems"] = True


@schemathesis.hook
def filter_body(context, body):
    """The limit is 512 bytes of UTF-8, not characters."""
    if not isinstance(body, dict):
        return True
    prefix, names = body.get("bucket_prefix"), body.get("desired_logs")
    texts = [prefix, *(names if isinstance(names, list) else [])]
    if any(isinstance(text, str) and INVISIBLE.search(text) for text in texts):
        return False
    return not isinstance(prefix, str) or len(prefix.rstrip("/").encode("utf-8", "surrogatepass")) <= 512


def requires_digest(case):
    return case.path.endswith(("/delivery-configs/batch", "/delivery-configs/search"))


def is_batch(case):
    return case.path.endswith("/delivery-configs/batch")


@schemathesis.hook
def filter_case(context, case):
    """Drops invalid cases without a signature, which are signed anyway. The check ignored_auth covers those.

    Drops those that remove a label as well: any key can be removed, and any number of them.
    """
    # A front end rejects a URL that is too long, before there is an operation: 414.
    if len(quote(str(case.query or ""))) > 6000:
        return False
    headers = {name.lower() for name in case.headers or {}}
    if case.meta is None or case.meta.generation.mode.is_positive:
        return True
    if is_batch(case) and not is_rejected_batch(case):
        return False
    if isinstance(case.body, dict) and is_soon(case.body.get("ttl")):
        return False
    return headers >= SIGNED_HEADERS and None not in labels_of(case.body).values()


def is_soon(ttl):
    """Whether it is in the future, but below our minimum: valid, although the schema with that minimum says invalid."""
    return isinstance(ttl, int | float) and 0 <= ttl - int(time.time()) < 2 * 24 * 60 * 60


def is_rejected_batch(case):
    """Whether an invalid batch is rejected as a whole.

    One that is not atomic makes its valid operations, and the signature adds a digest where the request has none.
    Whether a text in a field of the other type is valid depends on the item.
    """
    body = case.body if isinstance(case.body, dict) else {}
    operations = body.get("operations")
    operations = (
        [operation for operation in operations if isinstance(operation, dict)] if isinstance(operations, list) else []
    )
    configs = [operation.get(name) for operation in operations for name in ("config", "changes")]
    has_near_ttl = any(isinstance(config, dict) and is_soon(config.get("ttl")) for config in configs)
    is_digested = "x-body-sha256" in {name.lower() for name in case.headers or {}}
    depends_on_item = any(map(has_text_of_another_type, operations))
    return body.get("atomic") is not False and is_digested and not has_near_ttl and not depends_on_item


def has_text_of_another_type(operation):
    changes, delivery_type = operation.get("changes"), operation.get("type")
    if not isinstance(changes, dict) or delivery_type not in list(ONLY_FOR):
        return False
    return any(
        isinstance(changes.get(name), str) for other in ONLY_FOR if other != delivery_type for name in ONLY_FOR[other]
    )


def match_batch(body):
    """Makes the operations of a valid batch be of different configurations, and each keep the rules of its own."""
    body["operations"] = body["operations"][:100]
    for number, operation in enumerate(body["operations"]):
        tenant = f"fuzz-{number}"
        if "tenant_id" in operation:
            operation["tenant_id"] = tenant
        config = operation.get("config") or operation.get("changes")
        if config is None:
            continue
        if "config" in operation:
            config["tenant_id"] = tenant
        else:
            config.pop("tenant_id", None)
            config["type"] = operation["type"]
            match_type(config, operation["type"])
        match_partition(config)
        if "changes" in operation:
            del config["type"]
        if labels := labels_of(config):
            config["labels"] = dict(zip("abcdefghijklmnop", labels.values(), strict=False))
        if not filter_body(None, config):
            config["bucket_prefix"] = "logs"
            config.pop("desired_logs", None)


@schemathesis.hook
def before_call(context, case, kwargs):
    is_positive = case.meta and case.meta.generation.mode.is_positive
    # A well-formed digest of another body is rejected before anything else is checked. Where a digest is required, any
    # other text is rejected as well. Without this header, the signature adds the right one.
    digest = (case.headers or {}).get("X-Body-SHA256")
    if digest is not None and (DIGEST.fullmatch(str(digest)) or (is_positive and requires_digest(case))):
        del case.headers["X-Body-SHA256"]
    if is_positive:
        # The coverage phase generates "valid" headers without regard to their patterns.
        for name in ("If-Match", "If-None-Match"):
            if ENTITY_TAG.search(str((case.headers or {}).get(name, "*"))) is None:
                del case.headers[name]
        # Its escapes must be UTF-8.
        for parameters in (case.query, case.body):
            if isinstance(parameters, dict) and not is_readable(str(parameters.get("last_key") or "")):
                del parameters["last_key"]
        for parameters in (case.query, case.body):
            if isinstance(parameters, dict) and isinstance(parameters.get("filter"), str):
                use_grammar(parameters)
        use_history(case)
        use_webhooks(case)
        if isinstance(case.body, dict) and is_batch(case):
            match_batch(case.body)
        elif isinstance(case.body, dict) and "tenant_id" in (case.path_parameters or {}) and not is_of_webhooks(case):
            match_url(case)
            match_partition(case.body)
            # Labels of one request after the other would become too many.
            if labels := labels_of(case.body):
                case.body["labels"] = dict(zip("abcdefghijklmnop", labels.values(), strict=False))
            # The coverage phase does not ask filter_body.
            if not filter_body(None, case.body):
                case.body["bucket_prefix"] = "logs"


def labels_of(body):
    labels = body.get("labels") if isinstance(body, dict) else None
    return labels if isinstance(labels, dict) else {}


def use_grammar(parameters):
    """Replaces every other filter by a valid one."""
    length = len(parameters["filter"])
    if length % 2 == 0:
        parameters["filter"] = FILTERS[length // 2 % len(FILTERS)]


def use_history(case):
    """Replaces what the description leaves to the text by something valid: names, and times that have not come yet."""
    names, query = case.path_parameters or {}, case.query if isinstance(case.query, dict) else {}
    if "revision" in names and not is_revision(str(names["revision"])):
        names["revision"] = A_REVISION
    # In a feed, any text that begins with a time is a place.
    is_feed = not case.path.endswith("/delivery-configs/{type}/history")
    if not is_feed and not is_revision(str(query.get("cursor") or A_REVISION)):
        query["cursor"] = A_REVISION
    if "since" in query and "until" in query:
        del query["since"]
    if "at" in query:
        query["at"] = "2024-01-15T10:30:00Z"


def is_of_webhooks(case):
    return "/webhooks" in case.path


def use_webhooks(case):
    """Replaces what the description leaves to the text: events that a tenant cannot choose, times, names of events."""
    if not is_of_webhooks(case):
        return
    names, query = case.path_parameters or {}, case.query if isinstance(case.query, dict) else {}
    if "event_id" in names and not is_revision(str(names["event_id"]).removeprefix("evt_")):
        names["event_id"] = f"evt_{A_REVISION}"
    if query.get("cursor") and not is_revision(str(query["cursor"]).removeprefix("evt_")):
        query["cursor"] = f"evt_{A_REVISION}"
    body = case.body
    if not isinstance(body, dict):
        return
    if case.path.endswith(("/webhooks", "/{webhook_id}")):
        # One that does not happen here: dozens of webhooks for each change would make the changes slow. A tenant cannot
        # choose all of the others.
        body["events"] = ["delivery_config.expired"]
        # Which hosts are public and which headers are free, JSON Schema cannot say.
        valid = {"url": "https://hooks.example.com/a", "headers": {"x-a": "b"}, "description": "a"}
        body |= {name: value for name, value in valid.items() if body.get(name)}
    if case.path.endswith("/replay"):
        body["since"] = "2024-01-15T10:30:00Z"
        body.pop("until", None)


def is_revision(text):
    parts = REVISION.fullmatch(text)
    return parts is not None and int(parts[1]) == len(parts[2]) <= 40 and not parts[2].startswith("0")


def is_readable(last_key):
    """Whether the value, if it is one of a hand-written key, has the escapes of UTF-8 only."""
    if not last_key.startswith("."):
        return True
    try:
        for part in last_key.split("#"):
            re.sub(rb"\.([0-9A-Fa-f]{2})", lambda digits: bytes.fromhex(digits[1].decode()), part[1:].encode()).decode()
    except UnicodeDecodeError:
        return False
    return True


def match_partition(body):
    """Makes a valid body name a role and a region of one partition, or neither."""
    role = body.get("log_distribution_role_arn")
    if isinstance(role, str):
        body["target_region"] = REGIONS[role.split(":")[1]]
    elif body.get("target_region") and body.get("type") != "s3":
        del body["target_region"]


def match_url(case):
    """Makes a valid body match its URL."""
    if case.body.get("tenant_id"):
        case.body["tenant_id"] = case.path_parameters["tenant_id"]
    delivery_type = case.path_parameters.get("type")
    if delivery_type:
        if case.body.get("type"):
            case.body["type"] = delivery_type
        match_type(case.body, delivery_type)


def match_type(body, delivery_type):
    """Makes valid changes those of a configuration of this type."""
    for name in ONLY_FOR["s3" if delivery_type == "cloudwatch" else "cloudwatch"]:
        body.pop(name, None)
    # `null` removes a field, which those that the type requires do not allow.
    for name in REQUIRED:
        if body.get(name, name) is None:
            del body[name]
    # An update must change something.
    body.setdefault("enabled", True)
