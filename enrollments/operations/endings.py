"""How what was bought ends: the seat, the access that came with it, and the plan that paid for it.

Every function here runs inside the caller's transaction and under the locks of the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from enrollments.models import Enrollment, Order, OrderLine, PaymentPlan, Phase
from enrollments.operations import grants, seats, waitlist
from enrollments.operations.orders import Action, no_longer_needs, record, restore_access

State = Enrollment.State


@dataclass(frozen=True, kw_only=True)
class Consequence:
    """What follows for one line of an order."""

    ends_access: bool
    frees_seat: bool
    ends_plan: bool


def has_begun(line: OrderLine, now: datetime) -> bool:
    """Whether the group of a line has met; a bundle has none."""
    place = Enrollment.objects.filter(line=line).select_related("quarter").first()
    return place is not None and place.quarter.phase(now) != Phase.AHEAD


def end_line(
    line: OrderLine, consequence: Consequence, *, to: Enrollment.State, now: datetime
) -> None:
    """Nothing of ``line`` is open any more. Again changes nothing."""
    grants.revoke_bought(line, now=now)
    place = Enrollment.objects.select_related("quarter").filter(line=line).first()
    if place:
        end_place(place, to=to, frees_seat=consequence.frees_seat, now=now)
    if consequence.ends_plan and line.quarter_id:
        stop_plan(line, now)


def end_place(place: Enrollment, *, to: Enrollment.State, frees_seat: bool, now: datetime) -> None:
    """A place and what came with it end. The seat is offered on, or stays empty.

    A place that ended before is left as it is.
    """
    if place.state not in (State.HELD, State.ENROLLED, State.COMPLETED):
        return
    if frees_seat:
        waitlist.free_seat(place, to=to, now=now)
    else:
        seats.vacate(place, to=to)
    grants.revoke_included(place, now=now)
    if place.line:
        record(place.line.order, Action.ACCESS_ENDED, detail=to, now=now)


def stop_plan(line: OrderLine, now: datetime) -> None:
    """No more instalments; ``operations.plans`` tells Stripe. Nothing rests for one any more."""
    plans = PaymentPlan.objects.under_way().filter(order=line.order_id)
    if plans.update(state=PaymentPlan.State.ENDED, past_due_since=None, grace_ends_at=None):
        record(line.order, Action.PLAN, detail="ended", now=now)
        restore_access(line.order, Order.PausedFor.INSTALMENT, now=now)
        no_longer_needs(line.order, Order.Attention.PLAN_OVERDUE, now=now)
