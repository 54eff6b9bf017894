"""What a process that may be killed can be told to do, and what it finds afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import time_machine
from django.core.management import call_command
from django.db.models import Count, Q
from django.test import Client
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from core.outbox import send_queued_email
from enrollments.models import Order, Quarter, Refund
from enrollments.operations import books, checkout, fulfilment, refunds, refunds_at_stripe
from tests.enrollments.events import deliver as deliver_event
from tests.factories.enrollments import make_buyer, make_quarter

ADDRESS = "http://testserver/orders/x/"
SLUG = "proof"
# By now whoever had a task is known to be gone.
LATER = timedelta(minutes=15)


def open_shop() -> None:
    today = timezone.now()
    make_quarter(
        slug=SLUG,
        capacity=1_000,
        opens_at=today - timedelta(days=1),
        first_date=(today + timedelta(days=30)).date(),
    )


def order_place(email: str) -> dict[str, str]:
    """An order with an open payment page."""
    quarter = Quarter.objects.get(slug=SLUG)
    order = checkout.enroll(
        quarter_id=quarter.pk, buyer=make_buyer(email=email), now=timezone.now()
    )
    url = checkout.open_checkout(order_id=order.pk, order_address=ADDRESS, now=timezone.now())
    return {"url": url, "session_id": order.attempts.get().session_id}


def fulfil(session_id: str) -> str:
    return fulfilment.fulfil(session_id, now=timezone.now()).state


def deliver(body: str) -> int:
    return deliver_event(Client(), body).status_code


def ask_for_refund(email: str) -> int:
    line = Order.objects.get(email=email).lines.get()
    asked = refunds.request_refund(
        line_id=line.pk,
        amount_cents=refunds.left_to_refund(line),
        reason=Refund.Reason.ASKED,
        note="",
        by=None,
        now=timezone.now(),
    )
    return asked[0].pk


def send_refund(refund_id: int) -> str:
    return refunds_at_stripe.send_refund(refund_id=refund_id, now=timezone.now()).state


def send_one_email() -> None:
    """A worker takes the email; what else is queued, such as search, is somebody else's."""
    DBTaskResult.objects.exclude(task_path=send_queued_email.module_path).delete()
    call_command("db_worker", batch=True, interval=0, max_tasks=1, startup_delay=False, verbosity=0)


def recover() -> None:
    """The site is started again: what is due is done, twice, and a worker does what waits."""
    with time_machine.travel(timezone.now() + LATER):
        for _ in range(2):
            call_command("tick", verbosity=0)
            call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0)


def facts() -> dict[str, Any]:
    """How each order stands, by email; and what does not balance."""
    enrolled = Count("lines__enrollment", filter=Q(lines__enrollment__state="enrolled"))
    orders = Order.objects.annotate(enrolled=enrolled)
    return {
        "orders": {order.email: _facts_of(order, order.enrolled) for order in orders},
        "unbalanced": [str(found) for found in books.discrepancies(timezone.now())],
    }


def _facts_of(order: Order, enrolled: int) -> dict[str, Any]:
    written = order.ledger.filter(action__in=("letter_queued", "letter_sent"))
    return {
        "state": order.state,
        "attention": order.attention,
        "enrolled": enrolled,
        "payments": order.payments.count(),
        "refunds": list(order.refunds.values_list("state", "amount_cents")),
        "letters": sorted(written.values_list("detail", "action")),
        "story": sorted(order.ledger.values_list("action", flat=True)),
    }


DEEDS = {
    deed.__name__: deed
    for deed in (
        open_shop,
        order_place,
        fulfil,
        deliver,
        ask_for_refund,
        send_refund,
        send_one_email,
        recover,
        facts,
    )
}
