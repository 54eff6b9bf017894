"""Until when an email about an order is true: asked again at every try to send it.

Mail can be away for days. Meanwhile the order may be refunded, the place moved once more, the
instalment paid; then what was queued is not sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from enrollments.models import Enrollment, LedgerEntry, Order, PaymentPlan

IN_IT: Final = (Enrollment.State.ENROLLED, Enrollment.State.COMPLETED)
Plan = PaymentPlan.State
Rule: TypeAlias = Callable[[Order], bool]


def always(order: Order) -> bool:  # noqa: ARG001 (a rule's)
    """What it tells has happened, and stays so."""
    return True


def in_state(*states: Order.State) -> Rule:
    """While the order is in one of ``states``."""
    return lambda order: order.state in states


def has_place(order: Order) -> bool:
    """While she has a place by the order."""
    return Enrollment.objects.filter(line__order=order, state__in=IN_IT).exists()


def has_no_place(order: Order) -> bool:
    """While she has none."""
    return not has_place(order)


def plan_in(*states: PaymentPlan.State) -> Rule:
    """While the order's plan is in one of ``states``."""
    return lambda order: PaymentPlan.objects.filter(order=order, state__in=states).exists()


def is_open(order: Order) -> bool:
    """While nothing rests for an unpaid instalment."""
    return order.paused_for != Order.PausedFor.INSTALMENT


# By the name of the template. An email without a rule cannot be queued.
RULES: Final[dict[str, Rule]] = {
    "receipt": in_state(Order.State.PAID),
    "payment_processing": in_state(Order.State.PROCESSING),
    "payment_failed": in_state(Order.State.FAILED),
    "order_in_review": in_state(Order.State.REVIEW, Order.State.CLOSED_ACCOUNT),
    "order_let_go": in_state(Order.State.CANCELLED),
    "paid_twice": always,
    "seat_gone": always,
    "refunded": always,
    "moved": has_place,
    "move_undone": has_place,
    "left": has_no_place,
    "quarter_cancelled": always,
    "instalment_received": is_open,
    "instalment_failed": plan_in(Plan.PAST_DUE),
    "instalment_confirm": plan_in(Plan.PAST_DUE),
    "plan_resting": plan_in(Plan.SUSPENDED),
    "plan_stopped": plan_in(Plan.SUSPENDED),
    "plan_open": is_open,
    "plan_finished": plan_in(Plan.FINISHED),
    "plan_ended": plan_in(Plan.ENDED),
}
# They say how things stand, so that a later one of the same group says all of an earlier one.
SAME_STORY: Final = (
    {"moved", "move_undone"},
    {"refunded"},
    {"instalment_failed", "instalment_confirm"},
    {"instalment_received"},
    {"plan_open"},
    {"plan_resting"},
)


def is_still_true(entry: LedgerEntry, order: Order) -> bool:
    """Whether the email of ``entry`` still says how things stand with ``order``."""
    return RULES[entry.detail](order) and not _is_told_later(entry, order)


def _is_told_later(entry: LedgerEntry, order: Order) -> bool:
    story = next((group for group in SAME_STORY if entry.detail in group), None)
    if story is None:
        return False
    emails = (
        LedgerEntry.Action.LETTER_QUEUED,
        LedgerEntry.Action.LETTER_SENT,
        LedgerEntry.Action.LETTER_FAILED,
    )
    later = order.ledger.filter(pk__gt=entry.pk, detail__in=story, action__in=emails)
    return later.exists()
