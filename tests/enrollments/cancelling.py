"""A quarter that staff cancel, and everything that may come of it."""

from __future__ import annotations

from django.core import mail
from django.utils import timezone

from accounts.models import User
from enrollments import stripe_gateway
from enrollments.models import Enrollment, LedgerEntry, Order, Quarter, Refund
from enrollments.operations import departures
from tests.stripe_fixtures import WaitingOrder

SUBJECT = "These dates will not take place"


def cancel(quarter: Quarter, by: User) -> Quarter:
    """The quarter, cancelled as far as it could be done now."""
    return departures.cancel_quarter(quarter_id=quarter.pk, by=by, now=timezone.now())


def given_back(order: WaitingOrder) -> list[int]:
    """What Stripe has given back of an order's payment."""
    intent = order.order.payments.get().payment_intent_id
    return [refund.amount_cents for refund in stripe_gateway.list_refunds(intent)]


def everything() -> dict[str, object]:
    """All that must not change any more once it has been done."""
    return {
        "orders": sorted(Order.objects.values_list("uuid", "state", "attention")),
        "places": sorted(Enrollment.objects.values_list("pk", "state")),
        "refunds": sorted(Refund.objects.values_list("line", "amount_cents", "state")),
        "story": sorted(LedgerEntry.objects.values_list("pk", "action", "detail")),
        "letters": len(mail.outbox),
    }
