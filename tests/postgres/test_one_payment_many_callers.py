"""One payment, told by many callers at the same moment, on a real PostgreSQL: one effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.test import Client

from enrollments.browser_orders import KEY
from enrollments.models import CheckoutAttempt, Enrollment, Payment, StripeEvent
from tests.enrollments.events import deliver, event_body

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="rows are locked on PostgreSQL"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]


def at_once(calls: list[Callable[[], int]]) -> Counter[int]:
    """Make every call in a thread of its own, all at the same moment; the statuses answered."""
    start, statuses = Barrier(len(calls)), Counter()

    def caller(call: Callable[[], int]) -> None:
        start.wait(timeout=60)
        statuses[call()] += 1
        connections.close_all()

    threads = [Thread(target=caller, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return statuses


def test_the_same_event_twenty_times_at_once_has_one_effect(standin, held_order, queued):
    standin.pay(held_order.url)
    body = event_body(held_order.session_id)

    statuses = at_once([lambda: deliver(Client(), body).status_code] * 20)

    assert statuses == Counter({200: 20})
    assert StripeEvent.objects.count() == 1
    assert Enrollment.objects.filter(state="enrolled").count() == 1
    assert (Payment.objects.count(), queued.count()) == (1, 1)


def test_webhooks_and_returns_at_once_have_one_effect(standin, held_order, queued):
    standin.pay(held_order.url)
    browser = Client()
    session = browser.session
    session[KEY] = [str(held_order.order.uuid)]
    session.save()

    def comes_back() -> int:
        client = Client()
        client.cookies = browser.cookies
        return client.get(f"/orders/{held_order.order.uuid}/").status_code

    def event(number: int) -> Callable[[], int]:
        body = event_body(held_order.session_id, id=f"evt_{number}")
        return lambda: deliver(Client(), body).status_code

    statuses = at_once([event(number) for number in range(10)] + [comes_back] * 10)

    assert statuses == Counter({200: 20})
    assert Enrollment.objects.filter(state="enrolled").count() == 1
    assert (Payment.objects.count(), queued.count()) == (1, 1)


def test_control_without_the_locks_the_same_callers_collide(
    standin, held_order, queued, monkeypatch
):
    """Without them a payment is recorded by several callers, and the schema has to refuse."""
    monkeypatch.setattr("django.db.models.query.QuerySet.select_for_update", lambda self, **_: self)
    standin.pay(held_order.url)
    bodies = [event_body(held_order.session_id, id=f"evt_{number}") for number in range(20)]

    statuses = at_once([lambda body=body: deliver(Client(), body).status_code for body in bodies])

    assert statuses[500] > 0
    assert CheckoutAttempt.objects.get().state == "complete"
    assert Payment.objects.count() == 1
