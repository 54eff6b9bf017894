"""Length limits, which the SDK's types do not state.

Those of ``/v1/checkout/sessions`` were read from Stripe's specification of 2026-09-30, the
others from that of 2023-08-16. Metadata's limits are Stripe's documented 50 keys of at most
40 characters with values of at most 500.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

METADATA_KEYS = 50
METADATA_KEY_LENGTH = 40
METADATA_VALUE_LENGTH = 500

MAX_LENGTHS = {
    "/v1/checkout/sessions": {  # (a)
        "client_reference_id": 200,
        "integration_identifier": 200,
        "payment_method_configuration": 100,
        "custom_fields.key": 200,
        "custom_fields.label.custom": 100,
        "custom_fields.dropdown.default_value": 100,
        "custom_fields.dropdown.options.label": 100,
        "custom_fields.dropdown.options.value": 100,
        "custom_fields.text.default_value": 255,
        "custom_fields.numeric.default_value": 255,
        "custom_text.after_submit.message": 1200,
        "custom_text.shipping_address.message": 1200,
        "custom_text.submit.message": 1200,
        "custom_text.terms_of_service_acceptance.message": 1200,
        "invoice_creation.invoice_data.description": 1500,
        "invoice_creation.invoice_data.footer": 5000,
        "invoice_creation.invoice_data.custom_fields.name": 40,
        "invoice_creation.invoice_data.custom_fields.value": 140,
        "line_items.price_data.product_data.description": 40000,
        "line_items.price_data.product_data.name": 5000,
        "line_items.price_data.product_data.unit_label": 12,
        "payment_intent_data.description": 1000,
        "payment_intent_data.statement_descriptor": 22,
        "payment_intent_data.statement_descriptor_suffix": 22,
        "setup_intent_data.description": 1000,
        "shipping_options.shipping_rate_data.display_name": 100,
        "subscription_data.description": 500,
    },
    "/v1/coupons": {"name": 40},  # (b) from here on
    "/v1/customers": {"email": 512, "name": 256, "phone": 20},
    "/v1/customers/{customer}": {"email": 512, "name": 256, "phone": 20},
    "/v1/disputes/{dispute}": {
        "evidence.access_activity_log": 20000,
        "evidence.product_description": 20000,
        "evidence.refund_policy_disclosure": 20000,
        "evidence.uncategorized_text": 20000,
    },
    "/v1/products": {"description": 40000, "statement_descriptor": 22, "unit_label": 12},
    "/v1/prices": {"lookup_key": 200},
    "/v1/promotion_codes": {"code": 500},
    "/v1/subscription_schedules": {"default_settings.description": 500, "phases.description": 500},
    "/v1/subscriptions/{subscription_exposed_id}": {"description": 500},
}


def add_length_limits(paths: dict[str, Any], schemas: dict[str, Schema]) -> None:
    """Write the limits into the request schemas.

    Raises:
        LookupError: a limited field no longer exists in the SDK.
    """
    for path, limits in MAX_LENGTHS.items():
        content = paths[path]["post"]["requestBody"]["content"]
        body = content["application/x-www-form-urlencoded"]["schema"]
        for dotted, limit in limits.items():
            limited = list(_text_at(body, dotted.split("."), schemas))
            if not limited:
                raise LookupError(f"{path} has no {dotted}")
            for schema in limited:
                schema["maxLength"] = limit


def add_metadata_limits(schemas: dict[str, Schema]) -> None:
    for schema in schemas.values():
        if schema.get("additionalProperties") is not False:
            continue
        metadata = schema["properties"].get("metadata", {})
        for alternative in metadata.get("anyOf", [metadata]):
            if alternative.get("type") == "object":
                alternative["maxProperties"] = METADATA_KEYS
                alternative["additionalProperties"] = {
                    "type": "string",
                    "maxLength": METADATA_VALUE_LENGTH,
                }


def _text_at(schema: Schema, path: list[str], schemas: dict[str, Schema]) -> Iterator[Schema]:
    """Every free text reached by a path, looking through references, unions and arrays."""
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        for alternative in schema["anyOf"]:
            yield from _text_at(alternative, path, schemas)
    elif schema.get("type") == "array":
        yield from _text_at(schema["items"], path, schemas)
    elif path:
        if path[0] in schema.get("properties", {}):
            yield from _text_at(schema["properties"][path[0]], path[1:], schemas)
    elif schema.get("type") == "string" and "enum" not in schema:
        yield schema
