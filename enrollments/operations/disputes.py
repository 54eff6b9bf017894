"""Disputes: a bank asks for a payment back, and what that means while it decides and after."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from django.db import transaction
from django.db.models import QuerySet

from enrollments.errors import UnknownPayment
from enrollments.models import Dispute, Enrollment, MoneySettings, Order, Payment
from enrollments.operations import endings
from enrollments.operations.orders import (
    Action,
    ask_for_a_person,
    lock_order,
    no_longer_needs,
    pause_access,
    record,
    restore_access,
)
from enrollments.stripe_gateway import DisputeView

logger = logging.getLogger(__name__)
Attention, PausedFor = Order.Attention, Order.PausedFor


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a status means. ``access``: kept, rests if the practice wants it to, opens, ends."""

    is_open: bool
    needs_a_person: bool
    access: Literal["keep", "rest", "open", "end"]


# An inquiry ("warning") moves no money. "prevented" was settled before it became a dispute.
MEANINGS = {
    "warning_needs_response": Meaning(is_open=False, needs_a_person=True, access="keep"),
    "warning_under_review": Meaning(is_open=False, needs_a_person=False, access="keep"),
    "warning_closed": Meaning(is_open=False, needs_a_person=False, access="open"),
    "needs_response": Meaning(is_open=True, needs_a_person=True, access="rest"),
    "under_review": Meaning(is_open=True, needs_a_person=False, access="rest"),
    "won": Meaning(is_open=False, needs_a_person=False, access="open"),
    "lost": Meaning(is_open=False, needs_a_person=True, access="end"),
    "prevented": Meaning(is_open=False, needs_a_person=True, access="keep"),
    "appeal_needs_response": Meaning(is_open=True, needs_a_person=True, access="keep"),
    "appeal_under_review": Meaning(is_open=True, needs_a_person=False, access="keep"),
}
# Stripe adds statuses: staff look, nothing is taken away, and no money is moved meanwhile.
UNKNOWN = Meaning(is_open=True, needs_a_person=True, access="keep")
# Nothing comes after these but an appeal.
DECIDED = ("won", "lost", "warning_closed", "prevented")
APPEALS = ("appeal_needs_response", "appeal_under_review")


def meaning_of(status: str) -> Meaning:
    """What Stripe's word for a dispute's status means here."""
    return MEANINGS.get(status, UNKNOWN)


def open_disputes(order: Order) -> QuerySet[Dispute]:
    """The disputes that keep money from being given back: the bank has it, or may take it."""
    settled = [status for status, meaning in MEANINGS.items() if not meaning.is_open]
    return Dispute.objects.filter(order=order).exclude(status__in=settled)


@transaction.atomic
def take_in_dispute(view: DisputeView, *, now: datetime) -> Order:
    """The order of a dispute, brought up to what Stripe has of it. Again changes nothing.

    Raises:
        UnknownPayment: it is of no payment of ours.
    """
    payment = _payment(view.payment_intent_id)
    order = lock_order(payment.order_id)
    dispute = Dispute.objects.filter(stripe_id=view.dispute_id).first()
    if dispute and (dispute.status == view.status or _is_older(view.status, dispute.status)):
        return order
    dispute = dispute or Dispute(stripe_id=view.dispute_id, order=order, payment=payment)
    dispute.amount_cents, dispute.currency = view.amount_cents, view.currency
    dispute.reason, dispute.status = view.reason[:60], view.status[:60]
    dispute.evidence_due_by, dispute.opened_at = view.evidence_due_by, view.created
    dispute.changed_at = now
    dispute.save()
    record(order, Action.DISPUTE, detail=f"{dispute.stripe_id} {dispute.status}", now=now)
    _act(order, dispute, now)
    return order


def _payment(payment_intent_id: str) -> Payment:
    payment = Payment.objects.filter(payment_intent_id=payment_intent_id).first()
    if payment is None:
        raise UnknownPayment(payment_intent_id)
    return payment


def _is_older(told: str, known: str) -> bool:
    """A decision stands, however late an earlier answer comes; only an appeal follows it."""
    return known in DECIDED and told not in (*DECIDED, *APPEALS)


def _act(order: Order, dispute: Dispute, now: datetime) -> None:
    meaning = meaning_of(dispute.status)
    if dispute.status not in MEANINGS:
        logger.error("dispute %s has the unknown status %s", dispute.stripe_id, dispute.status)
    if meaning.needs_a_person:
        ask_for_a_person(order, Attention.DISPUTED, now=now)
    if meaning.access == "rest":
        rest_while_disputed(order, now=now)
    elif meaning.access == "open" and not open_disputes(order).exists():
        restore_access(order, PausedFor.DISPUTE, now=now)
        no_longer_needs(order, Attention.DISPUTED, now=now)
    elif meaning.access == "end":
        _end_what_was_taken_back(order, now)


def rest_while_disputed(order: Order, *, now: datetime) -> None:
    """Let access rest while the bank decides, if the practice wants it to.

    Called again when access opens that had rested for another reason.
    """
    resting = [status for status, meaning in MEANINGS.items() if meaning.access == "rest"]
    is_disputed = Dispute.objects.filter(order=order, status__in=resting).exists()
    if is_disputed and MoneySettings.load().pauses_access_on_dispute:
        pause_access(order, PausedFor.DISPUTE, now=now)


def _end_what_was_taken_back(order: Order, now: datetime) -> None:
    """The bank took the payment back, so all that it paid for ends."""
    for line in order.lines.all():
        before = not endings.has_begun(line, now)
        consequence = endings.Consequence(ends_access=True, frees_seat=before, ends_plan=True)
        endings.end_line(line, consequence, to=Enrollment.State.ENDED, now=now)
    restore_access(order, PausedFor.DISPUTE, now=now)


@transaction.atomic
def take_in_warning(payment_intent_id: str, *, now: datetime) -> Order:
    """The order of a payment that Stripe thinks was not its owner's; staff decide.

    Raises:
        UnknownPayment: it is of no payment of ours.
    """
    order = lock_order(_payment(payment_intent_id).order_id)
    ask_for_a_person(order, Attention.FRAUD_WARNING, now=now)
    return order
