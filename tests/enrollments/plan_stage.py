"""A plan of three payments of $210 at the stand-in, and ears for what Stripe tells of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core import mail
from django.utils import timezone

from devtools.stripe_standin.control import LATER_AUTHENTICATED_CARD, SUCCESSFUL_CARD, StandIn
from enrollments.models import Enrollment, Order, Payment, PaymentPlan
from enrollments.operations import checkout, inbox, plans
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.wishes import Paying, Wishes
from enrollments.stripe_gateway import Event
from tests.factories.enrollments import make_buyer
from tests.stripe_fixtures import waiting

MONTH = 32
MONTHLY = Wishes(paying=Paying.MONTHLY)


@dataclass
class Plan:
    """Ann's plan, with Stripe's side of it."""

    order_id: int
    standin: StandIn
    heard: int = 0

    @property
    def row(self) -> PaymentPlan:
        return PaymentPlan.objects.select_related("order").get(order=self.order_id)

    @property
    def order(self) -> Order:
        return Order.objects.get(pk=self.order_id)

    @property
    def place(self) -> Enrollment:
        return Enrollment.objects.get(line__order=self.order_id)

    @property
    def paid_cents(self) -> int:
        return self.order.lines.get(quarter__isnull=False).paid_cents

    def subscription(self) -> dict[str, Any]:
        """As Stripe has it now."""
        found = self.standin.subscriptions()
        return next(each for each in found if each["id"] == self.row.subscription_id)

    def news(self) -> list[Event]:
        """What has happened at Stripe since the last time, oldest first."""
        events = self.standin.events()
        new, self.heard = events[self.heard :], len(events)
        return [as_told(event) for event in new if event["type"] in inbox.HANDLED]

    def hear(self) -> None:
        """Let every webhook arrive, in order; what that sets off arrives too."""
        while news := self.news():
            hear(news)

    def months_pass(self, months: int = 1) -> None:
        """So many months at Stripe, with every webhook."""
        self.standin.advance(days=MONTH * months)
        self.hear()


def as_told(event: dict[str, Any]) -> Event:
    """An event of the stand-in, as a verified webhook gives it."""
    return Event(
        id=event["id"],
        type=event["type"],
        object_id=event["data"]["object"]["id"],
        created=datetime.fromtimestamp(event["created"], tz=UTC),
        livemode=False,
        api_version=event["api_version"],
    )


def hear(events: Iterable[Event]) -> None:
    for event in events:
        inbox.receive(event)


def place_order(quarter, *, wishes: Wishes = MONTHLY, email: str = "ann@example.org") -> Order:
    """Ann's order to pay ``quarter`` month by month."""
    buyer = make_buyer(email)
    return checkout.enroll(quarter_id=quarter.pk, buyer=buyer, wishes=wishes, now=timezone.now())


def begin_plan(
    standin: StandIn, quarter, *, card: str = SUCCESSFUL_CARD, email: str = "ann@example.org"
) -> Plan:
    """Ann has paid the first of her instalments; nothing was heard by webhook yet."""
    page = waiting(place_order(quarter, email=email))
    went_to = standin.pay(page.url, card)
    if card == LATER_AUTHENTICATED_CARD:
        standin.authenticate(went_to)
    fulfil(page.session_id, now=timezone.now())
    return Plan(order_id=page.order.pk, standin=standin)


def settle(later: timedelta = timedelta(0)) -> int:
    """What is due for plans now, or ``later``, is done; how much that was."""
    return plans.settle_plans(now=timezone.now() + later)


def amounts() -> list[int]:
    """What was paid, oldest first."""
    return [payment.amount_cents for payment in Payment.objects.order_by("received_at", "pk")]


def letters() -> list[str]:
    """The subjects of the letters that were sent."""
    return [letter.subject for letter in mail.outbox]
