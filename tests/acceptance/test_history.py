"""The history: what changed, what it was, and back again."""

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from harness import config_path, s3

pytestmark = pytest.mark.needs("history")

# Seconds after which a change must be in the history.
LAG = 20
# Feeds have nothing younger than this.
SETTLING = 5
TIMES = ("created_at", "updated_at")


def path(tenant):
    return config_path(tenant, "s3") + "/history"


def await_revisions(api, tenant, count):
    """The revisions of the S3 configuration, the earliest one first, as soon as there are as many."""
    deadline = time.monotonic() + LAG
    while True:
        revisions = api.call("GET", path(tenant), query={"order": "asc", "limit": 1000}).expect(200).data["revisions"]
        if len(revisions) >= count:
            assert len(revisions) == count, [revision["event"] for revision in revisions]
            return revisions
        assert time.monotonic() < deadline, f"{len(revisions)} of {count} revisions after {LAG} s"
        time.sleep(0.1)


def make_six(api, tenant):
    """A creation, three changes, a deletion and another creation; returns what was stored after each."""
    note = {"X-Change-Note": "CHG-1"}
    states = [
        api.create(s3(tenant)).expect(201).data,
        api.patch(tenant, "s3", {"enabled": False}, headers=note).expect(200).data,
        api.patch(tenant, "s3", {"desired_logs": ["a", "b"]}).expect(200).data,
        api.patch(tenant, "s3", {"desired_logs": ["b", "c"], "enabled": True}).expect(200).data,
    ]
    api.delete(tenant, "s3").expect(200)
    return [*states, None, api.create(s3(tenant, bucket_name="another-bucket")).expect(201).data]


def fields(configuration):
    return {name: value for name, value in configuration.items() if name not in TIMES}


def at(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_six_revisions_have_what_was_before_and_after_and_who_did_it(api, tenant):
    states = make_six(api, tenant)
    revisions = await_revisions(api, tenant, 6)
    events = ["created", "updated", "updated", "updated", "deleted", "created"]
    kinds = ["create", "update", "update", "update", "delete", "create"]
    assert [revision["event"] for revision in revisions] == events
    assert [revision["actor"]["kind"] for revision in revisions] == kinds
    assert {revision["actor"]["type"] for revision in revisions} == {"api"}
    assert len({revision["actor"]["request_id"] for revision in revisions}) == 6
    assert [revision["actor"].get("note") for revision in revisions] == [None, "CHG-1", None, None, None, None]
    assert revisions[1]["changes"] == [{"field": "enabled", "from": True, "to": False}]
    for number, revision in enumerate(revisions):
        detail = api.call("GET", f"{path(tenant)}/{revision['revision']}").expect(200).data
        before = states[number - 1] if number else None
        assert (detail.get("previous"), detail.get("configuration")) == (before, states[number])
        assert {name: value for name, value in detail.items() if name in revision} == revision


def test_pages_have_every_revision_once(api, tenant):
    make_six(api, tenant)
    expected = [revision["revision"] for revision in await_revisions(api, tenant, 6)]
    for order, names in (("asc", expected), ("desc", expected[::-1])):
        found, query = [], {"order": order, "limit": 4}
        while True:
            data = api.call("GET", path(tenant), query=query).expect(200).data
            found += [revision["revision"] for revision in data["revisions"]]
            if "cursor" not in data:
                break
            query["cursor"] = data["cursor"]
        assert found == names


def test_each_revision_is_restored(api, tenant):
    states = make_six(api, tenant)
    revisions = await_revisions(api, tenant, 6)
    count = 6
    for number in (0, 1, 2, 3, 5):
        restore = f"{path(tenant)}/{revisions[number]['revision']}/restore"
        preview = api.call("POST", restore, query={"dry_run": "true"}).expect(200).data
        restored = api.call("POST", restore).expect(200).data
        assert fields(restored["configuration"]) == fields(states[number])
        assert restored["diff"] == preview["diff"]
        assert api.get(tenant, "s3").data == restored["configuration"]
        count += 1
        last = await_revisions(api, tenant, count)[-1]
        assert (last["restored_from"], last["actor"]["kind"]) == (revisions[number]["revision"], "restore")
    api.call("POST", f"{path(tenant)}/{revisions[4]['revision']}/restore").expect(409)


def test_deleted_configuration_is_restored_with_a_change(api, tenant):
    api.create(s3(tenant)).expect(201)
    api.delete(tenant, "s3").expect(200)
    first = await_revisions(api, tenant, 2)[0]
    restore = f"{path(tenant)}/{first['revision']}/restore"
    api.call("POST", restore, {"bucket_name": "No Bucket", "unknown": 1}).expect(422)
    api.call("POST", restore, headers={"If-Match": "*"}).expect(412)
    restored = api.call("POST", restore, {"enabled": False}).expect(201)
    assert restored.header("Location") == config_path(tenant, "s3")
    assert restored.data["configuration"]["enabled"] is False
    assert await_revisions(api, tenant, 3)[-1]["event"] == "created"


def test_configuration_is_read_as_it_was(api, tenant):
    moments = []
    for change in (
        lambda: api.create(s3(tenant)).expect(201),
        lambda: api.patch(tenant, "s3", {"enabled": False}).expect(200),
        lambda: api.delete(tenant, "s3").expect(200),
    ):
        change()
        moments.append(datetime.now(UTC))
        # A state is what is there at the end of a second.
        time.sleep(1.1)
    await_revisions(api, tenant, 3)
    created, changed, deleted = map(at, moments)
    assert api.get(tenant, "s3", query={"at": created}).expect(200).data["enabled"] is True
    assert api.get(tenant, "s3", query={"at": changed}).expect(200).data["enabled"] is False
    api.get(tenant, "s3", query={"at": deleted}).expect(404)
    api.get(tenant, "s3", query={"at": at(datetime.now(UTC) + timedelta(hours=1))}).expect(400)
    api.get(tenant, "s3", query={"at": "2001-01-01T00:00:00Z"}).expect(404)
    api.get(tenant, "s3", query={"at": "then"}).expect(400)


def test_feeds_have_every_change_in_the_order_of_recording(api, tenant):
    began = at(datetime.now(UTC) - timedelta(seconds=1))
    make_six(api, tenant)
    expected = [revision["revision"] for revision in await_revisions(api, tenant, 6)]
    time.sleep(SETTLING + 1)
    for feed in (f"/api/v1/tenants/{tenant}/history", "/api/v1/history"):
        found, query = [], {"since": began, "limit": 4}
        while True:
            data = api.call("GET", feed, query=query).expect(200).data
            found += data["revisions"]
            query = {"cursor": data["cursor"], "limit": 4}
            if not data["has_more"]:
                break
        assert [revision["revision"] for revision in found if revision["tenant_id"] == tenant] == expected
        recorded = [revision["recorded_at"] for revision in found]
        assert recorded == sorted(recorded)
    deleted = api.call("GET", f"/api/v1/tenants/{tenant}/history", query={"event": "deleted"}).expect(200).data
    assert [revision["event"] for revision in deleted["revisions"]] == ["deleted"]


def test_old_cursor_returns_410_and_says_where_to_start(api):
    gone = api.call("GET", "/api/v1/history", query={"cursor": "000000000"}).expect(410)
    since = gone.json["details"]["recording_since"]
    api.call("GET", "/api/v1/history", query={"since": since}).expect(200)
    api.call("GET", "/api/v1/history").expect(200)


def test_configuration_that_never_existed_has_no_revisions(api, tenant):
    assert api.call("GET", path(tenant)).expect(200).data["revisions"] == []


@pytest.mark.parametrize(
    "query", ["order=newest", "since=yesterday", "cursor=x", "since=2024-01-02T00:00:00Z&until=2024-01-01T00:00:00Z"]
)
def test_malformed_query_returns_400(api, tenant, query):
    query = "&".join(
        f"{name}={quote(value, safe='')}" for name, value in (pair.split("=") for pair in query.split("&"))
    )
    api.call("GET", path(tenant), query=query).expect(400)


def test_revision_in_the_url_is_checked(api, tenant):
    api.call("GET", path(tenant) + "/latest").expect(400)
    api.call("GET", path(tenant) + "/1f9gg2s0ma00021123456789012345678901001iqa298").expect(404)
