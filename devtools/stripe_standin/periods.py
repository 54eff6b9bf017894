"""Calendar arithmetic of billing periods.

The k-th period of a subscription ends k intervals after its anchor, on the anchor's day of
the month or on the last day of a month that is too short for it.
"""

import calendar
from datetime import UTC, datetime, timedelta

MONTHS = {"month": 1, "year": 12}
DAYS = {"day": 1, "week": 7}
MONTHS_IN_A_YEAR = 12


def after(moment: int, interval: str, count: int) -> int:
    """The moment that lies ``count`` days, weeks, months or years after another."""
    start = datetime.fromtimestamp(moment, tz=UTC)
    if interval in DAYS:
        return int((start + timedelta(days=DAYS[interval] * count)).timestamp())
    years, month = divmod(start.month - 1 + MONTHS[interval] * count, MONTHS_IN_A_YEAR)
    year, month = start.year + years, month + 1
    day = min(start.day, calendar.monthrange(year, month)[1])
    return int(start.replace(year=year, month=month, day=day).timestamp())


def written(interval: str, count: int) -> str:
    """``"month", 2`` as ``every 2 months``, and a count of one as ``each month``."""
    return f"each {interval}" if count == 1 else f"every {count} {interval}s"
