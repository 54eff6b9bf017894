"""The check of everything sent to Stripe can fail, and lets through what is meant to be sent."""

from __future__ import annotations

import pytest

from tests.sent_to_stripe import FOREIGN, problems_with
from tests.stripe_fixtures import *  # noqa: F403

NAME = "line_items[][price_data][product_data][name]"


def request(path: str = "/v1/checkout/sessions", headers=(), **body) -> dict:
    return {"path": path, "headers": dict.fromkeys(headers, "1"), "query": {}, "body": body}


def line(**price_data) -> dict:
    return {"line_items": [{"price_data": price_data}]}


@pytest.mark.parametrize(
    ("sent", "problem"),
    [
        (request(description="x"), "/v1/checkout/sessions holds description"),
        (request(metadata={"email": "a"}), "/v1/checkout/sessions holds metadata[email]"),
        (request("/v1/charges", amount=1), "/v1/charges holds amount"),
        (
            request("/v1/disputes/dp_1", evidence={"customer_name": "Ann"}),
            "/v1/disputes/{id} holds evidence[customer_name]",
        ),
        (
            request(**line(product_data={"name": "Heartbreak course"})),
            f"/v1/checkout/sessions tells ['heartbreak'] in {NAME}",
        ),
        (
            request(success_url="https://x.example/programs/sex/"),
            "/v1/checkout/sessions tells ['sex'] in success_url",
        ),
        (
            request(**line(unit_amount=600.5)),
            "/v1/checkout/sessions holds a fraction in line_items[][price_data][unit_amount]",
        ),
        (
            request(**line(unit_amount="600.00")),
            "/v1/checkout/sessions holds a fraction in line_items[][price_data][unit_amount]",
        ),
    ],
    ids=[
        "another field",
        "other metadata",
        "another request",
        "a person in the evidence",
        "a telling name",
        "a telling address",
        "a float",
        "a fraction as text",
    ],
)
def test_what_must_not_be_sent_is_found(sent, problem):
    assert problems_with([sent]) == [problem]


def test_what_is_meant_to_be_sent_is_no_problem():
    sent = [
        request(mode="payment", customer_email="sextant@heartbreak.example", expires_at="1"),
        request(**line(unit_amount="60000", currency="usd", product_data={"name": "Course"})),
        request("/v1/checkout/sessions/cs_test_1/expire"),
        request("/v1/refunds", payment_intent="pi_1", amount="100"),
    ]

    assert problems_with(sent) == []


def test_what_others_send_is_not_the_sites():
    assert problems_with([request("/v1/anything", headers=[FOREIGN.lower()], name="sex")]) == []


def test_the_fixture_looks_at_what_was_sent(standin, stripe_sdk):
    stripe_sdk.v1.customers.create({"name": "Ann"})

    seen = standin.requests("/v1/customers")

    assert problems_with(seen) == []
    for each in seen:
        each["headers"] = {}
    assert problems_with(seen) == ["/v1/customers holds name"]
