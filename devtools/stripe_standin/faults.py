"""Faults that a test orders in advance.

Each fault has a kind, a number of times and an optional match: text that ``VERB /path`` (or
the event's type, for webhooks) must hold. ``*`` in it stands for anything and a ``$`` at its
end for the end: ``/v1/refunds`` means all about refunds, ``POST /v1/refunds$`` making one.
"""

from dataclasses import dataclass
from fnmatch import fnmatchcase

# Answers that Stripe gives instead of working.
API_KINDS = {"500", "503", "429", "timeout", "lost", "refuse"}
WEBHOOK_KINDS = {"drop", "duplicate", "delay", "hold", "reorder"}


@dataclass
class Fault:
    kind: str
    match: str = ""
    count: int = 1
    seconds: float = 0.0

    @property
    def pattern(self) -> str:
        return f"*{self.match[:-1]}" if self.match.endswith("$") else f"*{self.match}*"


class UnknownFault(ValueError):
    """A fault of a kind that does not exist."""


class Faults:
    """The faults still to come, oldest order first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Add a fault.

        Raises:
            UnknownFault: there is no such kind.
        """
        if fault.kind not in API_KINDS | WEBHOOK_KINDS:
            raise UnknownFault(fault.kind)
        self._waiting.append(fault)

    def take(self, subject: str, kinds: set[str]) -> Fault | None:
        """Use up one turn of the first fault that fits, if any does."""
        for fault in self._waiting:
            if fault.kind in kinds and fnmatchcase(subject, fault.pattern):
                fault.count -= 1
                if fault.count <= 0:
                    self._waiting.remove(fault)
                return fault
        return None

    def clear(self) -> None:
        self._waiting.clear()
