"""PUT and PATCH: both merge, both take If-Match."""

import time

import pytest
from harness import cloudwatch, s3

METHODS = pytest.mark.parametrize("method", ["put", "patch"])


def update(api, method, *args, **more):
    return getattr(api, method)(*args, **more)


@METHODS
def test_omitted_field_keeps_its_value(api, tenant, method):
    api.create(s3(tenant, enabled=False, desired_logs=["a"], target_region="us-east-1")).expect(201)
    changed = update(api, method, tenant, "s3", {"bucket_name": "another-bucket"}).expect(200)
    assert changed.data["bucket_name"] == "another-bucket"
    assert changed.data["enabled"] is False
    assert changed.data["desired_logs"] == ["a"]
    assert changed.data["target_region"] == "us-east-1"
    assert api.get(tenant, "s3").data == changed.data


@METHODS
def test_null_removes_an_optional_field(api, tenant, method):
    ttl = int(time.time()) + 3600
    api.create(cloudwatch(tenant, desired_logs=["a"], target_region="us-east-1", ttl=ttl)).expect(201)
    data = update(api, method, tenant, "cloudwatch", {"desired_logs": None, "target_region": None, "ttl": None}).data
    assert not {"desired_logs", "target_region", "ttl"} & set(data)
    assert api.get(tenant, "cloudwatch").data == data


@METHODS
def test_null_returns_enabled_and_bucket_prefix_to_their_defaults(api, tenant, method):
    api.create(s3(tenant, enabled=False, bucket_prefix="other/")).expect(201)
    data = update(api, method, tenant, "s3", {"enabled": None, "bucket_prefix": None}).expect(200).data
    assert data["enabled"] is True
    assert data["bucket_prefix"] == "ROSA/cluster-logs/"


@METHODS
@pytest.mark.parametrize("field", ["log_distribution_role_arn", "log_group_name"])
def test_required_field_cannot_be_removed(api, tenant, method, field):
    before = api.create(cloudwatch(tenant)).data
    response = update(api, method, tenant, "cloudwatch", {field: None, "enabled": False}).expect(422)
    assert response.errors == [(field, "required")]
    assert api.get(tenant, "cloudwatch").data == before


@METHODS
def test_labels_merge_key_by_key(api, tenant, method):
    api.create(s3(tenant, labels={"env": "prod", "team": "a"})).expect(201)
    for sent, expected in [
        ({"team": "b"}, {"env": "prod", "team": "b"}),
        ({"env": None, "tier": ""}, {"team": "b", "tier": ""}),
        ({}, {"team": "b", "tier": ""}),
        ({"team": None, "tier": None}, None),
        ({"env": "test"}, {"env": "test"}),
        (None, None),
    ]:
        changed = update(api, method, tenant, "s3", {"labels": sent}).expect(200)
        assert changed.data.get("labels") == expected
        assert api.get(tenant, "s3").data == changed.data


@METHODS
def test_broken_labels_change_nothing_and_are_all_reported(api, tenant, method):
    before = api.create(s3(tenant, labels={"env": "prod"})).data
    body = {"labels": {"env": "a b", "Team": "x", "tier": "1"}}
    response = update(api, method, tenant, "s3", body).expect(422)
    assert sorted(response.errors) == [("labels.Team", "invalid_format"), ("labels.env", "invalid_format")]
    many = {"labels": {str(number): "x" for number in range(16)}}
    assert update(api, method, tenant, "s3", many).expect(422).errors == [("labels", "too_long")]
    assert api.get(tenant, "s3").data == before


@METHODS
def test_repeated_label_in_a_body_returns_400(api, tenant, method):
    api.create(s3(tenant)).expect(201)
    update(api, method, tenant, "s3", '{"labels": {"env": "a", "env": "b"}}').expect(400)


@METHODS
def test_each_update_changes_the_etag(api, tenant, method):
    created = api.create(s3(tenant))
    response = update(api, method, tenant, "s3", {"enabled": False}).expect(200)
    assert response.tag != created.tag
    assert api.get(tenant, "s3").tag == response.tag
    assert response.data["created_at"] == created.data["created_at"]
    assert response.data["updated_at"] >= created.data["updated_at"]


@METHODS
def test_configuration_can_be_sent_back_as_read(api, tenant, method):
    read = api.create(s3(tenant, desired_logs=["a"], labels={"env": "prod"}, ttl=int(time.time()) + 3600)).data
    back = update(api, method, tenant, "s3", read).expect(200).data
    assert back == read | {"updated_at": back["updated_at"]}


@METHODS
@pytest.mark.parametrize("names", [{}, {"tenant_id": "", "type": ""}, {"type": "s3"}])
def test_tenant_and_type_can_be_absent_empty_or_equal(api, tenant, method, names):
    api.create(s3(tenant))
    update(api, method, tenant, "s3", {"enabled": False} | names).expect(200)


@METHODS
@pytest.mark.parametrize("names", [{"tenant_id": "someone-else"}, {"type": "cloudwatch"}, {"type": "S3"}])
def test_another_tenant_or_type_returns_400(api, tenant, method, names):
    before = api.create(s3(tenant)).data
    update(api, method, tenant, "s3", {"enabled": False} | names).expect(400)
    assert api.get(tenant, "s3").data == before


@METHODS
@pytest.mark.parametrize("body", [{}, {"tenant_id": "", "type": "s3"}, {"created_at": "2024-01-15T10:30:00Z"}])
def test_empty_update_returns_400(api, tenant, method, body):
    api.create(s3(tenant))
    update(api, method, tenant, "s3", body).expect(400)


@METHODS
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"enabled": false, "enabled": true}'])
def test_body_that_is_not_a_clean_object_returns_400(api, tenant, method, body):
    api.create(s3(tenant))
    update(api, method, tenant, "s3", body).expect(400)


@METHODS
def test_missing_configuration_returns_404(api, tenant, method):
    update(api, method, tenant, "s3", {"enabled": False}).expect(404)
    assert api.list_tenant(tenant).data["count"] == 0


@METHODS
def test_update_with_the_current_etag_succeeds(api, tenant, method):
    response = api.create(s3(tenant))
    for condition in ("{0}", '"99", {0}', "*"):
        headers = {"If-Match": condition.format(response.etag)}
        response = update(api, method, tenant, "s3", {"enabled": False}, headers=headers).expect(200)


@METHODS
def test_update_with_another_etag_returns_412_and_changes_nothing(api, tenant, method):
    created = api.create(s3(tenant))
    for condition in (f'"{created.tag[:-1]}"', f"W/{created.etag}", f'"0{created.tag}"', '"x"'):
        update(api, method, tenant, "s3", {"enabled": False}, headers={"If-Match": condition}).expect(412)
    assert api.get(tenant, "s3").data == created.data


@METHODS
def test_etag_of_a_deleted_configuration_never_matches_its_successor(api, tenant, method):
    deleted = api.create(s3(tenant))
    api.delete(tenant, "s3").expect(200)
    api.create(s3(tenant)).expect(201)
    update(api, method, tenant, "s3", {"enabled": False}, headers={"If-Match": deleted.etag}).expect(412)


def test_patch_accepts_a_merge_patch_body(api, tenant):
    api.create(s3(tenant))
    headers = {"Content-Type": "application/merge-patch+json"}
    assert api.patch(tenant, "s3", {"enabled": False}, headers=headers).expect(200).data["enabled"] is False


@METHODS
def test_update_obeys_the_rules_of_create(api, tenant, method):
    api.create(s3(tenant))
    body = {"bucket_name": "UPPER", "desired_logs": [], "enable": True, "log_group_name": "x", "ttl": 1}
    response = update(api, method, tenant, "s3", body).expect(422)
    assert sorted(response.errors) == [
        ("bucket_name", "invalid_format"),
        ("desired_logs", "empty"),
        ("enable", "unknown_field"),
        ("log_group_name", "wrong_delivery_type"),
        ("ttl", "in_the_past"),
    ]
