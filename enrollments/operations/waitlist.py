"""The waitlist: who comes next when a seat is free.

After every operation a quarter that can be enrolled in has no free seat, or nobody who waits: a
seat that becomes free is offered, in the same transaction, to whoever is first in line. So no
visitor can take it before her. Everything here runs under the lock of the quarter's row.

Her 48 hours begin when the email that offers the seat has gone out (``emails``). Until then the
seat stays with her offer, however long no email can be sent, and at most until enrollment closes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from enrollments import emails
from enrollments.errors import (
    NoSeatToOffer,
    NotInLine,
    OfferOver,
    OthersComeFirst,
    QuarterFull,
    SeatsAreFree,
)
from enrollments.models import Enrollment, Order, Quarter, WaitlistEntry, WaitlistLetter
from enrollments.operations import seats

# Whoever types an address again and again does not fill its inbox.
LETTER_AGAIN_AFTER = timedelta(days=1)
EntryState, Letter = WaitlistEntry.State, WaitlistLetter.Kind
LETTER_IN_LINE = {EntryState.WAITING: Letter.JOINED, EntryState.OFFERED: Letter.OFFER}
HAS_SEAT = (Enrollment.State.ENROLLED, Enrollment.State.COMPLETED)


# --- seats that become free -----------------------------------------------------------------


def free_seat(enrollment: Enrollment, *, to: Enrollment.State, now: datetime) -> None:
    """The seat is given back, ``to`` says why, and it is offered to whoever waits.

    A seat that she was paying for after an offer is kept for her again until her time is over.
    The caller holds the lock of the enrollment's quarter.
    """
    seats.vacate(enrollment, to=to)
    quarter = Quarter.objects.get(pk=enrollment.quarter_id)
    hers = quarter.waitlist.filter(seat=enrollment, state=EntryState.OFFERED).first()
    if hers:
        _go_on_with_offer(hers, quarter, now)
    offer_free_seats(quarter, now=now)


def _go_on_with_offer(entry: WaitlistEntry, quarter: Quarter, now: datetime) -> None:
    """What she held while paying was given back: the rest of her time is still hers."""
    if quarter.enrolling_state(now, seats_left=1) != "open":
        _end(entry, to=EntryState.CLOSED, letter=Letter.CLOSED, now=now)
    elif entry.is_lapsed(now):
        _end(entry, to=EntryState.PASSED, letter=Letter.PASSED, now=now)
    else:
        _keep_seat(entry, quarter, now=now)


def offer_free_seats(quarter: Quarter, *, now: datetime) -> int:
    """How many seats of a locked ``quarter`` were offered to those first in line."""
    if quarter.enrolling_state(now, seats_left=1) != "open":
        return 0
    offered = 0
    for entry in quarter.waitlist.waiting():
        try:
            _keep_seat(entry, quarter, now=now)
        except QuarterFull:
            break
        emails.queue_for_entry(Letter.OFFER, entry)
        offered += 1
    return offered


def _keep_seat(entry: WaitlistEntry, quarter: Quarter, *, now: datetime) -> None:
    """A seat for her alone. The offer ends it; no offer lasts longer than enrollment is open."""
    entry.seat = seats.take_seat(
        Enrollment(
            quarter=quarter,
            state=Enrollment.State.OFFERED,
            hold_expires_at=quarter.enrollment_ends_at(),
            created_at=now,
        )
    )
    entry.state = EntryState.OFFERED
    entry.save(update_fields=["seat", "state"])


def refuse_while_somebody_waits(quarter: Quarter) -> None:
    """Nothing, when a visitor may take a seat of a locked ``quarter``.

    Raises:
        QuarterFull: whoever waits comes first.
    """
    if quarter.waitlist.waiting().exists():
        raise QuarterFull


# --- joining and leaving --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Noted:
    """What may be said to whoever typed an address, which tells nobody whether it was known.

    ``number`` is the place of an address that is new, and what it would be for one that is not.
    ``entry`` lets the same browser ask again; for an address that was known it names nothing.
    """

    entry: UUID
    number: int


@transaction.atomic
def join(
    *, quarter_id: int, email: str, chosen_name: str, noted_here: UUID | None = None, now: datetime
) -> Noted:
    """A place in line for ``email``; joining again keeps the earlier one.

    The letter to the address tells all of it; the answer is for a stranger too. ``noted_here`` is
    the entry that this browser was given when it joined before.

    Raises:
        SeatsAreFree: nobody has to wait.
        QuarterNotOpenYet: enrollment opens later.
        QuarterClosed: enrollment is over.
    """
    quarter = seats.lock_quarter(quarter_id)
    seats.refuse_unless_open(quarter, now)
    if not quarter.waitlist.waiting().exists() and seats.lowest_free_seat(quarter):
        raise SeatsAreFree
    entry = quarter.waitlist.in_line().filter(email=email).first()
    if entry is None and not _has_place(quarter, email):
        entry = _new_entry(quarter, email=email, chosen_name=chosen_name, now=now)
        return Noted(entry=entry.uuid, number=entry.number)
    _write_again(entry or _entry_of_somebody_enrolled(quarter, email, chosen_name, now), now)
    if entry and entry.uuid == noted_here:
        return Noted(entry=entry.uuid, number=entry.number)
    return Noted(entry=uuid4(), number=quarter.waitlist.waiting().count() + 1)


def _has_place(quarter: Quarter, email: str) -> bool:
    return quarter.enrollments.filter(state__in=HAS_SEAT, member__email=email).exists()


def _new_entry(quarter: Quarter, *, email: str, chosen_name: str, now: datetime) -> WaitlistEntry:
    entry = WaitlistEntry.objects.create(
        quarter=quarter, email=email, chosen_name=chosen_name, joined_at=now
    )
    emails.queue_for_entry(Letter.JOINED, entry)
    return entry


def _entry_of_somebody_enrolled(
    quarter: Quarter, email: str, chosen_name: str, now: datetime
) -> WaitlistEntry:
    """A row to which the letter belongs that says that she need not wait."""
    found = quarter.waitlist.filter(email=email, state=EntryState.ACCEPTED).first()
    return found or WaitlistEntry.objects.create(
        quarter=quarter,
        email=email,
        chosen_name=chosen_name,
        joined_at=now,
        state=EntryState.ACCEPTED,
    )


def _write_again(entry: WaitlistEntry, now: datetime) -> None:
    kind = LETTER_IN_LINE.get(EntryState(entry.state), Letter.HAS_PLACE)
    recent = entry.letters.filter(kind=kind, queued_at__gt=now - LETTER_AGAIN_AFTER)
    if not recent.exists():
        emails.queue_for_entry(kind, entry)


@transaction.atomic
def leave(*, entry_id: int, now: datetime) -> WaitlistEntry:
    """The entry, out of the line; a seat kept for it goes to the next. Again changes nothing."""
    entry = _locked(entry_id)
    if entry.is_in_line:
        _end(entry, to=EntryState.LEFT, now=now)
    return entry


def _locked(entry_id: int) -> WaitlistEntry:
    """An entry as it stands once its quarter is locked."""
    seats.lock_quarter(WaitlistEntry.objects.values_list("quarter", flat=True).get(pk=entry_id))
    return WaitlistEntry.objects.select_related("quarter", "seat").get(pk=entry_id)


def _end(
    entry: WaitlistEntry,
    *,
    to: WaitlistEntry.State,
    letter: WaitlistLetter.Kind | None = None,
    now: datetime,
) -> None:
    """Out of the line, for the reason ``to``; a seat that only waits for her goes to the next."""
    was_kept_open = entry.is_kept_open
    entry.state = to
    entry.save(update_fields=["state"])
    if letter:
        emails.queue_for_entry(letter, entry)
    if was_kept_open and entry.seat:
        free_seat(entry.seat, to=Enrollment.State.RELEASED, now=now)


def put_first(quarter: Quarter, *, order: Order, now: datetime) -> None:
    """The first place in line, for somebody whose money came after the last seat had gone.

    In a quarter that is over there is no line; the letter about her money says so.
    """
    if quarter.enrolling_state(now, seats_left=1) == "closed":
        return
    waiting = quarter.waitlist.in_line().filter(email=order.address).first()
    entry = waiting or WaitlistEntry(
        quarter=quarter, email=order.address, chosen_name=order.chosen_name, joined_at=now
    )
    entry.rank = WaitlistEntry.FIRST
    entry.save()


@transaction.atomic
def follow_address(*, old: str, new: str, now: datetime) -> None:
    """Everything on waitlists under ``old`` stands under ``new``, with links that are new too.

    Whoever waits is written to again, because the links in earlier letters lead nowhere any more.
    One of two entries in one line ends: the one without an offer, else the later one.
    """
    entries = WaitlistEntry.objects.filter(email__in=(old, new))
    seats.lock_quarters(Q(pk__in=entries.values("quarter")))
    for entry in entries.filter(email=old).select_related("quarter", "seat"):
        if entry.is_in_line:
            _follow_in_line(entry, new, now)
        else:
            _readdress(entry, new)


def _follow_in_line(entry: WaitlistEntry, new: str, now: datetime) -> None:
    lines = entry.quarter.waitlist.in_line().select_related("quarter", "seat")
    keep, *others = sorted(
        [entry, *lines.filter(email=new)],
        key=lambda each: (each.state != EntryState.OFFERED, each.rank, each.joined_at, each.pk),
    )
    for other in others:
        _end(other, to=EntryState.LEFT, now=now)
    _readdress(entry, new)
    if entry is keep:
        emails.queue_for_entry(LETTER_IN_LINE[EntryState(entry.state)], entry)


def _readdress(entry: WaitlistEntry, new: str) -> None:
    entry.email, entry.uuid = new, uuid4()
    entry.save(update_fields=["email", "uuid"])


# --- taking what was offered ----------------------------------------------------------------


def offered_seat(offer: UUID, *, quarter: Quarter, email: str, now: datetime) -> Enrollment:
    """The seat of a locked ``quarter`` that an offer keeps for ``email``.

    Raises:
        OfferOver: it is not hers, not any more, or being paid already.
    """
    entry = quarter.waitlist.select_related("seat").filter(uuid=offer, email=email).first()
    if entry is None or entry.is_lapsed(now) or not entry.is_kept_open or entry.seat is None:
        raise OfferOver
    return entry.seat


def make_way_for(place: Enrollment, *, email: str) -> None:
    """A seat kept for ``email`` is free again, for a late payment of hers to take at once."""
    for entry in place.quarter.waitlist.in_line().filter(email=email).select_related("seat"):
        if entry.is_kept_open and entry.seat:
            seats.vacate(entry.seat, to=Enrollment.State.RELEASED)


def has_found_a_place(place: Enrollment, *, known_as: Collection[str], now: datetime) -> None:
    """Whoever has a ``place``, however she came to it, waits no longer.

    ``known_as`` are her addresses. A seat still kept for her goes to the next.
    """
    hers = place.quarter.waitlist.in_line().filter(Q(email__in=known_as) | Q(seat=place))
    for entry in hers.select_related("seat"):
        _end(entry, to=EntryState.ACCEPTED, now=now)


# --- what time and staff do -----------------------------------------------------------------


def close_list(quarter: Quarter) -> int:
    """How many of a locked ``quarter`` were told that the list is closed.

    Whoever is paying at this moment may finish.
    """
    told = 0
    for entry in quarter.waitlist.in_line().select_related("seat"):
        if entry.state == EntryState.OFFERED and not entry.is_kept_open:
            continue
        if entry.is_kept_open and entry.seat:
            seats.vacate(entry.seat, to=Enrollment.State.RELEASED)
        entry.state = EntryState.CLOSED
        entry.save(update_fields=["state"])
        emails.queue_for_entry(Letter.CLOSED, entry)
        told += 1
    return told


def follow_up(*, now: datetime) -> int:
    """How many people heard something, because their time or their quarter's is over, or begins.

    Lists of quarters that are over are closed, offers without an answer pass on, and seats that
    are free without anybody having given them back are offered. Each list under its own lock.
    """
    in_line = Q(waitlist__state__in=(EntryState.WAITING, EntryState.OFFERED))
    quarters = Quarter.objects.filter(in_line).order_by("pk").distinct()
    return sum(_follow_up_one(pk, now) for pk in list(quarters.values_list("pk", flat=True)))


@transaction.atomic
def _follow_up_one(quarter_id: int, now: datetime) -> int:
    quarter = seats.lock_quarter(quarter_id)
    if quarter.enrolling_state(now, seats_left=1) == "closed":
        return close_list(quarter)
    lapsed = list(quarter.waitlist.lapsed_offers(now).select_related("seat"))
    for entry in lapsed:
        _end(entry, to=EntryState.PASSED, letter=Letter.PASSED, now=now)
    return len(lapsed) + offer_free_seats(quarter, now=now)


@transaction.atomic
def offer_now(*, entry_id: int, now: datetime) -> WaitlistEntry:
    """The entry, with a seat offered to it: the next in line only, and only a free seat.

    Raises:
        NotInLine: it does not wait any more, or has an offer already.
        OthersComeFirst: somebody has waited longer.
        NoSeatToOffer: no seat is free, or the quarter cannot be enrolled in.
    """
    entry = _locked(entry_id)
    if reason := reason_not_to_offer(entry, now=now):
        raise reason
    _keep_seat(entry, entry.quarter, now=now)
    emails.queue_for_entry(Letter.OFFER, entry)
    return entry


def reason_not_to_offer(
    entry: WaitlistEntry, *, now: datetime
) -> NotInLine | OthersComeFirst | NoSeatToOffer | None:
    """Why ``entry`` cannot be offered a seat now, if it cannot."""
    if entry.state != EntryState.WAITING:
        return NotInLine()
    if WaitlistEntry.objects.before(entry).exists():
        return OthersComeFirst()
    is_open = entry.quarter.enrolling_state(now, seats_left=1) == "open"
    if not is_open or seats.lowest_free_seat(entry.quarter) is None:
        return NoSeatToOffer()
    return None
