"""What this browser has to do with waitlists: kept in its session as opaque ids, nothing else.

Typing an address proves nothing, so joining leaves no key to what belongs to the address; only
an offer that was opened from its letter, and accepted here, is known again.
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest

from accounts.models import User
from enrollments.models import Quarter, WaitlistEntry
from enrollments.operations.waitlist import Noted

JOINED, OFFERS = "waitlists", "waitlist_offers"
MOST = 10


def remember_joining(request: HttpRequest, quarter: Quarter, noted: Noted) -> None:
    """Let this browser read again what it was told."""
    joined = dict(request.session.get(JOINED, {}))
    joined.pop(str(quarter.pk), None)
    joined[str(quarter.pk)] = {"entry": str(noted.entry), "number": noted.number}
    request.session[JOINED] = dict(list(joined.items())[-MOST:])


def noted_here(request: HttpRequest, quarter: Quarter) -> Noted | None:
    """What this browser was told when it joined the list of ``quarter``."""
    kept = request.session.get(JOINED, {}).get(str(quarter.pk))
    return Noted(entry=UUID(kept["entry"]), number=kept["number"]) if kept else None


def remember_offer(request: HttpRequest, entry: WaitlistEntry) -> None:
    """Let this browser find back to an offer that it accepted."""
    others = [text for text in request.session.get(OFFERS, []) if text != str(entry.uuid)]
    request.session[OFFERS] = [*others, str(entry.uuid)][-MOST:]


def offer_for(request: HttpRequest, quarter: Quarter) -> WaitlistEntry | None:
    """The place of ``quarter`` that is kept for this browser's member, or was accepted here."""
    offers = quarter.waitlist.filter(state=WaitlistEntry.State.OFFERED)
    if isinstance(request.user, User):
        return offers.filter(email=request.user.email).first()
    accepted = [UUID(text) for text in request.session.get(OFFERS, [])]
    return offers.filter(uuid__in=accepted).first() if accepted else None
