"""Instalments: what came of a plan, what did not, and what that means for access.

Events only say which plan to look at. ``take_in`` brings it up to all that Stripe has of it, so
that they may come twice, late or in any order. Nothing here asks Stripe.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from enrollments import emails
from enrollments.errors import PlanNotOverdue, UnknownPlan
from enrollments.models import (
    Enrollment,
    Instalment,
    MoneySettings,
    Order,
    OrderLine,
    Payment,
    PaymentPlan,
    Refund,
)
from enrollments.operations import disputes, endings, refunds
from enrollments.operations.orders import (
    Action,
    ask_for_a_person,
    lock_order,
    no_longer_needs,
    pause_access,
    record,
    restore_access,
)
from enrollments.stripe_gateway import InvoiceView, PlanView

logger = logging.getLogger(__name__)
State, Attention, PausedFor = PaymentPlan.State, Order.Attention, Order.PausedFor


@transaction.atomic
def take_in(view: PlanView, *, now: datetime) -> Order:
    """The order of a plan, brought up to what Stripe has of it. Again changes nothing.

    Raises:
        UnknownPlan: the subscription belongs to no order of ours.
    """
    found = PaymentPlan.objects.filter(subscription_id=view.subscription_id).first()
    if found is None:
        raise UnknownPlan(view.subscription_id)
    plan = locked(found.pk)
    for invoice in view.invoices:
        if invoice.is_paid:
            _take_paid(plan, invoice, now)
    if plan.is_under_way:
        _follow(plan, view, now)
    elif view.is_over and plan.subscription_ended_at is None:
        plan.subscription_ended_at = view.ended_at or now
    plan.save()
    return plan.order


def locked(plan_id: int) -> PaymentPlan:
    """The plan as it is under the locks of its order, which end with the transaction."""
    order_id = PaymentPlan.objects.values_list("order_id", flat=True).get(pk=plan_id)
    order = lock_order(order_id)
    plan = PaymentPlan.objects.get(pk=plan_id)
    plan.order = order
    return plan


def quarter_line(plan: PaymentPlan) -> OrderLine:
    """What the plan pays for."""
    return plan.order.lines.get(quarter__isnull=False)


def _take_paid(plan: PaymentPlan, invoice: InvoiceView, now: datetime) -> None:
    """Recording money never refuses; more than was agreed goes back."""
    if plan.instalments.filter(invoice_id=invoice.invoice_id).exists():
        return
    if Payment.objects.filter(payment_intent_id=invoice.payment_intent_id).exists():
        return
    payment = _record_payment(plan, invoice, now)
    number = plan.instalments.count() + 1
    if not plan.is_under_way or number > plan.instalment_count:
        _give_back(plan, payment, now)
        return
    Instalment.objects.create(
        plan=plan,
        number=number,
        invoice_id=invoice.invoice_id,
        payment=payment,
        amount_cents=invoice.amount_paid_cents,
        paid_at=invoice.paid_at or now,
    )
    if payment:
        line = quarter_line(plan)
        line.paid_cents = (line.paid_cents or 0) + payment.amount_cents
        line.save(update_fields=["paid_cents"])
    if plan.order.member and not plan.order.member.is_active:
        ask_for_a_person(plan.order, Attention.ACCOUNT_CLOSED, now=now)
    agreed = (plan.instalment_cents, plan.order.currency)
    if (invoice.amount_paid_cents, invoice.currency) != agreed:
        ask_for_a_person(plan.order, Attention.PLAN_TROUBLE, now=now)
    if number == plan.instalment_count:
        _finish(plan, now)


def _record_payment(plan: PaymentPlan, invoice: InvoiceView, now: datetime) -> Payment | None:
    """What came through Stripe; nothing for an invoice that cost nothing or was paid elsewhere."""
    if not invoice.payment_intent_id or not invoice.amount_paid_cents:
        return None
    return Payment.objects.create(
        order=plan.order,
        payment_intent_id=invoice.payment_intent_id,
        amount_cents=invoice.amount_paid_cents,
        currency=invoice.currency,
        received_at=invoice.paid_at or now,
    )


def _give_back(plan: PaymentPlan, payment: Payment | None, now: datetime) -> None:
    """More than was agreed: the money goes back, and Stripe is told again that it is over."""
    if payment is None:
        return
    refunds.give_back_payment(payment, reason=Refund.Reason.TOO_MANY_INSTALMENTS, now=now)
    ask_for_a_person(plan.order, Attention.PLAN_TROUBLE, now=now)
    plan.subscription_ended_at = None
    logger.error("plan %s was paid more than agreed: %s", plan.pk, payment.payment_intent_id)


def _finish(plan: PaymentPlan, now: datetime) -> None:
    _open_again(plan, State.FINISHED, now)
    plan.save()
    emails.queue("plan_finished", plan.order)


def _open_again(
    plan: PaymentPlan, state: PaymentPlan.State, now: datetime, by: User | None = None
) -> None:
    """Nothing is owed now: what rested for an instalment is open."""
    plan.state = state
    plan.overdue_invoice_id, plan.past_due_since, plan.grace_ends_at = "", None, None
    _restore(plan, now, by)


def _restore(plan: PaymentPlan, now: datetime, by: User | None = None) -> None:
    restore_access(plan.order, PausedFor.INSTALMENT, now=now, by=by)
    disputes.rest_while_disputed(plan.order, now=now)
    no_longer_needs(plan.order, Attention.PLAN_OVERDUE, now=now)


def _follow(plan: PaymentPlan, view: PlanView, now: datetime) -> None:
    """A plan of which more should come: is anything owed, and does Stripe know its end?"""
    taken = set(plan.instalments.values_list("invoice_id", flat=True))
    # What was paid meanwhile may be told of late.
    unpaid = [i for i in view.invoices if i.is_unpaid and i.invoice_id not in taken]
    over = {i.invoice_id for i in view.invoices if i.status not in ("open", "draft")} | taken
    if view.is_over:
        _stop_early(plan, view, now)
        return
    if unpaid:
        _fall_behind(plan, unpaid[-1], now)
    elif plan.is_overdue and plan.overdue_invoice_id in over:
        _open_again(plan, State.ACTIVE if plan.schedule_id else State.UNSCHEDULED, now)
        emails.queue("instalment_received", plan.order)
    _look_at_end(plan, view, now)


def _look_at_end(plan: PaymentPlan, view: PlanView, now: datetime) -> None:
    months = view.months
    if months is None or months > plan.instalment_count:
        _lose_end(plan, now)
        return
    # Ended by a schedule, or on a day of its own.
    plan.schedule_id = view.schedule.schedule_id if view.schedule else view.subscription_id
    if plan.state == State.UNSCHEDULED:
        plan.state = State.ACTIVE
        record(plan.order, Action.PLAN, detail="its end is set", now=now)
    if months < plan.instalment_count:
        ask_for_a_person(plan.order, Attention.PLAN_TROUBLE, now=now)


def _lose_end(plan: PaymentPlan, now: datetime) -> None:
    """Its end was taken away at Stripe: it is set again, under another key."""
    if not plan.schedule_id:
        return
    plan.schedule_id = ""
    plan.tries += 1
    if plan.state == State.ACTIVE:
        plan.state = State.UNSCHEDULED
    record(plan.order, Action.PLAN, detail="its end was taken away", now=now)


def _fall_behind(plan: PaymentPlan, invoice: InvoiceView, now: datetime) -> None:
    """An instalment did not come. She is told once; access goes on for the days of grace."""
    is_new = invoice.invoice_id != plan.overdue_invoice_id
    if not plan.is_overdue:
        plan.state, plan.past_due_since = State.PAST_DUE, now
    if is_new and plan.grace_ends_at is None:
        plan.grace_ends_at = now + timedelta(days=MoneySettings.load().days_of_grace)
    plan.overdue_invoice_id = invoice.invoice_id
    told = f"{invoice.invoice_id} was not paid"
    if plan.order.ledger.filter(detail=told).exists():
        return
    record(plan.order, Action.PLAN, detail=told, now=now)
    plan.save()
    emails.queue("instalment_confirm" if invoice.needs_her else "instalment_failed", plan.order)


def _stop_early(plan: PaymentPlan, view: PlanView, now: datetime) -> None:
    """It ended at Stripe before all of it was paid; only people decide what follows."""
    plan.subscription_ended_at = plan.subscription_ended_at or view.ended_at or now
    if plan.state != State.SUSPENDED:
        _suspend(plan, now)
        plan.save()
        emails.queue("plan_stopped", plan.order)


def _suspend(plan: PaymentPlan, now: datetime) -> None:
    plan.state, plan.past_due_since = State.SUSPENDED, plan.past_due_since or now
    record(plan.order, Action.PLAN, detail="suspended", now=now)
    pause_access(plan.order, PausedFor.INSTALMENT, now=now)
    ask_for_a_person(plan.order, Attention.PLAN_OVERDUE, now=now)


@transaction.atomic
def suspend(*, plan_id: int, now: datetime) -> PaymentPlan:
    """The plan, suspended if its days of grace are over. Again changes nothing."""
    plan = locked(plan_id)
    if plan.state == State.PAST_DUE and plan.grace_ends_at and plan.grace_ends_at <= now:
        _suspend(plan, now)
        plan.save()
        emails.queue("plan_resting", plan.order)
    return plan


@transaction.atomic
def rest_again(*, plan_id: int, now: datetime) -> None:
    """Let a suspended plan's access rest that something else, such as a dispute, opened again."""
    plan = locked(plan_id)
    if plan.state == State.SUSPENDED:
        pause_access(plan.order, PausedFor.INSTALMENT, now=now)


@transaction.atomic
def give_more_days(*, plan_id: int, days: int, by: User, now: datetime) -> PaymentPlan:
    """The plan, with access open for so many more days.

    Raises:
        PlanNotOverdue: it was paid, or has ended.
    """
    plan = _overdue(plan_id)
    was_resting = plan.state == State.SUSPENDED
    plan.state, plan.grace_ends_at = State.PAST_DUE, now + timedelta(days=days)
    plan.save()
    record(plan.order, Action.PLAN, detail=f"{days} more days", by=by, now=now)
    _restore(plan, now, by)
    if was_resting:
        emails.queue("plan_open", plan.order)
    return plan


@transaction.atomic
def open_access(*, plan_id: int, by: User, now: datetime) -> PaymentPlan:
    """The plan, with access open though an instalment is missing, until another one is.

    When nothing more can come of it, what is missing is let go, and the plan is over.

    Raises:
        PlanNotOverdue: it was paid, or has ended.
    """
    plan = _overdue(plan_id)
    was_resting = plan.state == State.SUSPENDED
    if plan.subscription_ended_at:
        _open_again(plan, State.ENDED, now, by)
    else:
        plan.state, plan.grace_ends_at = State.PAST_DUE, None
        _restore(plan, now, by)
    plan.save()
    record(plan.order, Action.PLAN, detail="left open", by=by, now=now)
    if was_resting:
        emails.queue("plan_open", plan.order)
    return plan


@transaction.atomic
def end(*, plan_id: int, by: User, now: datetime) -> PaymentPlan:
    """The plan, ended together with what it paid for; a seat is free if its group has not met.

    Raises:
        PlanNotOverdue: it was paid, or has ended.
    """
    plan = _overdue(plan_id)
    line = quarter_line(plan)
    line.order = plan.order
    consequence = endings.Consequence(
        ends_access=True, frees_seat=not endings.has_begun(line, now), ends_plan=True
    )
    record(plan.order, Action.PLAN, detail="ended by staff", by=by, now=now)
    endings.end_line(line, consequence, to=Enrollment.State.ENDED, now=now)
    emails.queue("plan_ended", plan.order)
    return PaymentPlan.objects.get(pk=plan_id)


def _overdue(plan_id: int) -> PaymentPlan:
    plan = locked(plan_id)
    if not plan.is_overdue:
        raise PlanNotOverdue
    return plan
