"""Changing one meeting: what follows for the end of enrollment, and who is written to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from core import page_cache
from enrollments import emails
from enrollments.errors import BeginsBeforeEnrollmentOpens
from enrollments.models import Enrollment, Meeting, MeetingEmail, Phase, Quarter
from enrollments.operations import seats, waitlist

Kind = MeetingEmail.Kind
# Whoever has a place is told, also when the group has ended and a meeting is made up for later.
TOLD = (Enrollment.State.ENROLLED, Enrollment.State.COMPLETED)


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a change of a meeting means. ``kind`` is what members read; None: nobody is told."""

    before: Meeting
    after: Meeting
    kind: MeetingEmail.Kind | None
    told: list[Enrollment]
    closes_at: datetime | None


def kind_of_change(*, starts_at: datetime, is_cancelled: bool, to: Meeting) -> Kind | None:
    """What somebody reads who knew of the meeting as ``starts_at`` and ``is_cancelled`` say."""
    if is_cancelled:
        return None if to.is_cancelled else Kind.BACK
    if to.is_cancelled:
        return Kind.CANCELLED
    return None if starts_at == to.starts_at else Kind.MOVED


def look_ahead(meeting: Meeting, *, now: datetime) -> Change:
    """What saving ``meeting`` as it stands, with its changes, would mean.

    Raises:
        BeginsBeforeEnrollmentOpens: the group would begin before anybody can enroll.
    """
    before = Meeting.objects.select_related("quarter").get(pk=meeting.pk)
    kind = _kind(before, meeting, now)
    told = list(_members(before.quarter).select_related("member")) if kind else []
    return Change(
        before=before,
        after=meeting,
        kind=kind if told else None,
        told=told,
        closes_at=_moved_end_of_enrollment(before.quarter, before, meeting, now),
    )


@transaction.atomic
def change_meeting(meeting: Meeting, *, fields: Collection[str], now: datetime) -> None:
    """Keep ``fields`` of ``meeting`` as they stand in it; members are told once, if they must be.

    Enrollment that closes as the group begins goes on doing so.

    Raises:
        BeginsBeforeEnrollmentOpens: the group would begin before anybody can enroll.
    """
    quarter = seats.lock_quarter(meeting.quarter_id)
    before, after = (Meeting.objects.get(pk=meeting.pk) for _ in range(2))
    for field in fields:
        setattr(after, field, getattr(meeting, field))
    closes_at = _moved_end_of_enrollment(quarter, before, after, now)
    after.save(update_fields=fields)
    if closes_at:
        quarter.closes_at = closes_at
        quarter.save(update_fields=["closes_at"])
    if _kind(before, after, now):
        for place in _members(quarter):
            _tell(place, before, after, now)
    waitlist.offer_free_seats(seats.lock_quarter(quarter.pk), now=now)
    transaction.on_commit(page_cache.evict)


def _kind(before: Meeting, after: Meeting, now: datetime) -> Kind | None:
    """Nobody is told of what is past either way."""
    if max(before.ends_at, after.ends_at) <= now:
        return None
    return kind_of_change(starts_at=before.starts_at, is_cancelled=before.is_cancelled, to=after)


def _members(quarter: Quarter) -> QuerySet[Enrollment]:
    return quarter.enrollments.filter(state__in=TOLD).order_by("pk")


def _tell(place: Enrollment, before: Meeting, after: Meeting, now: datetime) -> None:
    """One email about everything that she has not read yet; none when all is as she knew it."""
    starts_at, is_cancelled = before.starts_at, before.is_cancelled
    waiting = place.meeting_emails.filter(meeting=after, sent_at=None, replaced_at=None).first()
    if waiting:
        starts_at, is_cancelled = waiting.knew_starts_at, waiting.knew_cancelled
        waiting.replaced_at = now
        waiting.save(update_fields=["replaced_at"])
    kind = kind_of_change(starts_at=starts_at, is_cancelled=is_cancelled, to=after)
    if kind:
        emails.queue_about_meeting(
            MeetingEmail(
                meeting=after,
                enrollment=place,
                kind=kind,
                knew_starts_at=starts_at,
                knew_cancelled=is_cancelled,
                queued_at=now,
            )
        )


def _moved_end_of_enrollment(
    quarter: Quarter, before: Meeting, after: Meeting, now: datetime
) -> datetime | None:
    """When enrollment closes from now on, if it closes as the group begins and that moves.

    What staff have set apart from the first meeting stays as they set it.
    """
    held = [meeting for meeting in quarter.taking_place() if meeting.pk != after.pk]
    was = held if before.is_cancelled else [*held, before]
    will_be = held if after.is_cancelled else [*held, after]
    if quarter.phase(now, was) != Phase.AHEAD or not was or not will_be:
        return None
    begins = min(meeting.starts_at for meeting in will_be)
    if begins <= quarter.opens_at:
        raise BeginsBeforeEnrollmentOpens
    follows = quarter.closes_at == min(meeting.starts_at for meeting in was)
    return begins if follows and begins != quarter.closes_at else None
