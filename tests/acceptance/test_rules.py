"""Every rule of a field, on the wire. A value on the limit is accepted; one beyond it is a 422 that names the field."""

import time

import pytest
from harness import cloudwatch, s3

ROLE = "arn:aws:iam::123456789012:role/"
IN_AN_HOUR = int(time.time()) + 3600

# Field, value, code.
BROKEN = [
    *[
        ("log_distribution_role_arn", value, None)
        for value in (
            "arn:aws:iam::12345678901:role/R",
            "arn:aws:iam::123456789012:user/R",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:s3:::bucket",
            "arn:amazon:iam::123456789012:role/R",
            "arn:aws:iam:us-east-1:123456789012:role/R",
            ROLE + "R" * 65,
            ROLE + "R R",
            ROLE + "R\u0000",
            "role",
            *[ROLE + f"team{character}/R" for character in '*?${}"\\'],
            ROLE + "./R",
            ROLE + "team/../R",
        )
    ],
    ("log_distribution_role_arn", 5, "wrong_type"),
    ("log_group_name", "", None),
    ("log_group_name", "a" * 513, "too_long"),
    ("log_group_name", "a b", "invalid_format"),
    ("log_group_name", "a:b", "invalid_format"),
    ("log_group_name", "aws/lambda", "reserved"),
    ("log_group_name", ["a"], "wrong_type"),
    *[("bucket_name", value, "invalid_format") for value in ("Abc", "a_b", "-ab", "ab-", "a..b", "192.168.5.4", "ab.")],
    *[("bucket_name", value, "reserved") for value in ("xn--abc", "sthree-abc", "amzn-s3-demo-a", "abc--ol-s3")],
    *[("bucket_name", value, "reserved") for value in ("abc.mrap", "abc--x-s3", "abc--table-s3")],
    ("bucket_name", "ab", "too_short"),
    ("bucket_name", "a" * 64, "too_long"),
    ("bucket_name", {}, "wrong_type"),
    ("bucket_prefix", "/logs", "invalid_format"),
    ("bucket_prefix", "lo\ngs", "invalid_format"),
    ("bucket_prefix", "é" * 257, "too_long"),
    *[
        ("bucket_prefix", value, "invalid_format")
        for value in (
            "./logs",
            "logs/..",
            "logs/../x",
            " logs",
            "logs ",
            "logs /",
            "s3://acme-logs/logs",
            "lo\u200bgs",
            "lo\u202egs",
            "logs\ufeff",
        )
    ],
    ("bucket_prefix", 1, "wrong_type"),
    *[
        ("target_region", value, None)
        for value in ("us", "us-east", "us-east-", "mars-1", "US-EAST-1", "us-east-1a", "ap-north-east-1", "-")
    ],
    ("target_region", True, "wrong_type"),
    ("desired_logs", [], "empty"),
    ("desired_logs", ["a", "a"], "duplicate"),
    ("desired_logs", [" a"], "invalid_format"),
    ("desired_logs", [""], "empty"),
    ("desired_logs", [1], "wrong_type"),
    ("desired_logs", "a", "wrong_type"),
    *[("desired_logs", [f"a{character}"], "invalid_format") for character in "\u00ad\u200b\u200e\u202e\u2066\ufeff"],
    ("desired_logs", ["a" * 257], "too_long"),
    ("desired_logs", [str(number) for number in range(201)], "too_long"),
    *[("labels", value, "wrong_type") for value in ("env=prod", ["env"], 7, True)],
    ("labels", {str(number): "x" for number in range(17)}, "too_long"),
    *[("enabled", value, "wrong_type") for value in ("true", 1, 0, [], {}, "")],
    ("ttl", int(time.time()) - 1, "in_the_past"),
    ("ttl", 10**11, "out_of_range"),
    ("ttl", IN_AN_HOUR * 1000, "out_of_range"),
    ("ttl", 0, None),
    ("ttl", -1, None),
    ("ttl", 1.5, None),
    ("ttl", str(IN_AN_HOUR), "wrong_type"),
    ("ttl", 10**300, None),
]

ACCEPTED = [
    ("log_distribution_role_arn", "arn:aws-us-gov:iam::123456789012:role/path/to/" + "R" * 64),
    ("log_distribution_role_arn", "arn:aws-cn:iam::123456789012:role/R+=,.@_-"),
    ("log_distribution_role_arn", "arn:aws-iso-b:iam::123456789012:role/R"),
    ("log_group_name", "a" * 512),
    ("log_group_name", "/A-Z_a.z/0#9"),
    ("bucket_name", "a" * 63),
    ("bucket_name", "a.b"),
    ("bucket_name", "my-access-point-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias"),
    ("bucket_prefix", "p" * 511 + "/"),
    ("target_region", "us-gov-west-1"),
    ("target_region", "ap-southeast-7"),
    ("target_region", "cn-north-1"),
    ("target_region", "mars-north-1"),
    ("bucket_prefix", ".logs/..a/a//b c!*'()/"),
    ("log_distribution_role_arn", ROLE + "!#%&'()+,-.:;<=>@[]^_`a|~/.../R"),
    ("desired_logs", [f"{number:0256}" for number in range(200)]),
    ("labels", {"k" * 63: "T" * 63} | {f"{number}/a.b_c-d": "A-Z_a.z" for number in range(15)}),
    ("labels", {"canary": ""}),
    ("labels", {}),
    ("labels", None),
    ("enabled", False),
    ("enabled", None),
    ("ttl", 10**11 - 1),
    ("ttl", float(IN_AN_HOUR)),
    ("ttl", None),
]


def config_with(tenant, field, value):
    of_s3 = field.startswith("bucket")
    config = (s3 if of_s3 else cloudwatch)(tenant)
    partition_is_aws = not str(value).startswith(("us-gov", "cn-"))
    if field == "target_region" and not partition_is_aws:
        config = s3(tenant)  # a role's partition and the region's must agree; a bucket has none
    return config | {field: value}


@pytest.mark.parametrize(("field", "value", "code"), BROKEN, ids=lambda value: repr(value)[:40])
def test_broken_rule_returns_422_that_names_the_field(api, tenant, field, value, code):
    response = api.create(config_with(tenant, field, value)).expect(422)
    assert {name for name, _ in response.errors} == {field}, response.errors
    assert code is None or {found for _, found in response.errors} == {code}
    for error in response.json["details"]["errors"]:
        assert set(error) == {"field", "code", "message"}
        assert error["message"]
    assert api.list_tenant(tenant).data["count"] == 0


@pytest.mark.parametrize(("field", "value"), ACCEPTED, ids=lambda value: repr(value)[:40])
def test_value_on_the_limit_is_accepted(api, tenant, field, value):
    stored = api.create(config_with(tenant, field, value)).expect(201).data
    if value is not None:
        assert stored[field] == value


@pytest.mark.parametrize("field", ["log_distribution_role_arn", "log_group_name"])
@pytest.mark.parametrize("missing", ["absent", None, ""])
def test_required_cloudwatch_field_must_be_present(api, tenant, field, missing):
    body = cloudwatch(tenant) | {field: missing}
    if missing == "absent":
        del body[field]
    assert [name for name, _ in api.create(body).expect(422).errors] == [field]


def test_bucket_name_is_required(api, tenant):
    body = s3(tenant)
    del body["bucket_name"]
    assert api.create(body).expect(422).errors == [("bucket_name", "required")]


def test_unknown_field_is_reported_with_the_nearest_name(api, tenant):
    response = api.create(s3(tenant, enable=True)).expect(422)
    assert response.errors == [("enable", "unknown_field")]
    assert "enabled" in response.json["details"]["errors"][0]["message"]


@pytest.mark.parametrize(
    ("config", "field", "value"),
    [
        (s3, "log_group_name", "x"),
        (s3, "log_distribution_role_arn", ROLE + "R"),
        (cloudwatch, "bucket_name", "acme-logs"),
        (cloudwatch, "bucket_prefix", "x/"),
    ],
)
def test_field_of_the_other_type_is_reported_as_such(api, tenant, config, field, value):
    assert api.create(config(tenant) | {field: value}).expect(422).errors == [(field, "wrong_delivery_type")]


def test_all_broken_rules_are_reported_together(api, tenant):
    body = {"tenant_id": tenant, "type": "cloudwatch", "log_group_name": "a b", "enabled": 1, "ttl": "x", "typo": 1}
    fields = [field for field, _ in api.create(body).expect(422).errors]
    assert sorted(fields) == ["enabled", "log_distribution_role_arn", "log_group_name", "ttl", "typo"]


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        *[(key, "x", "invalid_format") for key in ("Team", "-a", "/a", "_a", ".a", "a b", "\u00e9", "a:b", "a\n")],
        ("", "x", "empty"),
        ("k" * 64, "x", "too_long"),
        *[("k", text, "invalid_format") for text in ("a b", "a/b", "a:b", "\u00e9", "a\n", " ")],
        ("k", "T" * 64, "too_long"),
        *[("k", value, "wrong_type") for value in (1, True, ["x"], {"x": "y"})],
    ],
    ids=lambda value: repr(value)[:20],
)
def test_broken_label_returns_422_with_its_key(api, tenant, key, text, code):
    response = api.create(s3(tenant, labels={"env": "prod", key: text})).expect(422)
    assert response.errors == [(f"labels.{key}", code)]


def test_milliseconds_in_ttl_are_recognized(api, tenant):
    response = api.create(s3(tenant, ttl=IN_AN_HOUR * 1000)).expect(422)
    assert "millisecond" in response.json["details"]["errors"][0]["message"]


def test_empty_desired_logs_error_says_to_leave_it_out(api, tenant):
    message = api.create(s3(tenant, desired_logs=[])).expect(422).json["details"]["errors"][0]["message"]
    assert "omit the field or send null" in message


HINTS = [
    ("bucket_name", "arn:aws:s3:::acme-logs", "acme-logs"),
    ("bucket_name", "arn:aws:s3:::acme-logs/*", "acme-logs"),
    ("bucket_name", "s3://acme-logs/prefix/", "acme-logs"),
    ("bucket_name", "https://acme-logs.s3.us-east-1.amazonaws.com/", "acme-logs"),
    ("bucket_name", " Acme-Logs ", "acme-logs"),
    ("bucket_prefix", "s3://acme-logs/prefix", "prefix/"),
    ("bucket_prefix", "/prefix", "prefix/"),
    ("bucket_prefix", "prefix ", "prefix/"),
    ("log_group_name", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/logs/acme:*", "/aws/logs/acme"),
    ("log_group_name", "/aws/logs/acme:*", "/aws/logs/acme"),
    ("log_distribution_role_arn", f"{ROLE}Delivery:*", f"{ROLE}Delivery"),
    ("log_distribution_role_arn", "arn:aws:sts::123456789012:assumed-role/Delivery/session", f"{ROLE}Delivery"),
    ("target_region", "us-east-1a", "us-east-1"),
    ("target_region", "US_EAST_1", "us-east-1"),
    ("desired_logs", [" payment-service"], "payment-service"),
]


@pytest.mark.parametrize(("field", "pasted", "meant"), HINTS, ids=lambda value: str(value)[:40])
def test_paste_mistake_is_shown_with_the_corrected_value(api, tenant, field, pasted, meant):
    config = s3 if field.startswith("bucket") else cloudwatch
    response = api.create(config(tenant) | {field: pasted}).expect(422)
    (error,) = response.json["details"]["errors"]
    assert error["field"] == field
    assert error["message"].endswith(f"(did you mean {meant}?)"), error["message"]
    corrected = [meant] if isinstance(pasted, list) else meant
    assert api.create(config(tenant) | {field: corrected}).expect(201).data[field] == corrected


GOV_ROLE = "arn:aws-us-gov:iam::123456789012:role/R"


def test_role_and_region_of_different_partitions_return_422(api, tenant):
    body = cloudwatch(tenant, target_region="us-gov-west-1")
    assert api.create(body).expect(422).errors == [("target_region", "conflict")]


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize(
    ("field", "value"), [("log_distribution_role_arn", GOV_ROLE), ("target_region", "us-gov-west-1")]
)
def test_update_to_another_partition_than_the_stored_field_returns_422(api, tenant, method, field, value):
    before = api.create(cloudwatch(tenant, target_region="us-east-1")).expect(201)
    for headers in ({}, {"If-Match": before.etag}):
        response = getattr(api, method)(tenant, "cloudwatch", {field: value}, headers=headers).expect(422)
        assert response.errors == [(field, "conflict")]
    assert api.get(tenant, "cloudwatch").data == before.data
    both = {"log_distribution_role_arn": GOV_ROLE, "target_region": "us-gov-west-1"}
    getattr(api, method)(tenant, "cloudwatch", both).expect(200)
