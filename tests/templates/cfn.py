"""Reads the CloudFormation templates and expands short forms such as `!Ref`."""

from functools import cache
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("regional", "functions", "api", "domain", "monitoring", "canary", "history", "webhooks")


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms."""


def _short_form(loader, suffix, node):
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


Loader.add_multi_constructor("!", _short_form)


@cache
def text(name):
    """The text of a template."""
    return (ROOT / "cloudformation" / f"{name}.yaml").read_text()


def load():
    """Every template by its name, as a new copy that the caller may change."""
    return {name: yaml.load(text(name), Loader) for name in NAMES}


def resources(templates, kind):
    """Each resource of a type as (template, logical id, resource)."""
    for name, template in templates.items():
        for logical_id, resource in template["Resources"].items():
            if resource["Type"] == kind:
                yield name, logical_id, resource


def strings(value):
    """Every string within a value, including those in intrinsic functions."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
