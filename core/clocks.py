"""Hours that clocks skip, or show twice, because they are set forward or back."""

from __future__ import annotations

from datetime import UTC, datetime


def exists(local: datetime) -> bool:
    """Whether clocks ever show the hour of ``local``; they skip one when they are set forward."""
    there_and_back = local.astimezone(UTC).astimezone(local.tzinfo)
    return there_and_back.replace(tzinfo=None) == local.replace(tzinfo=None)


def comes_twice(local: datetime) -> bool:
    """Whether clocks are set back over the hour of ``local``, so that it is there twice."""
    first, second = (local.replace(fold=fold).utcoffset() for fold in (0, 1))
    return first != second and exists(local)


def day_and_hour(local: datetime) -> tuple[str, str]:
    """``Sunday, March 14, 2027`` and ``2:30 am``."""
    hour = f"{local:%I:%M %p}".lstrip("0").lower()
    return f"{local:%A, %B} {local.day}, {local.year}", hour


def skipped_sentence(local: datetime) -> str:
    """What is said of an hour that does not exist."""
    day, hour = day_and_hour(local)
    return (
        f"On {day} clocks are set forward, so there is no {hour}. Choose an earlier or a later "
        "time."
    )


def twice_sentence(local: datetime) -> str:
    """What is said of an hour that exists twice, as long as nobody has said which is meant."""
    day, hour = day_and_hour(local)
    return f"On {day} clocks are set back, so {hour} comes twice. Choose which of the two you mean."
