"""What waits for staff: how much of each kind, and where it is. A query for each kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from accounts.models import User
from enrollments.models import Order, Reconciliation, Refund, StripeEvent

# Stripe delivers a failed event again by itself; after so long a person should look.
TRIED_AGAIN = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """So many of a kind: ``one`` and ``many`` say what they are, ``url`` is where they are."""

    count: int
    one: str
    many: str
    url: str

    @property
    def text(self) -> str:
        """With the number: ``2 orders need a person``."""
        return self.one if self.count == 1 else self.many.format(self.count)


def waiting_for(user: User | AnonymousUser, now: datetime) -> list[Waiting]:
    """What waits, of the kinds that ``user`` may look at."""
    found = []
    if user.has_perm("enrollments.view_order"):
        found.append(_orders())
    if user.has_perm("enrollments.approve_refund"):
        found.append(_refunds(user))
    if user.has_perm("enrollments.view_stripeevent"):
        found.append(_events(now))
    if user.has_perm("enrollments.view_reconciliation"):
        found.append(_findings())
    return [each for each in found if each.count]


def _orders() -> Waiting:
    return Waiting(
        count=Order.objects.exclude(attention="").count(),
        one="1 order needs a person",
        many="{} orders need a person",
        url=_list_of("order", "attention=any"),
    )


def _refunds(user: User | AnonymousUser) -> Waiting:
    """Those that somebody else proposed: nobody approves her own."""
    proposed = Refund.objects.filter(state=Refund.State.PROPOSED)
    return Waiting(
        count=proposed.exclude(requested_by=user.pk).count(),
        one="1 refund waits for a second person",
        many="{} refunds wait for a second person",
        url=_list_of("refund", "state=proposed"),
    )


def _events(now: datetime) -> Waiting:
    failed = StripeEvent.objects.filter(outcome=StripeEvent.Outcome.ERROR)
    return Waiting(
        count=failed.filter(created__lte=now - TRIED_AGAIN).count(),
        one="1 event of Stripe failed",
        many="{} events of Stripe failed",
        url=_list_of("stripeevent", "outcome=error"),
    )


def _findings() -> Waiting:
    """Those of the last comparison; what it found before, it finds again while it is there."""
    last = Reconciliation.objects.first()
    return Waiting(
        count=len(last.findings) if last else 0,
        one="1 thing does not balance with Stripe",
        many="{} things do not balance with Stripe",
        url=_list_of("reconciliation"),
    )


def _list_of(model: str, query: str = "") -> str:
    address = reverse(f"enrollments_{model}_modeladmin_index")
    return f"{address}?{query}" if query else address
