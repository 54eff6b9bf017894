"""The webhook endpoint: what it trusts, what it answers, and that it acts once."""

from __future__ import annotations

import json
import time

import pytest
import stripe
from django.urls import resolve

from enrollments import stripe_gateway, webhooks
from enrollments.models import Enrollment, Order, StripeEvent
from tests.enrollments.events import deliver, event_body, signature

pytestmark = pytest.mark.django_db


def hostile_bodies():
    thin = json.dumps(
        {
            "id": "evt_2",
            "object": "v2.core.event",
            "type": "v1.x",
            "created": "2026-01-01T00:00:00Z",
        }
    )
    return {
        "not json": '{"not json',
        "an array": "[]",
        "a number": "1",
        "null": "null",
        "no id": '{"type": "x", "data": {"object": {}}}',
        "a thin event": thin,
        "an id that is an object": event_body(id={"a": 1}),
        "an id without end": event_body(id="e" * 300),
        "data that is a list": event_body(data=[]),
        "an object that is a list": event_body(data={"object": []}),
        "a time beyond time": event_body(created=10**20),
        "a time that is text": event_body(created="now"),
        "deep nesting": "[" * 100_000,
    }


@pytest.mark.parametrize("name", hostile_bodies())
def test_a_signed_body_that_is_no_event_is_a_bad_request(client, name):
    answer = deliver(client, hostile_bodies()[name])

    assert answer.status_code == 400
    assert StripeEvent.objects.count() == 0


@pytest.mark.parametrize(
    "header",
    ["", "foo", "t=1", "t=,v1=", "v1=abc", "t=1,v1=é", "t=x,v1=abc", "t=1,v0=abc"],
    ids=lambda header: header or "missing",
)
def test_a_header_that_is_no_signature_is_a_bad_request(client, header):
    assert deliver(client, event_body(), header).status_code == 400


def test_a_body_that_is_not_unicode_is_a_bad_request(client):
    assert deliver(client, b"\xff\xfe", signature("x")).status_code == 400


def test_a_body_changed_after_signing_is_a_bad_request(client):
    body = event_body()

    assert deliver(client, body + " ", signature(body)).status_code == 400


def test_the_raw_body_is_verified_whatever_its_white_space_and_letters(client):
    body = ' \n{"note": "é漢 \\u00e9",  ' + event_body(type="customer.created")[1:] + "\n"

    assert deliver(client, body).status_code == 200


def test_a_body_larger_than_any_event_is_refused_unread(client):
    body = event_body(padding="x" * webhooks.LARGEST_BODY)

    assert deliver(client, body).status_code == 400


def test_only_post_is_answered_and_nothing_is_redirected(client):
    assert client.get("/stripe/webhook/").status_code == 405
    assert resolve("/stripe/webhook/").func is webhooks.stripe_webhook


@pytest.mark.parametrize(
    ("age", "status"), [(-301, 400), (-290, 200), (290, 200), (310, 400)], ids=str
)
def test_a_signature_is_good_for_five_minutes_either_way(client, age, status):
    body = event_body(type="customer.created")

    answer = deliver(client, body, signature(body, at=time.time() + age))

    assert answer.status_code == status


@pytest.mark.parametrize(
    ("secret", "status"),
    [("whsec_old", 200), ("whsec_new", 200), ("whsec_other", 400)],
    ids=["the old secret", "the new secret", "neither"],
)
def test_while_a_secret_is_rotated_both_are_accepted(client, settings, secret, status):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", "whsec_old"]
    body = event_body(type="customer.created")

    assert deliver(client, body, signature(body, secret=secret)).status_code == status


def test_without_a_secret_the_endpoint_refuses_everything(client, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []
    body = event_body()

    assert deliver(client, body, signature(body, secret="")).status_code == 503


@pytest.mark.parametrize(
    ("mode", "livemode", "status"),
    [
        ("standin", False, 200),
        ("standin", True, 400),
        ("live", True, 200),
        ("live", False, 400),
    ],
    ids=["test to test", "live to test", "live to live", "test to live"],
)
def test_an_event_of_the_other_mode_is_refused(client, settings, mode, livemode, status):
    settings.STRIPE_MODE = mode
    body = event_body(type="customer.created", livemode=livemode)

    assert deliver(client, body).status_code == status


def test_an_unknown_type_is_accepted_and_has_no_effect(client):
    answer = deliver(client, event_body(type="something.quite.new"))

    assert answer.status_code == 200
    assert StripeEvent.objects.count() == 0


def test_a_session_of_somebody_else_is_accepted_kept_and_creates_nothing(client, stripe_sdk):
    foreign = stripe_sdk.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://shop.example/ok",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": 500,
                        "product_data": {"name": "Mug"},
                    },
                }
            ],
        }
    )

    answer = deliver(client, event_body(foreign.id))

    assert answer.status_code == 200
    assert StripeEvent.objects.get().outcome == StripeEvent.Outcome.NOT_OURS
    assert (Order.objects.count(), Enrollment.objects.count()) == (0, 0)


def test_a_session_that_stripe_does_not_know_is_accepted_and_kept(client, standin):
    answer = deliver(client, event_body("cs_test_nobody"))

    assert answer.status_code == 200
    assert StripeEvent.objects.get().outcome == StripeEvent.Outcome.NOT_OURS


def test_the_payload_is_only_a_hint(client, standin, held_order):
    """The event says paid; the session, asked for, says it is not."""
    body = event_body(
        held_order.session_id,
        data={
            "object": {
                "id": held_order.session_id,
                "object": "checkout.session",
                "status": "complete",
                "payment_status": "paid",
            }
        },
    )

    answer = deliver(client, body)

    assert answer.status_code == 200
    assert held_order.refreshed().state == Order.State.PENDING


def test_an_event_of_another_api_version_is_acted_on_by_its_id_and_reported(
    client, standin, held_order, caplog
):
    standin.pay(held_order.url)

    answer = deliver(client, event_body(held_order.session_id, api_version="2020-01-01"))

    assert answer.status_code == 200
    assert held_order.refreshed().state == Order.State.PAID
    assert "event evt_1 has API version 2020-01-01" in caplog.text


def test_an_event_delivered_again_changes_nothing(client, standin, held_order, mailoutbox):
    standin.pay(held_order.url)
    body = event_body(held_order.session_id)

    answers = [deliver(client, body).status_code for _ in range(3)]

    assert answers == [200, 200, 200]
    assert Enrollment.objects.filter(state="enrolled").count() == 1
    assert len(mailoutbox) == 1
    assert StripeEvent.objects.get().outcome == StripeEvent.Outcome.DONE


def test_two_events_about_one_payment_have_one_effect(client, standin, held_order, mailoutbox):
    standin.pay(held_order.url)

    deliver(client, event_body(held_order.session_id, id="evt_a"))
    deliver(
        client,
        event_body(
            held_order.session_id, id="evt_b", type="checkout.session.async_payment_succeeded"
        ),
    )

    assert len(mailoutbox) == 1
    assert held_order.refreshed().payments.count() == 1


def test_when_the_handler_fails_stripe_is_told_and_the_next_delivery_succeeds(
    client, standin, held_order
):
    standin.pay(held_order.url)
    body = event_body(held_order.session_id)
    standin.fault("500", path="/v1/checkout/sessions", count=3)

    first = deliver(client, body)
    row = StripeEvent.objects.get()
    second = deliver(client, body)

    assert (first.status_code, row.outcome) == (500, StripeEvent.Outcome.ERROR)
    assert row.error.startswith("APIError 500")
    assert second.status_code == 200
    row.refresh_from_db()
    assert (row.outcome, row.error) == (StripeEvent.Outcome.DONE, "")
    assert held_order.refreshed().state == Order.State.PAID


def test_the_inbox_holds_no_payload(client, standin, held_order):
    standin.pay(held_order.url)

    deliver(client, event_body(held_order.session_id))

    row = StripeEvent.objects.values().get()
    assert "ann" not in json.dumps(row, default=str).lower()
    assert set(row) == {
        "id",
        "type",
        "object_id",
        "created",
        "livemode",
        "api_version",
        "outcome",
        "error",
        "order_id",
    }


def test_what_the_sdk_signs_is_what_this_site_accepts():
    body = event_body()

    event = stripe_gateway.read_webhook(payload=body.encode(), signature=signature(body))

    assert (event.id, event.object_id, event.api_version) == (
        "evt_1",
        "cs_test_1",
        stripe.api_version,
    )
