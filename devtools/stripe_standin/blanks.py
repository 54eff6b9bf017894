"""Empty Stripe objects, made from the contract.

An object made here carries exactly the fields of the pinned API version: null where null
is allowed, else an empty value of the right type.
"""

from typing import Any

from devtools.stripe_standin.contract import Contract, Json

# Only sent when a request asks to expand them.
INCLUDABLE = {
    "checkout.session": {"line_items"},
    "charge": {"refunds"},
    "customer": {"sources", "subscriptions", "tax", "tax_ids"},
    "coupon": {"applies_to", "currency_options"},
    "invoice": {"confirmation_secret", "payments"},
    "price": {"currency_options", "tiers"},
    "product": {"tax_details"},
    "webhook_endpoint": {"secret"},
}
NEVER_EMPTY = {"deleted"}
ZEROS: dict[str | None, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False}


def blank_object(contract: Contract, kind: str) -> Json:
    """The emptiest object of a kind that the contract allows."""
    left_out = INCLUDABLE.get(kind, set()) | NEVER_EMPTY
    whole: Json = blank(contract, {"$ref": f"#/components/schemas/{kind}"})
    return {name: value for name, value in whole.items() if name not in left_out}


def blank(contract: Contract, schema: Json) -> Any:
    schema = contract.resolve(schema)
    if schema.get("nullable"):
        return None
    if "anyOf" in schema:
        if any(alternative.get("nullable") for alternative in schema["anyOf"]):
            return None
        return blank(contract, schema["anyOf"][0])
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        return _blank_members(contract, schema)
    return [] if schema.get("type") == "array" else ZEROS.get(schema.get("type"))


def shaped(contract: Contract, kind: str, name: str, value: Any) -> Any:
    """A request's value as the answer's field spells it: what was not given is there, empty."""
    return _shaped(contract, contract.schemas[kind]["properties"][name], value)


def _shaped(contract: Contract, schema: Json, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    target = _object_alternative(contract, schema)
    properties = target.get("properties", {})
    whole = _blank_members(contract, target)
    for name, given in value.items():
        whole[name] = _shaped(contract, properties.get(name, {}), given)
    return whole


def _object_alternative(contract: Contract, schema: Json) -> Json:
    for alternative in [schema, *schema.get("anyOf", [])]:
        resolved = contract.resolve(alternative)
        if resolved.get("type") == "object" and "enum" not in resolved:
            return resolved
    return {}


def _blank_members(contract: Contract, schema: Json) -> Json:
    required = schema.get("required", [])
    members = {}
    for name, each in schema.get("properties", {}).items():
        value = blank(contract, each)
        if name in required or (value is None and not _is_map_of_objects(each)):
            members[name] = value
    return members


def _is_map_of_objects(schema: Json) -> bool:
    """Stripe never sends null for these, and the SDK could not read it."""
    rest = schema.get("additionalProperties")
    return isinstance(rest, dict) and "$ref" in rest
