"""Emails about orders and the waitlist. Each is queued in the transaction that causes it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from core import outbox
from core.models import OutgoingEmail
from enrollments import email_rules
from enrollments.models import (
    Enrollment,
    LedgerEntry,
    Meeting,
    MeetingEmail,
    Order,
    PaymentPlan,
    Phase,
    Quarter,
    WaitlistEntry,
    WaitlistLetter,
)
from enrollments.money import written
from enrollments.zones import hour_written, zone_name

Letter, EntryState = WaitlistLetter.Kind, WaitlistEntry.State
State, Action = OutgoingEmail.State, LedgerEntry.Action
# What the ledger says of an order's email.
LEDGER = {
    State.QUEUED: Action.LETTER_QUEUED,
    State.SENT: Action.LETTER_SENT,
    State.FAILED: Action.LETTER_FAILED,
    State.OBSOLETE: Action.LETTER_OBSOLETE,
    State.DISMISSED: Action.LETTER_FAILED,
}
# An email that waited for the mail provider is sent only while it still says something true.
TRUE_WHILE = {
    Letter.JOINED: EntryState.WAITING,
    Letter.OFFER: EntryState.OFFERED,
    Letter.PASSED: EntryState.PASSED,
    Letter.CLOSED: EntryState.CLOSED,
    Letter.HAS_PLACE: EntryState.ACCEPTED,
}


# --- orders ---------------------------------------------------------------------------------


def queue(letter: str, order: Order) -> None:
    """Have ``templates/letters/<letter>`` sent to the buyer once the transaction is committed.

    Raises:
        LookupError: ``email_rules.RULES`` does not say until when it is true.
    """
    if letter not in email_rules.RULES:
        raise LookupError(letter)
    now = timezone.now()
    entry = LedgerEntry.objects.create(
        order=order, at=now, action=Action.LETTER_QUEUED, detail=letter
    )
    outbox.queue(ORDER, template=letter, ids=[entry.pk], now=now)


def write_order_email(email: OutgoingEmail, now: datetime) -> outbox.Draft | None:  # noqa: ARG001
    """An email about an order, as the order stands now."""
    entry = LedgerEntry.objects.get(pk=email.ids[0])
    orders = Order.objects.select_related("member").prefetch_related("lines", "payments")
    order = orders.get(pk=entry.order_id)
    if not email_rules.is_still_true(entry, order):
        return None
    return outbox.Draft(to=order.address, template=email.template, context=order_context(order))


def note_order_email(email: OutgoingEmail, now: datetime) -> None:
    """The order's ledger says what became of it, and when."""
    action = LEDGER[State(email.state)]
    LedgerEntry.objects.filter(pk=email.ids[0]).update(action=action, at=now)


ORDER = outbox.register(outbox.Kind(name="order", write=write_order_email, note=note_order_email))


def order_context(order: Order) -> dict[str, object]:
    """What a letter about ``order`` may say: discreet names, amounts, and where to sign in."""
    paid_cents = sum(payment.amount_cents for payment in order.payments.all())
    return {
        "name": order.chosen_name,
        "items": [line.discreet_name for line in order.lines.all()],
        "place": next((line.discreet_name for line in order.lines.all() if line.quarter_id), ""),
        "amount": written(paid_cents, order.currency),
        "was_free": not paid_cents,
        "given_back": written(order.refunds.given_back().total_cents(), order.currency),
        "date": order.paid_at or order.created_at,
        "sign_in_url": settings.BASE_URL + reverse("account_login"),
        # Asked for only by the letters that say them.
        "first_in_line_url": partial(_first_in_line_url, order),
        "still_kept_url": partial(_still_kept_url, order),
        "dates": partial(_dates, order),
        "is_disputed": order.attention == Order.Attention.DISPUTED,
        **(_plan_context(order) if order.instalment_count else {}),
    }


def _first_in_line_url(order: Order) -> str:
    """Her place in line, if she is on the list for what she could not get."""
    entry = _entries_of(order).filter(rank=WaitlistEntry.FIRST).first()
    return place_url(entry) if entry else ""


def _still_kept_url(order: Order) -> str:
    """Where the seat of ``order`` can be taken again, if the waitlist keeps it for her."""
    entry = _entries_of(order).filter(state=EntryState.OFFERED).first()
    return offer_url(entry) if entry else ""


def _entries_of(order: Order) -> QuerySet[WaitlistEntry]:
    quarters = order.lines.exclude(quarter=None).values("quarter")
    return WaitlistEntry.objects.in_line().filter(email=order.address, quarter__in=quarters)


def _dates(order: Order) -> dict[str, object] | None:
    """When the group in which she has her place now begins, on the clocks of its zone."""
    place = Enrollment.objects.filter(line__order=order).select_related("quarter").first()
    first = place.quarter.first_meeting() if place else None
    if place is None or first is None:
        return None
    zone = place.quarter.time_zone
    return {"begin": first.local_start(place.quarter.zone), "zone_name": zone_name(zone)}


def _plan_context(order: Order) -> dict[str, object]:
    """Where she sees her payments and settles what is open, and until when access goes on."""
    plan = PaymentPlan.objects.filter(order=order).first()
    return {
        "plan_url": settings.BASE_URL + reverse("plan", args=[order.uuid]),
        "pay_url": settings.BASE_URL + reverse("plan_pay", args=[order.uuid]),
        "open_until": plan.grace_ends_at if plan else None,
    }


# --- the waitlist ---------------------------------------------------------------------------


def queue_for_entry(kind: WaitlistLetter.Kind, entry: WaitlistEntry) -> None:
    """Have an email sent to somebody on the waitlist once the transaction is committed."""
    now = timezone.now()
    letter = WaitlistLetter.objects.create(entry=entry, kind=kind, queued_at=now)
    outbox.queue(WAITLIST, template=kind, ids=[letter.pk], now=now)


def write_waitlist_email(email: OutgoingEmail, now: datetime) -> outbox.Draft | None:
    """An email to somebody on the waitlist, as her entry stands now."""
    letter = WaitlistLetter.objects.select_related("entry__quarter__workshop").get(pk=email.ids[0])
    entry = letter.entry
    if entry.state != TRUE_WHILE[Letter(letter.kind)]:
        return None
    return outbox.Draft(to=entry.email, template=letter.kind, context=entry_context(entry, now))


def note_waitlist_email(email: OutgoingEmail, now: datetime) -> None:
    """What became of it; with the email that offers a place, the time to take it begins."""
    letter = WaitlistLetter.objects.select_related("entry__quarter").get(pk=email.ids[0])
    letter.outcome = email.state
    letter.sent_at = now if email.state == State.SENT else None
    letter.save(update_fields=["outcome", "sent_at"])
    if letter.kind == Letter.OFFER and letter.sent_at:
        letter.entry.begin_offer(now)


WAITLIST = outbox.register(
    outbox.Kind(name="waitlist", write=write_waitlist_email, note=note_waitlist_email)
)


def entry_context(entry: WaitlistEntry, now: datetime) -> dict[str, object]:
    """What an email to somebody on the waitlist may say. Its links name her entry only."""
    quarter = entry.quarter
    return {
        "name": entry.chosen_name,
        "items": [quarter.workshop.discreet_name],
        "number": entry.number,
        "until": (entry.offered_until or entry.end_of_offer(now)).astimezone(quarter.zone),
        "zone_name": zone_name(quarter.time_zone),
        "offer_url": offer_url(entry),
        "place_url": place_url(entry),
        "sign_in_url": settings.BASE_URL + reverse("account_login"),
    }


# --- meetings -------------------------------------------------------------------------------


def queue_about_meeting(email: MeetingEmail) -> None:
    """Have a member told about a meeting once the transaction is committed."""
    email.save()
    outbox.queue(MEETING, template=email.kind, ids=[email.pk], now=timezone.now())


def write_meeting_email(email: OutgoingEmail, now: datetime) -> outbox.Draft | None:
    """An email to one member about one meeting, as the meeting stands now."""
    emails = MeetingEmail.objects.select_related("meeting__quarter__workshop", "enrollment__member")
    told = emails.get(pk=email.ids[0])
    member = told.enrollment.member
    if member is None or not _is_still_true(told, now):
        return None
    context = meeting_context(told.meeting, knew_starts_at=told.knew_starts_at)
    return outbox.Draft(
        to=member.email, template=told.kind, context={**context, "name": member.chosen_name}
    )


def _is_still_true(email: MeetingEmail, now: datetime) -> bool:
    """Not replaced, still her place, and not about something that is over by now."""
    meeting, place = email.meeting, email.enrollment
    is_hers = place.state in (Enrollment.State.ENROLLED, Enrollment.State.COMPLETED)
    return email.replaced_at is None and meeting.phase(now) != Phase.OVER and is_hers


def note_meeting_email(email: OutgoingEmail, now: datetime) -> None:
    """What became of it, and when she was told."""
    sent_at = now if email.state == State.SENT else None
    MeetingEmail.objects.filter(pk=email.ids[0]).update(outcome=email.state, sent_at=sent_at)


MEETING = outbox.register(
    outbox.Kind(name="meeting", write=write_meeting_email, note=note_meeting_email)
)


def meeting_context(meeting: Meeting, *, knew_starts_at: datetime) -> dict[str, object]:
    """What an email about ``meeting`` may say, on the clocks of its group."""
    quarter = meeting.quarter
    return {
        "items": [quarter.workshop.discreet_name],
        "meeting_number": meeting.number,
        "earlier": date_and_hour(knew_starts_at, quarter),
        "present": date_and_hour(meeting.starts_at, quarter),
        "note": meeting.note,
        "sign_in_url": settings.BASE_URL + reverse("account_login"),
    }


def date_and_hour(moment: datetime, quarter: Quarter) -> str:
    """``Saturday, January 9, 2027, 10:00 am Eastern``."""
    local = moment.astimezone(quarter.zone)
    return f"{local:%A, %B} {local.day}, {local.year}, {hour_written(local)}"


def offer_url(entry: WaitlistEntry) -> str:
    """Where she takes the place that is kept for her."""
    return settings.BASE_URL + reverse("waitlist_offer", args=[entry.uuid])


def place_url(entry: WaitlistEntry) -> str:
    """Where she sees her place in line, and leaves it."""
    return settings.BASE_URL + reverse("waitlist_place", args=[entry.uuid])
