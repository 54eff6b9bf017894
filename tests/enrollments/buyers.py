"""People who are at the payment page of a place, or have paid for it."""

from __future__ import annotations

from django.utils import timezone

from devtools.stripe_standin.control import StandIn
from enrollments.models import Quarter
from enrollments.operations import checkout
from enrollments.operations.fulfilment import fulfil
from tests.factories.enrollments import make_buyer
from tests.stripe_fixtures import WaitingOrder, waiting

NAMES = ("ann", "rose", "zoe")


def orders(quarter: Quarter, name: str) -> WaitingOrder:
    """Somebody is at the payment page of ``quarter``."""
    buyer = make_buyer(f"{name}@example.org", chosen_name=name.title())
    return waiting(checkout.enroll(quarter_id=quarter.pk, buyer=buyer, now=timezone.now()))


def buys(standin: StandIn, quarter: Quarter, name: str) -> WaitingOrder:
    """Somebody has paid for her place in ``quarter``."""
    order = orders(quarter, name)
    standin.pay(order.url)
    fulfil(order.session_id, now=timezone.now())
    return order
