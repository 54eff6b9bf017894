"""How rules pick one of what there is: any number picks something, small ones the oldest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db.models import QuerySet
from hypothesis import strategies as st
from hypothesis.stateful import precondition

from enrollments.errors import Refusal, UnknownCheckout
from enrollments.stripe_gateway import GatewayError

BUYERS = 4
people = st.integers(0, BUYERS - 1)
which = st.integers(0, 7)
shares = st.sampled_from(["whole", "part"])
Thing = TypeVar("Thing")

once_somebody_ordered = precondition(lambda self: any(self.begun.values()))
once_a_page_was_open = precondition(lambda self: self.pages)


def while_there_is(things: QuerySet) -> precondition:
    """Do not spend a step on what cannot be picked."""
    return precondition(lambda _self: things.all().exists())


def picked(things: Sequence[Thing], number: int) -> Thing | None:
    """One of ``things``, counted round; None of nothing."""
    return things[number % len(things)] if len(things) else None


def share_of(amount_cents: int, share: str) -> int:
    """All of it, or a third."""
    return amount_cents if share == "whole" else max(1, amount_cents // 3)


def attempt(operation: Callable[..., Thing], **facts: Any) -> Thing | None:
    """What ``operation`` gave; None when it politely refused, or Stripe could not be asked."""
    try:
        return operation(**facts)
    except (Refusal, GatewayError, UnknownCheckout):
        return None
