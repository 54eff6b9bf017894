"""The one door to Stripe: what goes out, how errors come back, and which settings are refused."""

from __future__ import annotations

import ast
import json
from datetime import timedelta
from pathlib import Path

import pytest
import stripe
from django.conf import settings as django_settings
from django.core import checks
from django.utils import timezone

from core.discretion import leak_words_in
from enrollments import stripe_gateway
from enrollments.checks import payments_are_configured
from tests.sent_to_stripe import leaves


def request(**changes) -> stripe_gateway.CheckoutRequest:
    return stripe_gateway.CheckoutRequest(
        **{
            "order_reference": "0b6ed8d2-6d2e-4a52-8f0d-7c8e6a1f0c11",
            "attempt_number": 1,
            "installation_code": "5f0c1c1e-2b60-4b55-9a0e-0f1f5f0f5f11",
            "lines": [
                stripe_gateway.Line(discreet_name="Saturday course", unit_price_cents=60_000)
            ],
            "currency": "usd",
            "email": "ann@example.org",
            "success_url": "https://practice.example/orders/x/?session_id={CHECKOUT_SESSION_ID}",
            "cancel_url": "https://practice.example/orders/x/?back=1",
            "expires_at": timezone.now() + timedelta(minutes=35),
        }
        | changes
    )


def field_names(params) -> set[str]:
    return {field for field, _ in leaves(params)}


def test_a_payment_sends_neutral_names_and_opaque_references_only():
    params = stripe_gateway.checkout_params(request())

    assert field_names(params) == {
        "mode",
        "client_reference_id",
        "metadata[order]",
        "metadata[attempt]",
        "metadata[installation]",
        "payment_intent_data[metadata][order]",
        "payment_intent_data[metadata][attempt]",
        "payment_intent_data[metadata][installation]",
        "customer_email",
        "line_items[][quantity]",
        "line_items[][price_data][currency]",
        "line_items[][price_data][unit_amount]",
        "line_items[][price_data][product_data][name]",
        "adaptive_pricing[enabled]",
        "expires_at",
        "success_url",
        "cancel_url",
    }
    assert leak_words_in(json.dumps(params)) == []


def test_monthly_payments_begin_a_subscription_and_the_rest_is_paid_once():
    params = stripe_gateway.checkout_params(
        request(
            lines=[
                stripe_gateway.Line(
                    discreet_name="Saturday course", unit_price_cents=21_000, is_monthly=True
                ),
                stripe_gateway.Line(discreet_name="Video course", unit_price_cents=29_700),
            ]
        )
    )

    prices = [line["price_data"] for line in params["line_items"]]
    assert (params["mode"], params["payment_method_collection"]) == ("subscription", "always")
    assert params["subscription_data"] == {"metadata": params["metadata"]}
    assert [price.get("recurring") for price in prices] == [{"interval": "month"}, None]
    assert [price["unit_amount"] for price in prices] == [21_000, 29_700]
    assert "payment_intent_data" not in params


def test_a_code_is_sent_as_a_discount_and_none_is_asked_for_on_the_page():
    params = stripe_gateway.checkout_params(request(promotion_code_id="promo_1"))

    assert params["discounts"] == [{"promotion_code": "promo_1"}]
    assert "allow_promotion_codes" not in params


def code(**changes) -> stripe_gateway.CodeRequest:
    return stripe_gateway.CodeRequest(
        **{
            "reference": "0b6ed8d2-6d2e-4a52-8f0d-7c8e6a1f0c11",
            "code": "QUIET25",
            "percent_off": 25,
            "amount_off_cents": None,
            "currency": "usd",
            "most_uses": 3,
            "ends_at": timezone.now() + timedelta(days=30),
        }
        | changes
    )


def test_a_code_lowers_one_payment_and_tells_nothing():
    sent = [stripe_gateway.coupon_params(code()), stripe_gateway.code_params(code())]

    assert sent[0]["duration"] == "once"
    assert sent[0]["metadata"] == sent[1]["metadata"] == {"code": code().reference}
    assert (sent[1]["max_redemptions"], sent[1]["code"]) == (3, "QUIET25")
    assert leak_words_in(json.dumps(sent)) == []


def test_making_a_code_again_makes_no_second_one(standin, stripe_sdk):
    ends = timezone.now() + timedelta(days=30)
    made = {
        stripe_gateway.create_code(code(try_number=number, ends_at=ends)) for number in (0, 0, 1)
    }

    assert len(made) == 1
    assert len(stripe_sdk.v1.promotion_codes.list({"code": "QUIET25"}).data) == 1


def test_a_code_that_somebody_else_has_is_refused(standin, stripe_sdk):
    other = stripe_sdk.v1.coupons.create({"percent_off": 10, "duration": "once"})
    stripe_sdk.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": other.id}, "code": "QUIET25"}
    )

    with pytest.raises(stripe_gateway.GatewayRefused):
        stripe_gateway.create_code(code())


def test_the_placeholder_for_the_session_is_sent_as_it_is(standin):
    stripe_gateway.create_checkout(request(), idempotency_key="k1")

    body = standin.requests()[-1]["body"]
    assert body["success_url"].endswith("?session_id={CHECKOUT_SESSION_ID}")


def test_the_same_key_gives_the_same_session(standin):
    asked = request()

    pages = {
        stripe_gateway.create_checkout(asked, idempotency_key="k1").session_id for _ in range(2)
    }

    assert len(pages) == 1


def test_the_same_key_for_something_else_is_refused(standin):
    stripe_gateway.create_checkout(request(), idempotency_key="k1")

    with pytest.raises(stripe_gateway.GatewayDown):
        stripe_gateway.create_checkout(request(email="b@example.org"), idempotency_key="k1")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("500", stripe_gateway.GatewayDown),
        ("429", stripe_gateway.GatewayDown),
        ("refuse", stripe_gateway.GatewayDown),
    ],
    ids=["a server error", "too many requests", "a dropped connection"],
)
def test_when_stripe_fails_the_error_says_how_and_names_nobody(standin, fault, error):
    standin.fault(fault, count=5)

    with pytest.raises(error) as caught:
        stripe_gateway.create_checkout(request(), idempotency_key="k1")

    assert "ann" not in str(caught.value).lower()


def test_an_answer_that_does_not_come_is_waited_for_only_so_long(standin, monkeypatch):
    monkeypatch.setattr(stripe_gateway.client, "TIMEOUT_SECONDS", (0.2, 0.2))
    monkeypatch.setattr(stripe_gateway.client, "NETWORK_RETRIES", 0)
    stripe_gateway.client._client.cache_clear()
    standin.fault("timeout", count=1, seconds=5)

    with pytest.raises(stripe_gateway.GatewayDown):
        stripe_gateway.get_checkout("cs_test_1")

    stripe_gateway.client._client.cache_clear()


def test_a_key_that_stripe_does_not_know_is_a_misconfiguration(standin, settings, monkeypatch):
    monkeypatch.setattr(stripe_gateway.client, "misconfiguration", lambda: "")
    settings.STRIPE_SECRET_KEY = "sk_test_somebody_else"

    with pytest.raises(stripe_gateway.GatewayMisconfigured):
        stripe_gateway.get_checkout("cs_test_1")


def test_a_request_that_stripe_refuses_is_not_asked_again(standin):
    with pytest.raises(stripe_gateway.GatewayRefused):
        stripe_gateway.create_checkout(request(expires_at=timezone.now()), idempotency_key="k1")

    assert len([r for r in standin.requests() if r["method"] == "POST"]) == 1


def test_ending_a_session_that_was_paid_says_that_it_was_paid(standin):
    page = stripe_gateway.create_checkout(request(), idempotency_key="k1")
    standin.pay(page.url)

    assert stripe_gateway.expire_checkout(page.session_id).is_settled


@pytest.mark.parametrize(
    "mixture",
    [
        {"STRIPE_MODE": "sandbox"},
        {"STRIPE_MODE": "standin", "DEVELOPMENT": False},
        {"STRIPE_MODE": "standin", "STRIPE_API_BASE": "http://10.0.0.1:12111"},
        {"STRIPE_MODE": "standin", "STRIPE_API_BASE": "https://api.stripe.com"},
        {"STRIPE_MODE": "standin", "STRIPE_SECRET_KEY": "sk_test_real"},
        {"STRIPE_MODE": "test", "STRIPE_SECRET_KEY": "sk_live_x"},
        {"STRIPE_MODE": "test", "STRIPE_API_BASE": "http://127.0.0.1:1"},
        {"STRIPE_MODE": "test", "STRIPE_SECRET_KEY": "sk_test_standin_x"},
        {"STRIPE_MODE": "test", "STRIPE_WEBHOOK_SECRETS": ["whsec_standin_x"]},
        {"STRIPE_MODE": "live", "DEBUG": True},
        {"STRIPE_MODE": "live", "STRIPE_SECRET_KEY": "sk_test_x"},
        {"STRIPE_MODE": "live", "STRIPE_WEBHOOK_SECRETS": []},
        {"STRIPE_MODE": "live", "STRIPE_API_BASE": "http://127.0.0.1:1"},
        {"STRIPE_MODE": "live", "STRIPE_SECRET_KEY": ""},
    ],
    ids=lambda mixture: " ".join(f"{key}={value}" for key, value in mixture.items()),
)
def test_a_mixture_of_modes_neither_starts_nor_reaches_stripe(settings, mixture):
    good = {
        "standin": {
            "STRIPE_SECRET_KEY": "sk_test_standin_x",
            "STRIPE_API_BASE": "http://127.0.0.1:12111",
        },
        "test": {
            "STRIPE_SECRET_KEY": "sk_test_x",
            "STRIPE_API_BASE": "https://api.stripe.com",
            "STRIPE_WEBHOOK_SECRETS": ["whsec_x"],
        },
        "live": {
            "DEBUG": False,
            "STRIPE_SECRET_KEY": "rk_live_x",
            "STRIPE_API_BASE": "https://api.stripe.com",
            "STRIPE_WEBHOOK_SECRETS": ["whsec_x"],
        },
    }
    for name, value in (good.get(mixture["STRIPE_MODE"], {}) | mixture).items():
        setattr(settings, name, value)

    problems = payments_are_configured()

    assert [problem.level for problem in problems] == [checks.ERROR]
    with pytest.raises(stripe_gateway.GatewayMisconfigured):
        stripe_gateway.client.client()


@pytest.mark.parametrize(
    ("mode", "key"), [("test", "sk_test_x"), ("test", "rk_test_x"), ("live", "rk_live_x")]
)
def test_a_mode_with_its_own_key_and_secrets_starts(settings, mode, key):
    settings.STRIPE_MODE, settings.STRIPE_SECRET_KEY = mode, key
    settings.STRIPE_API_BASE = "https://api.stripe.com"
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_x"]

    assert payments_are_configured() == []


def test_payments_that_are_off_start_and_reach_nobody(settings):
    settings.STRIPE_MODE = "off"

    assert payments_are_configured() == []
    with pytest.raises(stripe_gateway.GatewayMisconfigured):
        stripe_gateway.client.client()


def test_the_client_retries_waits_briefly_and_reports_nothing_about_this_machine(standin):
    options = stripe_gateway.client.client()._requestor._options

    assert options.max_network_retries == 1
    assert stripe_gateway.client.TIMEOUT_SECONDS == (2.0, 4.5)
    assert stripe.enable_telemetry is False


def test_no_other_module_of_the_site_imports_stripe():
    folders = ["accounts", "config", "core", "enrollments", "home", "members", "programs"]
    importers = {
        str(path.relative_to(django_settings.BASE_DIR))
        for folder in folders
        for path in (django_settings.BASE_DIR / folder).rglob("*.py")
        for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8")))
        if "stripe" in imported_roots(node)
    }

    assert {Path(name).parent.as_posix() for name in importers} == {"enrollments/stripe_gateway"}


def imported_roots(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names}
    if isinstance(node, ast.ImportFrom):
        return {(node.module or "").split(".")[0]}
    return set()


def test_no_template_or_script_of_the_site_loads_anything_from_stripe():
    pages = [
        path
        for folder in ("templates", "static")
        for path in (django_settings.BASE_DIR / folder).rglob("*")
        if path.suffix in {".html", ".js"}
    ]

    assert [p for p in pages if "stripe.com" in p.read_text(encoding="utf-8")] == []
