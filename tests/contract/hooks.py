"""What schemathesis must know beyond the description: how to sign, and the rules that JSON Schema cannot say."""

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


@schemathesis.hook
def before_load_schema(context, raw_schema):
    schemas = raw_schema["components"]["schemas"]
    for name in ("NewCloudWatchDeliveryConfig", "NewS3DeliveryConfig", "CloudWatchChanges", "S3Changes"):
        properties = schemas[name]["properties"]
        # In the future: no fixed number is.
        properties["ttl"]["minimum"] = int(time.time()) + 24 * 60 * 60
        # Ignored whatever they hold; a tool takes what is read-only for forbidden.
        del properties["created_at"], properties["updated_at"]


@schemathesis.hook
def filter_body(context, body):
    """512 bytes of UTF-8, not characters."""
    prefix = body.get("bucket_prefix") if isinstance(body, dict) else None
    return not isinstance(prefix, str) or len(prefix.rstrip("/").encode("utf-8", "surrogatepass")) <= 512


@schemathesis.hook
def filter_case(context, case):
    """What leaves the signature out is signed all the same; the check named ignored_auth is about that."""
    headers = {name.lower() for name in case.headers or {}}
    return case.meta is None or case.meta.generation.mode.is_positive or headers >= SIGNED_HEADERS


@schemathesis.hook
def before_call(context, case, kwargs):
    # A digest that only looks like one is refused before anything else is looked at.
    if DIGEST.fullmatch(str((case.headers or {}).get("X-Body-SHA256", ""))):
        del case.headers["X-Body-SHA256"]
    if case.meta and case.meta.generation.mode.is_positive:
        # Its coverage phase makes valid headers without looking at their patterns.
        for name in ("If-Match", "If-None-Match"):
            if ENTITY_TAG.search(str((case.headers or {}).get(name, "*"))) is None:
                del case.headers[name]
        if isinstance(case.body, dict):
            agree(case)


def agree(case):
    """A valid body agrees with its URL."""
    if case.body.get("tenant_id"):
        case.body["tenant_id"] = case.path_parameters["tenant_id"]
    delivery_type = case.path_parameters.get("type")
    if delivery_type:
        if case.body.get("type"):
            case.body["type"] = delivery_type
        for name in ONLY_FOR["s3" if delivery_type == "cloudwatch" else "cloudwatch"]:
            case.body.pop(name, None)
        # The shape may be the other type's, which knows these as nothing but null.
        for name in ONLY_FOR[delivery_type]:
            if case.body.get(name, name) is None:
                del case.body[name]
        # Something that changes something.
        case.body.setdefault("enabled", True)
