"""Lists, their filters and pages, and the expansion of references."""

import json
from collections.abc import Callable
from typing import Any

from devtools.stripe_standin import refusals
from devtools.stripe_standin.checkout import lines_of
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store

DEFAULT_LIMIT = 10
HIGHEST_LIMIT = 100
DEEPEST_EXPANSION = 4
PAGING = {"limit", "starting_after", "ending_before", "expand"}
COMPARISONS: dict[str, Callable[[int, int], bool]] = {
    "gt": int.__gt__,
    "gte": int.__ge__,
    "lt": int.__lt__,
    "lte": int.__le__,
}


def page(rows: list[Json], query: Json, url: str) -> Json:
    """One page of rows that are given newest first.

    Raises:
        Refusal: the limit is out of range, or the cursor is not in the list.
    """
    limit = query.get("limit", DEFAULT_LIMIT)
    if not 1 <= limit <= HIGHEST_LIMIT:
        raise refusals.Refusal(
            f"This value must be between 1 and {HIGHEST_LIMIT} (it currently is '{limit}').",
            param="limit",
        )
    rows = [row for row in rows if matches(row, query)]
    if "starting_after" in query and "ending_before" in query:
        raise refusals.Refusal(
            "You may only specify one of these parameters: starting_after, ending_before.",
            param="ending_before",
        )
    if "ending_before" in query:
        before = rows[: _position(rows, query, "ending_before")]
        return _as_list(before[-limit:], url, has_more=len(before) > limit)
    if "starting_after" in query:
        rows = rows[_position(rows, query, "starting_after") + 1 :]
    return _as_list(rows[:limit], url, has_more=len(rows) > limit)


def matches(row: Json, query: Json) -> bool:
    return all(_matches(row, name, wanted) for name, wanted in query.items() if name not in PAGING)


def expand(store: Store, thing: Json, paths: list[str]) -> Json:
    """A copy of an answer in which the named references are whole objects.

    Raises:
        Refusal: something that is not a reference is named, or too deep a path.
    """
    copy: Json = json.loads(json.dumps(thing))
    for path in paths:
        if path.count(".") >= DEEPEST_EXPANSION:
            raise refusals.Refusal(
                f"You cannot expand more than {DEEPEST_EXPANSION} levels.", param="expand"
            )
        _expand_path(store, copy, path.split("."), path)
    return copy


def _expand_path(store: Store, thing: Json, path: list[str], whole: str) -> None:
    name, *rest = path
    if name not in thing:
        included = _included(store, thing, name)
        if included is None:
            raise _cannot_expand(whole)
        # A copy: what is expanded further inside must not reach the store.
        thing[name] = json.loads(json.dumps(included))
    elif isinstance(thing[name], str):
        found = store.find(thing[name])
        if found is None:
            raise _cannot_expand(whole)
        thing[name] = json.loads(json.dumps(found))
    value = thing[name]
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict | None):
            raise _cannot_expand(whole)
        if rest and each is not None:
            _expand_path(store, each, rest, whole)


def _cannot_expand(path: str) -> refusals.Refusal:
    return refusals.Refusal(f"This property cannot be expanded ({path}).", param="expand")


def _included(store: Store, thing: Json, name: str) -> Json | None:
    """A list that is only sent on request."""
    match thing.get("object"), name:
        case "checkout.session", "line_items":
            url = f"/v1/checkout/sessions/{thing['id']}/line_items"
            return page(lines_of(store, thing["id"]), {}, url)
        case "charge", "refunds":
            rows = [each for each in store.rows("refund").values() if each["charge"] == thing["id"]]
            return page(rows[::-1], {}, f"/v1/charges/{thing['id']}/refunds")
        case "invoice", "payments":
            paid = store.rows("invoice_payment").values()
            rows = [each for each in paid if each["invoice"] == thing["id"]]
            return page(rows[::-1], {}, f"/v1/invoice_payments?invoice={thing['id']}")
    return None


def _position(rows: list[Json], query: Json, cursor: str) -> int:
    for position, row in enumerate(rows):
        if row["id"] == query[cursor]:
            return position
    raise refusals.missing("object", query[cursor], cursor)


def _as_list(rows: list[Json], url: str, *, has_more: bool) -> Json:
    return {"object": "list", "url": url, "has_more": has_more, "data": rows}


def _matches(row: Json, name: str, wanted: Any) -> bool:
    if name in SPECIAL_FILTERS:
        return SPECIAL_FILTERS[name](row, wanted)
    if isinstance(wanted, dict):
        inner = row.get(name) or {}
        return all(inner.get(key) == value for key, value in wanted.items())
    return bool(row.get(name) == wanted)


def _is_created(row: Json, wanted: Any) -> bool:
    if isinstance(wanted, dict):
        return all(COMPARISONS[sign](row["created"], moment) for sign, moment in wanted.items())
    return bool(row["created"] == wanted)


def _is_of_type(row: Json, wanted: str) -> bool:
    """Events may be asked for by the beginning of their type, as in ``charge.*``."""
    own = str(row["type"])
    return own.startswith(wanted[:-1]) if wanted.endswith(".*") else own == wanted


SPECIAL_FILTERS: dict[str, Callable[[Json, Any], bool]] = {
    "code": lambda row, wanted: bool(row["code"].lower() == wanted.lower()),
    "coupon": lambda row, wanted: bool(row["promotion"]["coupon"] == wanted),
    "created": _is_created,
    "delivery_success": lambda row, wanted: (row["pending_webhooks"] == 0) == wanted,
    "ids": lambda row, wanted: row["id"] in wanted,
    "lookup_keys": lambda row, wanted: row["lookup_key"] in wanted,
    "type": _is_of_type,
    "types": lambda row, wanted: row["type"] in wanted,
}
