"""Requests by the Python clients: python walk.py CLIENT. The protocol is described in test_walk.py."""

import asyncio
import hashlib
import hmac
import os
import sys
from datetime import UTC, datetime
from urllib.parse import quote, urlencode, urlsplit

LIST = os.environ["BASE_URL"] + "/api/v1/delivery-configs"
PATH = urlsplit(LIST).path


def headers(uri):
    timestamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    signature = hmac.new(os.environ["PSK"].encode(), f"GET{uri}{timestamp}".encode(), hashlib.sha256).hexdigest()
    return {"Authorization": f"HMAC-SHA256 {signature}", "X-API-Timestamp": timestamp}


def percent_encoded(parameters):
    return urlencode(parameters, quote_via=quote, safe="")


def signed_uri(signs, parameters, wire):
    """What is signed: the path and query on the wire, the documented form, or the text before any encoding."""
    if signs == "wire":
        return wire
    if signs == "canonical":
        return PATH + "?" + percent_encoded(sorted(parameters.items()))
    return PATH + "?" + "&".join(f"{name}={value}" for name, value in parameters.items())


def with_requests():
    import requests

    session = requests.Session()

    def get(encoding, signs, parameters):
        if encoding == "library":
            request = requests.Request("GET", LIST, params=parameters)
        else:
            request = requests.Request("GET", LIST + "?" + percent_encoded(parameters))
        request = session.prepare_request(request)
        request.headers.update(headers(signed_uri(signs, parameters, request.path_url)))
        response = session.send(request)
        return response.status_code, response.content.decode()

    return get


def with_httpx():
    import httpx

    client = httpx.Client()

    def get(encoding, signs, parameters):
        if encoding == "library":
            request = client.build_request("GET", LIST, params=parameters)
        else:
            request = client.build_request("GET", LIST + "?" + percent_encoded(parameters))
        wire = request.url.raw_path.decode()
        request.headers.update(headers(signed_uri(signs, parameters, wire)))
        response = client.send(request)
        return response.status_code, response.content.decode()

    return get


def with_aiohttp():
    import aiohttp
    import yarl

    async def send(url, signs, parameters):
        async with aiohttp.ClientSession() as session:
            signed = signed_uri(signs, parameters, url.raw_path_qs)
            async with session.get(url, headers=headers(signed)) as response:
                return response.status, await response.text()

    def get(encoding, signs, parameters):
        if encoding == "library":
            url = yarl.URL(LIST).with_query(parameters)
        else:
            url = yarl.URL(LIST + "?" + percent_encoded(parameters))
        return asyncio.run(send(url, signs, parameters))

    return get


def with_urllib3():
    import urllib3

    pool = urllib3.PoolManager()

    def get(encoding, signs, parameters):
        # `fields` of a GET are encoded by urlencode, which writes + for a space.
        query = urlencode(parameters) if encoding == "library" else percent_encoded(parameters)
        signed = headers(signed_uri(signs, parameters, PATH + "?" + query))
        if encoding == "library":
            response = pool.request("GET", LIST, fields=parameters, headers=signed)
        else:
            response = pool.request("GET", LIST + "?" + query, headers=signed)
        return response.status, response.data.decode()

    return get


CLIENTS = {"requests": with_requests, "httpx": with_httpx, "aiohttp": with_aiohttp, "urllib3": with_urllib3}

if __name__ == "__main__":
    send = CLIENTS[sys.argv[1]]()
    for line in sys.stdin:
        how, what, *values = line.rstrip("\n").split("\t")
        named = dict(zip(("limit", "last_key", "note"), values, strict=True))
        status, body = send(how, what, {name: value for name, value in named.items() if value})
        print(status, body, sep="\t", flush=True)
