"""Every field that may ever be sent to Stripe, and what is wrong with a request that holds more.

The stand-in's fixture asks this about all that was sent, after every test that uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from core.discretion import leak_words_in

CHECKOUT_FIELDS = {
    "mode",
    "client_reference_id",
    "metadata[order]",
    "metadata[attempt]",
    "metadata[installation]",
    "payment_intent_data[metadata][order]",
    "payment_intent_data[metadata][attempt]",
    "payment_intent_data[metadata][installation]",
    "subscription_data[metadata][order]",
    "subscription_data[metadata][attempt]",
    "subscription_data[metadata][installation]",
    "payment_method_collection",
    "customer",
    "customer_email",
    "line_items[][quantity]",
    "line_items[][price_data][currency]",
    "line_items[][price_data][unit_amount]",
    "line_items[][price_data][product_data][name]",
    "line_items[][price_data][recurring][interval]",
    "adaptive_pricing[enabled]",
    "discounts[][promotion_code]",
    "expires_at",
    "success_url",
    "cancel_url",
}
# What each request may hold, by its path; ids in the path stand as {id}. Nothing else is sent.
ALLOWED_FIELDS: dict[str, set[str]] = {
    "/v1/checkout/sessions": CHECKOUT_FIELDS,
    "/v1/checkout/sessions/{id}/expire": set(),
    "/v1/refunds": {"payment_intent", "amount", "metadata[refund]", "metadata[order]"},
    "/v1/coupons": {
        "id",
        "name",
        "duration",
        "percent_off",
        "amount_off",
        "currency",
        "metadata[code]",
    },
    "/v1/promotion_codes": {
        "promotion[type]",
        "promotion[coupon]",
        "code",
        "max_redemptions",
        "expires_at",
        "metadata[code]",
    },
    "/v1/promotion_codes/{id}": {"active"},
    "/v1/disputes/{id}": {
        "evidence[access_activity_log]",
        "evidence[product_description]",
        "evidence[refund_policy_disclosure]",
        "evidence[service_date]",
        "evidence[uncategorized_text]",
        "submit",
    },
    "/v1/subscription_schedules": {"from_subscription"},
    "/v1/subscription_schedules/{id}": {
        "end_behavior",
        "phases[][items][][price]",
        "phases[][items][][quantity]",
        "phases[][start_date]",
        "phases[][duration][interval]",
        "phases[][duration][interval_count]",
    },
    "/v1/customers/{id}": {"email"},
    "/v1/subscriptions/{id}": {"default_payment_method"},
    "/v1/invoices/{id}/void": set(),
    "/v1/invoices/{id}/pay": {"payment_method"},
    "/v1/billing_portal/sessions": {"customer", "return_url", "configuration"},
    "/v1/billing_portal/configurations": {
        "features[customer_update][enabled]",
        "features[invoice_history][enabled]",
        "features[payment_method_update][enabled]",
        "features[subscription_cancel][enabled]",
        "features[subscription_update][enabled]",
        "default_return_url",
    },
    "/v1/webhook_endpoints": {"url", "enabled_events[]", "api_version"},
    "/v1/webhook_endpoints/{id}": {"enabled_events[]", "disabled"},
}
# What she typed herself, and Stripe's own words.
NOT_OURS = {"customer_email", "enabled_events[]"}
# Random by design: three letters of it may spell anything.
A_TOKEN = re.compile(r"[a-z]{2,5}_[A-Za-z0-9_]+")
A_FLOAT = re.compile(r"-?\d+\.\d*")
# Tests may talk to Stripe as somebody else does: the dashboard, or another program.
FOREIGN = "Not-From-The-Site"


def problems_with(requests: list[dict[str, Any]]) -> list[str]:
    """What the site should not have sent, a line each."""
    ours = (request for request in requests if not _is_foreign(request))
    return [problem for request in ours for problem in _problems(request)]


def _is_foreign(request: dict[str, Any]) -> bool:
    return FOREIGN.lower() in {name.lower() for name in request["headers"]}


def _problems(request: dict[str, Any]) -> Iterator[str]:
    path = _without_ids(request["path"])
    allowed = ALLOWED_FIELDS.get(path, set())
    for field, value in leaves(request["body"]):
        if field not in allowed:
            yield f"{path} holds {field}"
        yield from _telling(path, field, value)
        if isinstance(value, float) or A_FLOAT.fullmatch(str(value)):
            yield f"{path} holds a fraction in {field}"
    for field, value in leaves(request["query"]):
        yield from _telling(path, field, value)


def _without_ids(path: str) -> str:
    patterns = {known: known.replace("{id}", "[^/]+") for known in ALLOWED_FIELDS}
    return next((known for known, like in patterns.items() if re.fullmatch(like, path)), path)


def _telling(path: str, field: str, value: Any) -> Iterator[str]:
    is_ours = field not in NOT_OURS and not A_TOKEN.fullmatch(str(value))
    if is_ours and (leaks := leak_words_in(str(value))):
        yield f"{path} tells {leaks} in {field}"


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a body with the name of its field, in which indexes are left out."""
    if isinstance(value, dict):
        for key, inner in value.items():
            name = "" if key.isdecimal() else key
            yield from leaves(inner, f"{path}[{name}]" if path else name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, value
