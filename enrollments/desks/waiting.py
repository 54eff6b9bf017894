"""What waits for staff: how much of each kind, and where it is. A query for each kind."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from accounts.models import User
from core.email_settings import are_proven
from core.models import OutgoingEmail
from enrollments.models import Order, Reconciliation, Refund, StripeEvent, WaitlistEntry

# Stripe delivers a failed event again by itself; after so long a person should look.
TRIED_AGAIN = timedelta(minutes=15)
# A mail provider may be away for a moment; after so long a person should know.
MAIL_IS_LATE = timedelta(hours=1)


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
    if user.has_perm("core.view_outgoingemail"):
        found += [_failed_emails(), _late_emails(now), _email_settings()]
    if user.has_perm("enrollments.view_waitlistentry"):
        found.append(_untold_offers(now))
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


def _failed_emails() -> Waiting:
    return Waiting(
        count=OutgoingEmail.objects.filter(state=OutgoingEmail.State.FAILED).count(),
        one="1 email could not be sent",
        many="{} emails could not be sent",
        url=_list_of("outgoingemail", "state=failed", app="core"),
    )


def _late_emails(now: datetime) -> Waiting:
    return Waiting(
        count=OutgoingEmail.objects.late(MAIL_IS_LATE, now).count(),
        one="1 email has waited for more than an hour",
        many="{} emails have waited for more than an hour",
        url=_list_of("outgoingemail", "state=queued", app="core"),
    )


def _email_settings() -> Waiting:
    told = "No email has gone out since the email settings changed: manage.py send_test_email"
    return Waiting(
        count=0 if are_proven() else 1,
        one=told,
        many=told,
        url=_list_of("outgoingemail", app="core"),
    )


def _untold_offers(now: datetime) -> Waiting:
    """Offers whose email waits: their seats are kept, and their 48 hours have not begun."""
    late = WaitlistEntry.objects.untold_offers().filter(
        letters__kind="waitlist_offer", letters__queued_at__lte=now - MAIL_IS_LATE
    )
    return Waiting(
        count=late.distinct().count(),
        one="1 place is offered to somebody whom no email has reached",
        many="{} places are offered to people whom no email has reached",
        url=_list_of("waitlistentry", "state=offered"),
    )


def _list_of(model: str, query: str = "", *, app: str = "enrollments") -> str:
    address = reverse(f"{app}_{model}_modeladmin_index")
    return f"{address}?{query}" if query else address
