"""One payment, told by many callers at the same moment, on a real PostgreSQL: one effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from enrollments.browser_orders import KEY
from enrollments.models import CheckoutAttempt, Enrollment, LedgerEntry, Payment, StripeEvent
from enrollments.operations import checkout
from enrollments.operations.reconcile import settle_open_orders
from tests.enrollments.events import deliver, event_body
from tests.factories.enrollments import make_buyer
from tests.postgres.crowd import at_once
from tests.stripe_fixtures import waiting

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="rows are locked on PostgreSQL"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

CALLERS = 20
# How many orders a control gets to go wrong with.
TRIES = 10
# The job leaves alone what is being placed right now.
LATER = timedelta(minutes=3)


@pytest.fixture
def unlocked(monkeypatch) -> None:
    """Nobody waits for anybody else any more."""
    monkeypatch.setattr("django.db.models.query.QuerySet.select_for_update", lambda self, **_: self)


def told(body: str) -> Callable[[], int]:
    """Stripe's delivery of an event."""
    return lambda: deliver(Client(raise_request_exception=False), body).status_code


def coming_back(order) -> Callable[[], int]:
    """The buyer's own browser, on the page to which Stripe returns."""
    browser = Client()
    session = browser.session
    session[KEY] = [str(order.uuid)]
    session.save()

    def comes_back() -> int:
        client = Client(raise_request_exception=False)
        client.cookies = browser.cookies
        return client.get(f"/orders/{order.uuid}/").status_code

    return comes_back


def job() -> int:
    """What runs every minute; 500 when it failed."""
    try:
        settle_open_orders(now=timezone.now() + LATER)
    except DatabaseError:
        return 500
    return 200


def three_kinds_of_callers(held_order) -> list[Callable[[], int]]:
    """Webhook, return page and job, six times each: an event of its own each time."""
    events = deliveries(held_order)[:6]
    return [*events, *[coming_back(held_order.order)] * 6, *[job] * 6]


def test_the_same_event_twenty_times_at_once_has_one_effect(standin, held_order, queued):
    standin.pay(held_order.url)
    body = event_body(held_order.session_id)

    statuses = at_once([told(body)] * CALLERS)

    assert statuses == Counter({200: CALLERS})
    assert StripeEvent.objects.count() == 1
    assert_one_effect(queued)


def test_webhook_return_page_and_job_at_once_have_one_effect(standin, held_order, queued):
    standin.pay(held_order.url)
    callers = three_kinds_of_callers(held_order)

    statuses = at_once(callers)

    assert statuses == Counter({200: len(callers)})
    assert_one_effect(queued)


def assert_one_effect(queued) -> None:
    assert Enrollment.objects.filter(state="enrolled").count() == 1
    assert LedgerEntry.objects.filter(detail="receipt").count() == 1
    assert (Payment.objects.count(), queued.count()) == (1, 1)


def deliveries(waiting_order) -> list[Callable[[], int]]:
    """Stripe's webhook alone, as often: an event of its own each time."""
    session_id = waiting_order.session_id
    bodies = [event_body(session_id, id=f"{session_id}_{n}") for n in range(CALLERS)]
    return [told(body) for body in bodies]


@pytest.mark.parametrize("callers", [deliveries, three_kinds_of_callers])
def test_control_without_the_locks_they_collide(standin, quarter, queued, unlocked, callers):
    """Then a payment is recorded by several of them, and the schema has to refuse."""

    def collide(number: int) -> bool:
        buyer = make_buyer(email=f"buyer{number}@example.org")
        order = checkout.enroll(quarter_id=quarter.pk, buyer=buyer, now=timezone.now())
        page = waiting(order)
        standin.pay(page.url)
        return at_once(callers(page))[500] > 0

    assert any(collide(number) for number in range(TRIES))
    assert Payment.objects.count() == CheckoutAttempt.objects.filter(state="complete").count()
