"""The description as it is served, and whether a validator accepts it."""

import json
import os
import urllib.request
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs/openapi.json").read_text())


def test_is_valid_openapi_3_1():
    assert DOCUMENT["openapi"] == "3.1.0"
    assert not list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors())


@pytest.mark.parametrize("path", ["/openapi.json", "/api/v1/openapi.json"])
def test_is_served_without_a_signature(path):
    with urllib.request.urlopen(os.environ["BASE_URL"] + path, timeout=10) as response:
        assert json.load(response) == DOCUMENT
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "public, max-age=300"
