"""Turning the SDK's annotations into JSON Schemas of OpenAPI 3.0.

Two kinds of class are read. *Resources* describe answers: they are open here and closed
by the checker. *Parameters* describe requests: they are closed, because Stripe refuses an
unknown parameter.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from devtools.stripe_standin import sdk_source
from devtools.stripe_standin.sdk_source import name_of

TYPE_NAMES = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "float": {"type": "number"},
    "Any": {},
    "object": {},
    "Decimal": {"type": "string", "format": "decimal"},
}
Schema = dict[str, Any]

# OpenAPI 3.0 has no null type.
NULL: Schema = {"type": "object", "nullable": True, "enum": [None]}

# Not sent as parameters: they steer the SDK itself.
REQUEST_OPTIONS = {
    "api_key",
    "stripe_version",
    "stripe_account",
    "stripe_context",
    "max_network_retries",
    "idempotency_key",
    "content_type",
    "headers",
}

# Details of these payment methods are kept; those of some sixty others become open objects.
METHODS_KEPT = {
    "card",
    "link",
    "us_bank_account",
    "affirm",
    "klarna",
    "afterpay_clearpay",
    "customer_balance",
}
METHOD_HOSTS = re.compile(
    r"PaymentMethodDetails|PaymentMethodOptions|NextAction|PaymentMethodData|^payment_method$"
    r"|Session.*PaymentMethodOptions|CreateParamsPaymentMethod|IntentData$"
)
NEXT_ACTION_DETAILS = ("_display_qr_code", "_details", "_redirect_to_url")


@dataclass(frozen=True)
class Scope:
    """Where a name is looked up: a module and, for resources, the classes around it."""

    module: str
    is_parameters: bool
    base: str = ""
    classes: tuple[ast.ClassDef, ...] = ()


@dataclass
class SchemaBuilder:
    """Collects the schemas reached from whatever is asked for.

    ``resources`` maps Stripe's object names to SDK modules; a reference to any other
    resource becomes an open object.
    """

    resources: dict[str, str]
    schemas: dict[str, Schema] = field(default_factory=dict)
    _pending: list[tuple[str, Callable[[], Schema]]] = field(default_factory=list)
    _resource_names: dict[tuple[str, str], str] = field(default_factory=dict)
    _method_names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        for key, module in self.resources.items():
            class_name = sdk_source.resource_class(module, key).name
            self._resource_names[sdk_source.dotted_name(module), class_name] = key
        self._method_names = set(_payment_method_names())

    def resource(self, key: str) -> Schema:
        """A reference to the schema of one of the resources."""

        def build() -> Schema:
            module = self.resources[key]
            node = sdk_source.resource_class(module, key)
            scope = Scope(module, is_parameters=False, base=key, classes=(node,))
            return self.of_class(node, scope, host=key)

        return self._reference(key, build)

    def parameters(self, dotted_module: str, class_name: str) -> Schema:
        """A reference to the schema of a request's TypedDict."""
        module = sdk_source.module_path(dotted_module)
        return self._parameters_by_name(Scope(module, is_parameters=True), class_name)

    def finish(self) -> None:
        """Build everything that has been referred to so far."""
        while self._pending:
            key, build = self._pending.pop()
            self.schemas[key] = build()

    def of_class(self, node: ast.ClassDef, scope: Scope, host: str) -> Schema:
        """The schema of one class; ``host`` is the name that decides which details are kept."""
        properties: dict[str, Schema] = {}
        required = []
        optional_word = "NotRequired" if scope.is_parameters else "Optional"
        for name, annotation in _fields(node, scope):
            is_optional = (
                isinstance(annotation, ast.Subscript) and name_of(annotation.value) == optional_word
            )
            if self._is_left_open(node, name, annotation, scope, host):
                schema: Schema = {"type": "object"}
            else:
                schema = self.of_annotation(annotation, scope)
            if is_optional and not scope.is_parameters:
                schema = nullable(schema)
            if not is_optional:
                required.append(name)
            properties[name] = schema
        result: Schema = {"type": "object", "properties": properties}
        if required:
            result["required"] = sorted(required)
        if scope.is_parameters:
            result["additionalProperties"] = False
        return result

    def of_annotation(self, node: ast.expr, scope: Scope) -> Schema:
        """The schema of one annotation.

        Raises:
            TypeError: the SDK uses a spelling that is not known here.
        """
        match node:
            case ast.Constant(value=str(quoted)):
                return self.of_annotation(ast.parse(quoted, mode="eval").body, scope)
            case ast.BinOp():
                return self._union(list(_union_members(node)), scope)
            case ast.Name() | ast.Attribute():
                name = name_of(node) or ""
                if name in TYPE_NAMES:
                    return dict(TYPE_NAMES[name])
                return self._by_name(scope, name)
            case ast.Subscript():
                return self._of_generic(node, scope)
        raise TypeError(ast.dump(node))

    def _of_generic(self, node: ast.Subscript, scope: Scope) -> Schema:
        name, inner = name_of(node.value), node.slice
        if name == "Literal":
            return self._union([node], scope)
        if name == "Union" and isinstance(inner, ast.Tuple):
            return self._union(inner.elts, scope)
        if name == "Dict" and isinstance(inner, ast.Tuple):
            return _map_of(self.of_annotation(inner.elts[1], scope))
        if name in GENERICS:
            return GENERICS[name](self.of_annotation(inner, scope))
        raise TypeError(ast.dump(node))

    def _union(self, members: list[ast.expr], scope: Scope) -> Schema:
        """Merge a union the way the SDK spells one: literals, free text, null, the rest."""
        literals: list[Any] = []
        others: list[Schema] = []
        is_nullable = has_free_text = False
        for given in members:
            member = _unquoted(given)
            if isinstance(member, ast.Constant) and member.value is None:
                is_nullable = True
            elif isinstance(member, ast.Subscript) and name_of(member.value) == "Literal":
                literals += _literal_values(member)
            elif _is_untyped_twin(member, members):
                continue
            elif isinstance(member, ast.Name) and member.id == "str":
                has_free_text = True
            else:
                others.append(self.of_annotation(member, scope))
        alternatives = _unique(_text_schemas(literals, has_free_text=has_free_text) + others)
        schema = alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives}
        return nullable(schema) if is_nullable else schema

    def _by_name(self, scope: Scope, name: str) -> Schema:
        if scope.is_parameters:
            return self._parameters_by_name(scope, name)
        return self._resource_by_name(scope, name)

    def _resource_by_name(self, scope: Scope, name: str) -> Schema:
        for depth in range(len(scope.classes), 0, -1):
            for statement in scope.classes[depth - 1].body:
                if isinstance(statement, ast.ClassDef) and statement.name == name:
                    return self._nested_class(scope, depth, statement)
        origin = sdk_source.imports_of(scope.module).get(
            name, (sdk_source.dotted_name(scope.module), name)
        )
        key = self._resource_names.get(origin)
        return self.resource(key) if key else {"type": "object"}

    def _nested_class(self, scope: Scope, depth: int, node: ast.ClassDef) -> Schema:
        classes = (*scope.classes[:depth], node)
        key = scope.base + "-" + "-".join(each.name for each in classes[1:])
        inner = Scope(scope.module, scope.is_parameters, scope.base, classes)
        return self._reference(key, lambda: self.of_class(node, inner, host=key))

    def _parameters_by_name(self, scope: Scope, name: str) -> Schema:
        for node in sdk_source.classes_of(scope.module):
            if node.name == name:
                # checkout and billing_portal both have a SessionCreateParams
                namespace = ".".join(PurePosixPath(scope.module).parent.parts[1:])
                key = f"{namespace}.{name}" if namespace else name
                return self._reference(
                    key,
                    lambda node=node: self.of_class(node, scope, host=name),  # type: ignore[misc]
                )
        return self.parameters(*sdk_source.imports_of(scope.module)[name])

    def _reference(self, key: str, build: Callable[[], Schema]) -> Schema:
        if key not in self.schemas:
            self.schemas[key] = {}
            self._pending.append((key, build))
        return {"$ref": "#/components/schemas/" + key}

    def _is_left_open(
        self, node: ast.ClassDef, name: str, annotation: ast.expr, scope: Scope, host: str
    ) -> bool:
        if name in METHODS_KEPT or not METHOD_HOSTS.search(host):
            return False
        if scope.is_parameters:
            return any("PaymentMethod" in text for text in _strings_in(annotation))
        is_next_action = node.name == "NextAction" and name.endswith(NEXT_ACTION_DETAILS)
        return name in self._method_names or is_next_action


def nullable(schema: Schema) -> Schema:
    """The schema, or null. ``nullable`` only counts beside ``type`` (OpenAPI 3.0.3)."""
    if not schema or schema.get("nullable") or NULL in schema.get("anyOf", []):
        return schema
    if "$ref" in schema:
        return {"anyOf": [schema, NULL]}
    if "anyOf" in schema:
        alternatives = list(schema["anyOf"])
        for position, alternative in enumerate(alternatives):
            if "type" in alternative:
                alternatives[position] = nullable(alternative)
                return {"anyOf": alternatives}
        return {"anyOf": [*alternatives, NULL]}
    widened = {**schema, "nullable": True}
    if "enum" in schema:
        widened["enum"] = [*schema["enum"], None]
    return widened


def _fields(node: ast.ClassDef, scope: Scope) -> list[tuple[str, ast.expr]]:
    """The declared fields in alphabetical order, under the names that travel."""
    renamed = _field_remappings(node)
    found = []
    for statement in node.body:
        if not isinstance(statement, ast.AnnAssign):
            continue
        name = name_of(statement.target) or ""
        annotation = statement.annotation
        is_class_variable = (
            isinstance(annotation, ast.Subscript) and name_of(annotation.value) == "ClassVar"
        )
        is_option = scope.is_parameters and name in REQUEST_OPTIONS
        if name.startswith("_") or name == "OBJECT_NAME" or is_class_variable or is_option:
            continue
        found.append((renamed.get(name, name), annotation))
    return sorted(found, key=lambda each: each[0])


def _field_remappings(node: ast.ClassDef) -> dict[str, str]:
    for statement in node.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else None
        if isinstance(statement, ast.AnnAssign):
            target = statement.target
        if name_of(target) == "_field_remappings":
            value = getattr(statement, "value", None)
            return dict(ast.literal_eval(value)) if value is not None else {}
    return {}


def _payment_method_names() -> Iterator[str]:
    node = sdk_source.resource_class("_payment_method.py", "payment_method")
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and name_of(statement.target) == "type":
            yield from _strings_in(statement.annotation)


def _strings_in(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Constant) and isinstance(each.value, str):
            yield each.value


def _union_members(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp):
        yield from _union_members(node.left)
        yield from _union_members(node.right)
    else:
        yield node


def _unquoted(node: ast.expr) -> ast.expr:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return ast.parse(node.value, mode="eval").body
    return node


def _literal_values(node: ast.Subscript) -> list[Any]:
    elements = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    return [element.value for element in elements if isinstance(element, ast.Constant)]


def _is_untyped_twin(member: ast.expr, members: list[ast.expr]) -> bool:
    """``Dict[...] | UntypedStripeObject[...]`` names one thing twice."""
    return (
        len(members) > 1
        and isinstance(member, ast.Subscript)
        and name_of(member.value) == "UntypedStripeObject"
    )


def _text_schemas(literals: list[Any], *, has_free_text: bool) -> list[Schema]:
    """Open enums (``Literal[...] | str``) are held to the values that are known."""
    real = [each for each in literals if each != ""]
    if real and all(isinstance(each, bool) for each in real):
        return [{"type": "boolean", "enum": real}]
    if real:
        return [{"type": "string", "enum": literals}]
    if has_free_text:
        return [{"type": "string"}]
    return [{"type": "string", "enum": [""]}] if literals else []


def _unique(schemas: list[Schema]) -> list[Schema]:
    return list({json.dumps(each, sort_keys=True): each for each in schemas}.values())


def _map_of(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


def _expandable(schema: Schema) -> Schema:
    alternatives = schema["anyOf"] if set(schema) == {"anyOf"} else [schema]
    return {"anyOf": [{"type": "string"}, *_unique(alternatives)]}


def _list_of(schema: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["data", "has_more", "object", "url"],
        "properties": {
            "object": {"type": "string", "enum": ["list"]},
            "has_more": {"type": "boolean"},
            "url": {"type": "string"},
            "data": {"type": "array", "items": schema},
        },
    }


def _array_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _itself(schema: Schema) -> Schema:
    return schema


GENERICS: dict[str, Callable[[Schema], Schema]] = {
    "NotRequired": _itself,
    "Required": _itself,
    "Optional": nullable,
    "List": _array_of,
    "list": _array_of,
    "UntypedStripeObject": _map_of,
    "ExpandableField": _expandable,
    "ListObject": _list_of,
}
