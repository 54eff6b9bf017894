"""The stand-in's clock: its owner's time, plus whatever a test has advanced it by.

Everything Stripe would date is dated by it. Retry pauses and the timestamp of a webhook's
signature are not advanced, because the receiver compares that one with its own clock.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Due:
    """Something that is to be done at a moment."""

    at: int
    act: Callable[[], object]


class Clock:
    """``ahead``: by how many seconds the owner's clock is ahead of this machine's."""

    def __init__(self, ahead: float = 0) -> None:
        self.advanced_by = 0
        self._ahead = ahead
        self._stopped_at: int | None = None

    def now(self) -> int:
        if self._stopped_at is not None:
            return self._stopped_at
        return self.owners_now() + self.advanced_by

    def owners_now(self) -> int:
        """What the clock of whoever started the stand-in says."""
        return int(time.time() + self._ahead)

    @contextmanager
    def at(self, moment: int) -> Iterator[None]:
        """Date everything at a moment that has passed meanwhile, as if it were done then."""
        self._stopped_at = moment
        try:
            yield
        finally:
            self._stopped_at = None

    def advance(self, seconds: int) -> int:
        self.advanced_by += seconds
        return self.now()
