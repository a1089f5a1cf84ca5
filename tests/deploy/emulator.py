"""Starts ministack on the loopback port GATEWAY_PORT, with one of its faults put right.

An update of a nested stack forgets the attributes of the resources that did not change, so that `Fn::GetAtt` of one of
them fails where AWS answers. Here the attributes that the stack has on record are handed in.
"""

from ministack import app
from ministack.services.cloudformation import _stacks, provisioners

_update_resource = provisioners._update_resource


def update_resource(kind, physical_id, old, new, stack_name, logical_id=None, old_attrs=None):
    if old_attrs is None:
        recorded = (_stacks.get(stack_name) or {}).get("_resources", {}).get(logical_id, {})
        old_attrs = recorded.get("Attributes")
    return _update_resource(kind, physical_id, old, new, stack_name, logical_id, old_attrs)


provisioners._update_resource = update_resource
app.main()
