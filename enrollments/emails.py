"""Letters about orders and the waitlist. Each is queued in the transaction that causes it."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from core import letters
from core.tasks import letter_task
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
# A letter that waited for the mail provider is sent only while it still says something true.
TRUE_WHILE = {
    Letter.JOINED: EntryState.WAITING,
    Letter.OFFER: EntryState.OFFERED,
    Letter.PASSED: EntryState.PASSED,
    Letter.CLOSED: EntryState.CLOSED,
    Letter.HAS_PLACE: EntryState.ACCEPTED,
}


def queue(letter: str, order: Order) -> None:
    """Have ``templates/letters/<letter>`` sent to the buyer once the transaction is committed."""
    entry = LedgerEntry.objects.create(
        order=order, at=timezone.now(), action=LedgerEntry.Action.LETTER_QUEUED, detail=letter
    )
    send_order_letter.enqueue(entry.pk)


@letter_task
def send_order_letter(entry_id: int) -> None:
    """Send one letter about an order, once. The task carries ids only."""
    entry = LedgerEntry.objects.get(pk=entry_id)
    if entry.action == LedgerEntry.Action.LETTER_SENT:
        return
    orders = Order.objects.select_related("member").prefetch_related("lines", "payments")
    order = orders.get(pk=entry.order_id)
    letters.send_letter(to=order.address, template=entry.detail, context=order_context(order))
    entry.action, entry.at = LedgerEntry.Action.LETTER_SENT, timezone.now()
    entry.save(update_fields=["action", "at"])


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


def queue_for_entry(kind: WaitlistLetter.Kind, entry: WaitlistEntry) -> None:
    """Have a letter sent to somebody on the waitlist once the transaction is committed."""
    letter = WaitlistLetter.objects.create(entry=entry, kind=kind, queued_at=timezone.now())
    send_waitlist_letter.enqueue(letter.pk)


@letter_task
def send_waitlist_letter(letter_id: int) -> None:
    """Send one letter to somebody on the waitlist, once. The task carries ids only."""
    letter = WaitlistLetter.objects.select_related("entry__quarter__workshop").get(pk=letter_id)
    entry, kind = letter.entry, WaitlistLetter.Kind(letter.kind)
    if letter.sent_at or entry.state != TRUE_WHILE[kind]:
        return
    letters.send_letter(to=entry.email, template=kind, context=entry_context(entry))
    letter.sent_at = timezone.now()
    letter.save(update_fields=["sent_at"])


def entry_context(entry: WaitlistEntry) -> dict[str, object]:
    """What a letter to somebody on the waitlist may say. Its links name her entry only."""
    quarter = entry.quarter
    return {
        "name": entry.chosen_name,
        "items": [quarter.workshop.discreet_name],
        "number": entry.number,
        "until": entry.offered_until.astimezone(quarter.zone) if entry.offered_until else None,
        "zone_name": zone_name(quarter.time_zone),
        "offer_url": offer_url(entry),
        "place_url": place_url(entry),
        "sign_in_url": settings.BASE_URL + reverse("account_login"),
    }


def queue_about_meeting(email: MeetingEmail) -> None:
    """Have a member told about a meeting once the transaction is committed."""
    email.save()
    send_meeting_email.enqueue(email.pk)


@letter_task
def send_meeting_email(email_id: int) -> None:
    """Tell one member about one meeting, once. The task carries ids only."""
    emails = MeetingEmail.objects.select_related("meeting__quarter__workshop", "enrollment__member")
    email = emails.get(pk=email_id)
    member = email.enrollment.member
    if member is None or not _is_still_true(email):
        return
    context = meeting_context(email.meeting, knew_starts_at=email.knew_starts_at)
    letters.send_letter(
        to=member.email, template=email.kind, context={**context, "name": member.chosen_name}
    )
    email.sent_at = timezone.now()
    email.save(update_fields=["sent_at"])


def _is_still_true(email: MeetingEmail) -> bool:
    """Not sent, not replaced, still her place, and not about something that is over by now."""
    meeting, place = email.meeting, email.enrollment
    is_hers = place.state in (Enrollment.State.ENROLLED, Enrollment.State.COMPLETED)
    is_over = meeting.phase(timezone.now()) == Phase.OVER
    return not (email.sent_at or email.replaced_at or is_over) and is_hers


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
