"""Concurrent clients: no write is lost."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import s3

pytestmark = pytest.mark.needs("parallel")
# Clients at the same time, at most. An emulator that starts a process for each of them needs fewer.
CLIENTS = int(os.environ.get("PARALLEL_CLIENTS", "100"))


def test_one_of_100_concurrent_creates_succeeds(api, tenant):
    with ThreadPoolExecutor(CLIENTS) as pool:
        responses = list(pool.map(lambda number: api.create(s3(tenant, bucket_name=f"bucket-{number}")), range(100)))
    assert sorted(response.status for response in responses) == [201] + [409] * 99
    winner = next(response for response in responses if response.status == 201)
    assert api.get(tenant, "s3").data == winner.data


def test_concurrent_patches_with_if_match_lose_no_update(api, tenant):
    api.create(s3(tenant, desired_logs=["start"])).expect(201)

    def add(name):
        while True:
            read = api.get(tenant, "s3").expect(200)
            body = {"desired_logs": read.data["desired_logs"] + [name]}
            response = api.patch(tenant, "s3", body, headers={"If-Match": read.etag})
            if response.status == 200:
                return
            response.expect(412)

    names = [f"log-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, names))
    final = api.get(tenant, "s3").expect(200)
    assert sorted(final.data["desired_logs"]) == sorted(["start", *names])


def test_concurrent_patches_of_different_fields_all_apply(api, tenant):
    api.create(s3(tenant)).expect(201)
    bodies = [{"enabled": False}, {"target_region": "eu-west-1"}, {"bucket_prefix": "p/"}, {"desired_logs": ["a"]}] * 5
    with ThreadPoolExecutor(20) as pool:
        responses = [response.expect(200) for response in pool.map(lambda body: api.patch(tenant, "s3", body), bodies)]
    final = api.get(tenant, "s3")
    assert len({response.tag for response in responses}) == len(bodies), "each update assigns a version"
    assert {name: final.data[name] for body in bodies for name in body} == {
        name: value for body in bodies for name, value in body.items()
    }


def test_one_of_20_concurrent_deletes_succeeds(api, tenant):
    api.create(s3(tenant)).expect(201)
    with ThreadPoolExecutor(20) as pool:
        statuses = [response.status for response in pool.map(lambda _: api.delete(tenant, "s3"), range(20))]
    assert sorted(statuses) == [200] + [404] * 19
