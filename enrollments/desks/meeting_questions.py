"""What staff are asked before a meeting moves to where it is probably not meant to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time
from zoneinfo import ZoneInfo

from enrollments.desks.wording import when
from enrollments.models import Meeting
from enrollments.operations.meetings import Change
from enrollments.zones import hour_written

# Nobody is expected to meet before or after these.
EARLIEST, LATEST = time(7, 0), time(21, 0)


def questions(change: Change, now: datetime) -> list[str]:
    """Everything odd about where a meeting would be from now on, a sentence each. One query."""
    before, meeting = change.before, change.after
    if meeting.is_cancelled:
        return []
    quarter = before.quarter
    others = [other for other in quarter.taking_place() if other.pk != meeting.pk]
    found = [_overlap(meeting, others, quarter.zone)]
    if before.is_cancelled or before.starts_at != meeting.starts_at:
        found += [
            _past(meeting, now),
            _weekday(meeting, before, others, quarter.zone),
            _night(meeting, quarter.zone),
            *_sequence(meeting, others, quarter.zone),
        ]
    return [sentence for sentence in found if sentence]


def _past(meeting: Meeting, now: datetime) -> str:
    return "This is in the past." if meeting.starts_at <= now else ""


def _weekday(meeting: Meeting, before: Meeting, others: list[Meeting], zone: ZoneInfo) -> str:
    """Compared with the day on which most of the others are."""
    days = Counter(f"{other.local_start(zone):%A}" for other in others or [before])
    usual, day = days.most_common(1)[0][0], f"{meeting.local_start(zone):%A}"
    return "" if day == usual else f"This is a {day}; this group meets on {usual}s."


def _night(meeting: Meeting, zone: ZoneInfo) -> str:
    local = meeting.local_start(zone)
    is_night = not EARLIEST <= local.time() < LATEST
    return f"It would start at night, at {hour_written(local)}." if is_night else ""


def _sequence(meeting: Meeting, others: list[Meeting], zone: ZoneInfo) -> Iterator[str]:
    """The weeks would no longer come one after the other."""
    earlier = [o for o in others if o.number < meeting.number and o.starts_at > meeting.starts_at]
    later = [o for o in others if o.number > meeting.number and o.starts_at < meeting.starts_at]
    if earlier:
        first = min(earlier, key=lambda other: other.number)
        yield f"It would come before {_named(first, zone)}."
    if later:
        last = max(later, key=lambda other: other.number)
        yield f"It would come after {_named(last, zone)}."


def _overlap(meeting: Meeting, others: list[Meeting], zone: ZoneInfo) -> str:
    for other in others:
        if meeting.starts_at < other.ends_at and other.starts_at < meeting.ends_at:
            return f"It would overlap with {_named(other, zone)}."
    return ""


def _named(meeting: Meeting, zone: ZoneInfo) -> str:
    return f"week {meeting.number} ({when(meeting.starts_at, zone)})"
