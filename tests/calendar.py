"""The day on which all tests take place, whatever day it is.

The clocks of this process, of the stand-in and of a site in a process of its own agree, and run.
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.utils import timezone
from time_machine import escape_hatch

THE_DAY = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def seconds_ahead() -> float:
    """How far ahead of the machine's clock the tests' clock is; less than 0 when it is behind."""
    return (timezone.now() - escape_hatch.datetime.datetime.now(UTC)).total_seconds()


def in_step() -> str:
    """The argument with which the stand-in starts with the tests' clock."""
    return f"--clock-ahead={seconds_ahead()}"
