"""People who have paid for a place, and lose or leave it."""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model
from django.utils import timezone

from devtools.stripe_standin.control import StandIn
from enrollments.models import Enrollment, Quarter
from enrollments.operations import checkout
from enrollments.operations.fulfilment import fulfil
from tests.factories.enrollments import make_buyer
from tests.stripe_fixtures import WaitingOrder, waiting

Row = TypeVar("Row", bound=Model)


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


def place_of(order: WaitingOrder) -> Enrollment:
    """The place that the order pays for now."""
    return Enrollment.objects.get(line__order=order.order)


def fresh(row: Row) -> Row:
    """The row as it stands in the database."""
    return type(row)._default_manager.get(pk=row.pk)
