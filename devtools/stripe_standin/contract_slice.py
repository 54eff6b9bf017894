"""The contract: an OpenAPI slice of Stripe's API, derived from the installed SDK.

Owns the list of operations we speak. Run as a command it rewrites the committed file, so
that an upgrade of the SDK shows as a difference that can be read::

    python -m devtools.stripe_standin.contract_slice
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from devtools.stripe_standin import contract_limits, sdk_source
from devtools.stripe_standin.sdk_schemas import Schema, SchemaBuilder, Scope

COMMITTED_FILE = Path(__file__).parent / "stripe-openapi-slice.json"
FORM = "application/x-www-form-urlencoded"

OPERATIONS = {
    "checkout/_session_service.py": ["list", "create", "retrieve", "update", "expire"],
    "checkout/_session_line_item_service.py": ["list"],
    "_customer_service.py": ["create", "retrieve", "update", "list"],
    "_product_service.py": ["create", "list", "retrieve", "update"],
    "_price_service.py": ["create", "list", "retrieve", "update"],
    "_payment_intent_service.py": ["retrieve", "list"],
    "_charge_service.py": ["retrieve", "list"],
    "_refund_service.py": ["create", "retrieve", "list", "cancel"],
    "_dispute_service.py": ["retrieve", "list", "update"],
    "_coupon_service.py": ["create", "retrieve"],
    "_promotion_code_service.py": ["create", "list", "retrieve", "update"],
    "_subscription_service.py": ["retrieve", "list", "update", "cancel"],
    "_subscription_schedule_service.py": [
        "create",
        "list",
        "retrieve",
        "update",
        "cancel",
        "release",
    ],
    "_invoice_service.py": ["retrieve", "list", "pay", "void_invoice"],
    "_invoice_payment_service.py": ["list", "retrieve"],
    "_payment_method_service.py": ["list", "retrieve"],
    "billing_portal/_configuration_service.py": ["create", "list", "retrieve", "update"],
    "billing_portal/_session_service.py": ["create"],
    "radar/_early_fraud_warning_service.py": ["list", "retrieve"],
    "_event_service.py": ["list", "retrieve"],
    "_webhook_endpoint_service.py": ["create", "list", "update", "retrieve"],
}

# Kept as full schemas; an expandable reference to anything else becomes a plain id.
RESOURCES = {
    "checkout.session": "checkout/_session.py",
    "item": "_line_item.py",
    "customer": "_customer.py",
    "product": "_product.py",
    "price": "_price.py",
    "payment_intent": "_payment_intent.py",
    "charge": "_charge.py",
    "refund": "_refund.py",
    "dispute": "_dispute.py",
    "coupon": "_coupon.py",
    "promotion_code": "_promotion_code.py",
    "discount": "_discount.py",
    "subscription": "_subscription.py",
    "subscription_item": "_subscription_item.py",
    "subscription_schedule": "_subscription_schedule.py",
    "invoice": "_invoice.py",
    "line_item": "_invoice_line_item.py",
    "invoice_payment": "_invoice_payment.py",
    "billing_portal.configuration": "billing_portal/_configuration.py",
    "billing_portal.session": "billing_portal/_session.py",
    "radar.early_fraud_warning": "radar/_early_fraud_warning.py",
    "event": "_event.py",
    "webhook_endpoint": "_webhook_endpoint.py",
    "payment_method": "_payment_method.py",
}
ERROR_TYPES = ["api_error", "card_error", "idempotency_error", "invalid_request_error"]


def derive() -> dict[str, Any]:
    """The slice as an OpenAPI 3.0.3 document, from the SDK that is installed."""
    builder = SchemaBuilder(RESOURCES)
    paths: dict[str, Any] = {}
    for module, methods in OPERATIONS.items():
        for function in _service_methods(module, methods):
            path, verb, operation = _operation(module, function, builder)
            paths.setdefault(path, {})[verb] = operation
    for key in RESOURCES:
        builder.resource(key)
    builder.finish()
    schemas = builder.schemas
    schemas["error"] = _error_envelope(builder)
    schemas["event-Data"] = {
        "type": "object",
        "required": ["object"],
        "properties": {"object": {"type": "object"}, "previous_attributes": {"type": "object"}},
    }
    contract_limits.add_metadata_limits(schemas)
    contract_limits.add_length_limits(paths, schemas)
    for operation in _operations(paths):
        _describe_parameters(operation, schemas)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Stripe API slice, derived from the stripe Python SDK "
            + sdk_source.sdk_version(),
            "version": sdk_source.api_version(),
        },
        "servers": [{"url": "https://api.stripe.com"}],
        "security": [{"bearerAuth": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearerAuth": {"type": "http", "scheme": "bearer"}},
            "schemas": _reachable(paths, schemas),
        },
    }


def as_text(document: dict[str, Any]) -> str:
    """The document as it is committed: sorted, one path or schema to a line."""
    head = {key: value for key, value in document.items() if key not in {"paths", "components"}}
    lines = ["{"]
    lines += [f"{_compact(key)}:{_compact(value)}," for key, value in sorted(head.items())]
    lines += ['"paths":{', *_one_to_a_line(document["paths"]), "},"]
    components = document["components"]
    lines += ['"components":{"securitySchemes":' + _compact(components["securitySchemes"]) + ","]
    lines += ['"schemas":{', *_one_to_a_line(components["schemas"]), "}}", "}", ""]
    return "\n".join(lines)


def _one_to_a_line(mapping: dict[str, Any]) -> list[str]:
    entries = [f"{_compact(key)}:{_compact(mapping[key])}" for key in sorted(mapping)]
    return [entry + "," for entry in entries[:-1]] + entries[-1:]


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def _service_methods(module: str, methods: list[str]) -> Iterator[ast.FunctionDef]:
    service = next(node for node in sdk_source.classes_of(module) if node.name.endswith("Service"))
    for node in service.body:
        if isinstance(node, ast.FunctionDef) and node.name in methods:
            yield node


def _operation(
    module: str, function: ast.FunctionDef, builder: SchemaBuilder
) -> tuple[str, str, dict[str, Any]]:
    """What one method of a service sends and gets: path, verb and OpenAPI operation."""
    verb, path = _request_line(function)
    answer = builder.of_annotation(
        function.returns or ast.Constant(None), Scope(module, is_parameters=False)
    )
    operation: dict[str, Any] = {
        "operationId": (verb + re.sub(r"\W+", "_", path)).strip("_"),
        "responses": {"200": _json_answer("OK", answer), "default": _error_answer()},
    }
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", path)
    ]
    if in_path:
        operation["parameters"] = in_path
    annotation = next((arg.annotation for arg in function.args.args if arg.arg == "params"), None)
    if annotation is not None:
        is_required = not isinstance(annotation, ast.Subscript)
        parameters = builder.parameters(*_params_type(module, annotation))
        if verb == "post":
            content = {FORM: {"schema": parameters}}
            operation["requestBody"] = {"required": is_required, "content": content}
        else:
            operation["parameters"] = [*in_path, parameters]
    return path, verb, operation


def _request_line(function: ast.FunctionDef) -> tuple[str, str]:
    for node in ast.walk(function):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="_request"),
                args=[ast.Constant(value=str(verb)), ast.Constant(value=str(path)), *_],
            ):
                return verb, path
            case ast.Call(
                func=ast.Attribute(attr="_request"),
                args=[
                    ast.Constant(value=str(verb)),
                    ast.Call(func=ast.Attribute(value=ast.Constant(value=str(path)))),
                    *_,
                ],
            ):
                return verb, path
    raise LookupError(f"{function.name} sends no request")


def _params_type(module: str, annotation: ast.expr) -> tuple[str, str]:
    quoted = next(
        each.value
        for each in ast.walk(annotation)
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )
    return sdk_source.imports_of(module)[quoted]


def _json_answer(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _error_answer() -> dict[str, Any]:
    return _json_answer("Error", {"$ref": "#/components/schemas/error"})


def _error_envelope(builder: SchemaBuilder) -> Schema:
    module = "_error_object.py"
    node = next(each for each in sdk_source.classes_of(module) if each.name == "ErrorObject")
    scope = Scope(module, is_parameters=False, base="error", classes=(node,))
    error = builder.of_class(node, scope, host="error")
    builder.finish()
    error["required"] = ["type"]
    error["properties"]["type"] = {"type": "string", "enum": ERROR_TYPES}
    return {"type": "object", "required": ["error"], "properties": {"error": error}}


def _operations(paths: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for item in paths.values():
        yield from item.values()


def _describe_parameters(operation: dict[str, Any], schemas: dict[str, Schema]) -> None:
    """Unfold a query's TypedDict into parameters; mark nested ones as deep objects."""
    described: list[dict[str, Any]] = []
    for parameter in operation.get("parameters", []):
        if "$ref" in parameter:
            described += _query_parameters(_resolved(parameter, schemas), schemas)
        else:
            described.append(parameter)
    if described:
        operation["parameters"] = described
    if "requestBody" in operation:
        form = operation["requestBody"]["content"][FORM]
        properties = _resolved(form["schema"], schemas)["properties"]
        encoding = {
            name: {"style": "deepObject", "explode": True}
            for name, schema in properties.items()
            if _is_nested(schema, schemas)
        }
        if encoding:
            form["encoding"] = encoding


def _query_parameters(schema: Schema, schemas: dict[str, Schema]) -> Iterator[dict[str, Any]]:
    for name, each in schema["properties"].items():
        parameter: dict[str, Any] = {"name": name, "in": "query", "schema": each}
        if name in schema.get("required", []):
            parameter["required"] = True
        if _is_nested(each, schemas):
            parameter |= {"style": "deepObject", "explode": True}
        yield parameter


def _resolved(schema: Schema, schemas: dict[str, Schema]) -> Schema:
    while "$ref" in schema:
        schema = schemas[schema["$ref"].rsplit("/", 1)[1]]
    return schema


def _is_nested(schema: Schema, schemas: dict[str, Schema]) -> bool:
    resolved = _resolved(schema, schemas)
    return resolved.get("type") in {"array", "object"} or any(
        _is_nested(each, schemas) for each in resolved.get("anyOf", [])
    )


def _reachable(paths: dict[str, Any], schemas: dict[str, Schema]) -> dict[str, Schema]:
    kept: dict[str, Schema] = {}
    waiting = [*_references(paths), *RESOURCES, "error"]
    while waiting:
        key = waiting.pop()
        if key not in kept:
            kept[key] = schemas[key]
            waiting += _references(schemas[key])
    return kept


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref" and isinstance(each, str):
                yield each.rsplit("/", 1)[1]
            else:
                yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def main() -> None:
    text = as_text(derive())
    COMMITTED_FILE.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{COMMITTED_FILE.name}: {len(text)} bytes\n")


if __name__ == "__main__":
    main()
