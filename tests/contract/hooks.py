"""What schemathesis must know beyond the description: how to sign, and the rules that JSON Schema cannot express."""

import re
import time

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


@schemathesis.hook
def filter_body(context, body):
    """The limit is 512 bytes of UTF-8, not characters."""
    prefix = body.get("bucket_prefix") if isinstance(body, dict) else None
    return not isinstance(prefix, str) or len(prefix.rstrip("/").encode("utf-8", "surrogatepass")) <= 512


@schemathesis.hook
def filter_case(context, case):
    """Drops invalid cases without a signature, which are signed anyway. The check ignored_auth covers those."""
    headers = {name.lower() for name in case.headers or {}}
    return case.meta is None or case.meta.generation.mode.is_positive or headers >= SIGNED_HEADERS


@schemathesis.hook
def before_call(context, case, kwargs):
    # A well-formed digest of another body is rejected before anything else is checked.
    if DIGEST.fullmatch(str((case.headers or {}).get("X-Body-SHA256", ""))):
        del case.headers["X-Body-SHA256"]
    if case.meta and case.meta.generation.mode.is_positive:
        # The coverage phase generates "valid" headers without regard to their patterns.
        for name in ("If-Match", "If-None-Match"):
            if ENTITY_TAG.search(str((case.headers or {}).get(name, "*"))) is None:
                del case.headers[name]
        if isinstance(case.body, dict):
            match_url(case)


def match_url(case):
    """Makes a valid body match its URL."""
    if case.body.get("tenant_id"):
        case.body["tenant_id"] = case.path_parameters["tenant_id"]
    delivery_type = case.path_parameters.get("type")
    if delivery_type:
        if case.body.get("type"):
            case.body["type"] = delivery_type
        for name in ONLY_FOR["s3" if delivery_type == "cloudwatch" else "cloudwatch"]:
            case.body.pop(name, None)
        # `null` removes a field, which those that the type requires do not allow.
        for name in REQUIRED:
            if case.body.get(name, name) is None:
                del case.body[name]
        # An update must change something.
        case.body.setdefault("enabled", True)
