"""Checking real traffic against the contract.

Owns decoding of Stripe's form bodies, giving form values the types the contract asks for,
and the strict checks. Requests are closed because Stripe refuses unknown parameters;
answers are closed because a stand-in must not invent fields that Stripe does not have.
"""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl

from jsonschema.exceptions import ValidationError
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from devtools.stripe_standin.contract_limits import METADATA_KEY_LENGTH
from devtools.stripe_standin.contract_slice import COMMITTED_FILE, FORM

Json = dict[str, Any]
WHOLE_BODY = "(body)"
MESSAGE_LENGTH = 200


class MalformedForm(ValueError):
    """A form body that Stripe could not read, or would misread."""


@dataclass(frozen=True)
class Problem:
    """One way in which a message breaks the contract."""

    path: tuple[str | int, ...]
    keyword: str
    message: str

    @property
    def field(self) -> str:
        """The field in Stripe's spelling, such as ``line_items[0][price]``."""
        if not self.path:
            return WHOLE_BODY
        return str(self.path[0]) + "".join(f"[{part}]" for part in self.path[1:])

    def __str__(self) -> str:
        return f"{self.field}: {self.message[:MESSAGE_LENGTH]}"


@dataclass(frozen=True)
class Operation:
    """One operation of the contract and where in it the operation is described."""

    template: str
    verb: str
    description: Json

    @property
    def body_schema(self) -> Json | None:
        if "requestBody" not in self.description:
            return None
        schema: Json = self.description["requestBody"]["content"][FORM]["schema"]
        return schema

    @cached_property
    def query_schema(self) -> Json:
        declared = [
            each for each in self.description.get("parameters", []) if each["in"] == "query"
        ]
        return {
            "type": "object",
            "properties": {each["name"]: each["schema"] for each in declared},
            "required": [each["name"] for each in declared if each.get("required")],
            "additionalProperties": False,
        }


class Contract:
    """The committed slice, ready to check messages."""

    def __init__(self, document: Json | None = None) -> None:
        self.document: Json = document or json.loads(COMMITTED_FILE.read_text(encoding="utf-8"))
        self.schemas: Json = self.document["components"]["schemas"]
        self.api_version: str = self.document["info"]["version"]
        self._registries = {
            "requests": Registry().with_resource(
                "urn:requests", DRAFT4.create_resource(self.document)
            ),
            "answers": Registry().with_resource(
                "urn:answers", DRAFT4.create_resource(_closed(self.document))
            ),
        }
        self._validators: dict[tuple[str, str], OAS30Validator] = {}
        self._routes = sorted(self._compiled_routes(), key=lambda each: each[1].count("{"))

    def find(self, verb: str, path: str) -> Operation:
        """The operation that a request line asks for.

        Raises:
            LookupError: it is not in the contract.
        """
        for pattern, template, operation_verb, description in self._routes:
            if operation_verb == verb.lower() and pattern.fullmatch(path):
                return Operation(template, operation_verb, description)
        raise LookupError(f"{verb} {path} is not in the contract")

    def check_request(
        self, operation: Operation, body: bytes = b"", query: str = ""
    ) -> tuple[Json, Json, list[Problem]]:
        """The body and the query as the contract types them, and every problem found.

        Raises:
            MalformedForm: body or query is not a form.
        """
        schema = operation.body_schema
        problems = []
        sent: Json = {}
        if schema is not None:
            sent = self.coerce(form_decode(body), schema)
            problems += self._problems(schema, sent, "requests")
            problems += _metadata_problems(sent, ())
        elif body:
            problems.append(Problem((), "requestBody", "this operation takes no body"))
        asked = self.coerce(form_decode(query), operation.query_schema)
        problems += self._problems(operation.query_schema, asked, "requests")
        return sent, asked, problems

    def check_answer(self, operation: Operation, status: int, answer: Json) -> list[Problem]:
        answers = operation.description["responses"]
        chosen = answers.get(str(status)) or answers["default"]
        return self._problems(chosen["content"]["application/json"]["schema"], answer, "answers")

    def check_error(self, body: Json) -> list[Problem]:
        """The problems of an error's envelope; its code must be one that Stripe knows."""
        problems = self._problems({"$ref": "#/components/schemas/error"}, body, "answers")
        code = body.get("error", {}).get("code")
        known = self.schemas["payment_intent-LastPaymentError"]["properties"]["code"]
        for problem in self._problems(known, code, "answers"):
            path = ("error", "code", *problem.path)
            problems.append(Problem(path, problem.keyword, problem.message))
        return problems

    def check_object(self, thing: Json) -> list[Problem]:
        """The problems of one Stripe object, recognized by its ``object`` field."""
        kind = thing.get("object")
        if kind not in self.schemas:
            return [Problem(("object",), "enum", f"{kind!r} is not modelled")]
        return self._problems({"$ref": f"#/components/schemas/{kind}"}, thing, "answers")

    def check_event(self, event: Json) -> list[Problem]:
        """The problems of an event and of the object it carries."""
        problems = self._problems({"$ref": "#/components/schemas/event"}, event, "answers")
        carried = event.get("data", {}).get("object", {})
        for problem in self.check_object(carried):
            path = ("data", "object", *problem.path)
            problems.append(Problem(path, problem.keyword, problem.message))
        return problems

    def resolve(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self.schemas[schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def coerce(self, value: Any, schema: Json) -> Any:
        """Form values are text; give them the types that the schema asks for, as Stripe does."""
        schema = self.resolve(schema)
        if "anyOf" in schema:
            return self._coerce_to_first_match(value, schema["anyOf"])
        expected = schema.get("type")
        if isinstance(value, dict):
            if expected == "array":
                return self._coerce_list(value, schema["items"])
            return self._coerce_members(value, schema) if expected == "object" else value
        return _typed_scalar(value, expected)

    def _coerce_to_first_match(self, value: Any, alternatives: list[Json]) -> Any:
        for alternative in alternatives:
            candidate = self.coerce(value, alternative)
            if not self._problems(alternative, candidate, "requests"):
                return candidate
        # None fits: take the shape that was sent, so that the problem names the inner field.
        for alternative in alternatives:
            if isinstance(value, dict) and self.resolve(alternative).get("type") in {
                "array",
                "object",
            }:
                return self.coerce(value, alternative)
        return value

    def _coerce_list(self, value: Json, items: Json) -> Any:
        positions = [str(position) for position in range(len(value))]
        if set(value) != set(positions):
            return value
        return [self.coerce(value[position], items) for position in positions]

    def _coerce_members(self, value: Json, schema: Json) -> Json:
        known = schema.get("properties", {})
        rest = schema.get("additionalProperties")
        rest = rest if isinstance(rest, dict) else {}
        return {key: self.coerce(each, known.get(key, rest)) for key, each in value.items()}

    def _problems(self, schema: Json, value: Any, side: str) -> list[Problem]:
        return [_problem(error) for error in self._validator(schema, side).iter_errors(value)]

    def _validator(self, schema: Json, side: str) -> OAS30Validator:
        text = json.dumps(schema)
        if (text, side) not in self._validators:
            absolute = json.loads(text.replace('"#/', f'"urn:{side}#/'))
            self._validators[text, side] = OAS30Validator(absolute, registry=self._registries[side])
        return self._validators[text, side]

    def _compiled_routes(self) -> Iterator[tuple[re.Pattern[str], str, str, Json]]:
        for template, item in self.document["paths"].items():
            pattern = re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)))
            for verb, description in item.items():
                yield pattern, template, verb, description


def form_decode(body: bytes | str) -> Json:
    """``a[b][0][c]=v`` as ``{"a": {"b": {"0": {"c": "v"}}}}``.

    Raises:
        MalformedForm: Stripe could not read it, or would misread it.
    """
    try:
        text = body.decode("utf-8") if isinstance(body, bytes) else body
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text))
    except ValueError as error:
        raise MalformedForm(str(error)) from error
    root: Json = {}
    for name, value in pairs:
        _put(root, name, value)
    return root


def _put(root: Json, name: str, value: str) -> None:
    match = re.fullmatch(r"([^\[\]]+)((?:\[[^\[\]]*\])*)", name)
    if match is None:
        raise MalformedForm(f"malformed key {name!r}")
    *parents, last = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
    node = root
    for part in parents:
        node = node.setdefault(part or str(len(node)), {})
        if not isinstance(node, dict):
            raise MalformedForm(f"{name!r} is both a value and a hash")
    last = last or str(len(node))
    if last in node:
        raise MalformedForm(f"{name!r} is given twice")
    node[last] = value


def _typed_scalar(value: Any, expected: str | None) -> Any:
    if expected == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if expected == "number" and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    if expected == "boolean" and value in {"true", "false"}:
        return value == "true"
    return value


def _problem(error: ValidationError) -> Problem:
    while error.context:
        # In a union the branch that got furthest says most.
        error = max(error.context, key=lambda each: len(each.absolute_path))
    return Problem(tuple(error.absolute_path), str(error.validator), error.message)


def _metadata_problems(value: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
    if isinstance(value, list):
        for position, each in enumerate(value):
            yield from _metadata_problems(each, (*path, position))
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        yield from _metadata_problems(each, (*path, key))
        if path[-1:] == ("metadata",) and len(key) > METADATA_KEY_LENGTH:
            message = f"metadata keys have at most {METADATA_KEY_LENGTH} characters"
            yield Problem((*path, key), "maxLength", message)


def _closed(document: Json) -> Json:
    closed = deepcopy(document)
    for schema in closed["components"]["schemas"].values():
        if schema.get("type") == "object" and "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return closed
