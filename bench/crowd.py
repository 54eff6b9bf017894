"""Many people at once: each runs her errand, and somebody looks at the clock."""

from __future__ import annotations

import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Errand = Callable[[], str]


@dataclass(frozen=True)
class Visit:
    """What came of one errand, in a word, and how long it took."""

    came_to: str
    ms: float


@dataclass(frozen=True)
class Crowd:
    """What came of all of them, from the first step to the last answer."""

    visits: Sequence[Visit]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.visits) / self.seconds

    @property
    def median_ms(self) -> float:
        return statistics.median(visit.ms for visit in self.visits)

    def outcomes(self) -> Counter[str]:
        return Counter(visit.came_to for visit in self.visits)

    def times(self, came_to: str) -> list[float]:
        """How long those errands took that came to this, shortest first."""
        return sorted(visit.ms for visit in self.visits if visit.came_to == came_to)

    def all_came_to(self, wanted: str) -> Crowd:
        """The crowd itself.

        Raises:
            ValueError: something else came of an errand.
        """
        if set(self.outcomes()) != {wanted}:
            raise ValueError(f"not everybody came to {wanted!r}: {dict(self.outcomes())}")
        return self


def sent_off(errands: Sequence[Errand], at_once: int) -> Crowd:
    """The errands, run by ``at_once`` people who take the next as soon as one is done."""
    visits: list[Visit] = []
    waiting = iter(errands)
    gate, turn = threading.Event(), threading.Lock()

    def run() -> None:
        gate.wait()
        while True:
            with turn:
                errand = next(waiting, None)
            if errand is None:
                return
            begun = time.perf_counter()
            came_to = _run(errand)
            visits.append(Visit(came_to, (time.perf_counter() - begun) * 1000))

    people = [threading.Thread(target=run, daemon=True) for _ in range(min(at_once, len(errands)))]
    for person in people:
        person.start()
    begun = time.perf_counter()
    gate.set()
    for person in people:
        person.join()
    return Crowd(visits, time.perf_counter() - begun)


def _run(errand: Errand) -> str:
    try:
        return errand()
    except (OSError, ValueError) as error:
        return f"error: {type(error).__name__} {error}"[:200]
