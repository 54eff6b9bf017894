"""Payment plans: a quarter paid in monthly instalments, never more than agreed.

Two locks guard the end of a plan: the schedule that Stripe is given as soon as the first
instalment is paid, and our own count. Everything that asks Stripe is here and safe to repeat;
what its answers mean is ``operations.instalments``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_tasks import task

from enrollments import stripe_gateway
from enrollments.errors import UnknownPlan
from enrollments.models import Instalment, Order, Payment, PaymentPlan
from enrollments.operations import instalments
from enrollments.operations.instalments import take_in
from enrollments.operations.orders import ask_for_a_person, lock_order
from enrollments.stripe_gateway import (
    Checkout,
    GatewayError,
    GatewayFailed,
    GatewayRefused,
    NoSuchObject,
    PlanView,
)

logger = logging.getLogger(__name__)
State, Attention = PaymentPlan.State, Order.Attention

# A subscription without a plan is being settled at this moment, or was forgotten.
SETTLED_DOWN = timedelta(hours=1)


def begin(order: Order, checkout: Checkout, payment: Payment | None, *, now: datetime) -> None:
    """The plan of a locked order whose first instalment was paid; its end is set by a task."""
    line = next(line for line in order.lines.all() if line.quarter_id)
    plan = PaymentPlan.objects.create(
        order=order,
        subscription_id=checkout.subscription_id,
        customer_id=checkout.customer_id,
        instalment_count=order.instalment_count or 1,
        instalment_cents=order.instalment_cents or 0,
        # She paid on a page that was made before her address was changed.
        has_old_address=order.address != order.email,
        created_at=now,
    )
    Instalment.objects.create(
        plan=plan,
        number=1,
        invoice_id=checkout.invoice_id,
        payment=payment,
        # What else was bought with it was paid together with it.
        amount_cents=checkout.total_cents if line.paid_cents is None else line.paid_cents,
        paid_at=now,
    )
    set_end_soon.enqueue(plan.pk)


@task()
def set_end_soon(plan_id: int) -> None:
    """Have a worker give the plan its end. What fails now is done by ``settle_plans``."""
    _try(partial(set_end, plan_id=plan_id), timezone.now())


def _try(act: Callable[..., None], now: datetime) -> bool:
    """Whether it was done; if not, it is done the next time."""
    try:
        act(now=now)
    except GatewayError as error:
        logger.warning("a plan waits for Stripe: %s", error)
        return False
    return True


def settle_plans(*, now: datetime) -> int:
    """How many plans needed something, and got it. A second run changes nothing."""
    return sum(_try(act, now) for act in _due(now))


def _due(now: datetime) -> Iterator[Callable[..., None]]:
    plans = PaymentPlan.objects
    for plan_id in list(plans.without_end().values_list("pk", flat=True)):
        yield partial(set_end, plan_id=plan_id)
    for plan_id in list(plans.to_stop().values_list("pk", flat=True)):
        yield partial(stop, plan_id=plan_id)
    for plan_id in list(plans.out_of_grace(now).values_list("pk", flat=True)):
        yield partial(suspend_unless_paid, plan_id=plan_id)
    for plan_id in list(plans.with_old_address().values_list("pk", flat=True)):
        yield partial(tell_address, plan_id=plan_id)
    opened = plans.filter(state=State.SUSPENDED, order__paused_for="")
    for plan_id in list(opened.values_list("pk", flat=True)):
        yield partial(instalments.rest_again, plan_id=plan_id)


def set_end(*, plan_id: int, now: datetime) -> None:
    """Let Stripe end the plan after the last instalment; again changes nothing.

    Killed at any step, the next run goes on from what Stripe has.

    Raises:
        GatewayError: its end is not set; staff know, if Stripe refused.
    """
    plan = PaymentPlan.objects.without_end().select_related("order").filter(pk=plan_id).first()
    if plan is None:
        return
    view = stripe_gateway.get_plan(plan.subscription_id)
    if not view.is_over and (view.months is None or view.months > plan.instalment_count):
        _ask_for_end(plan, view, now)
        view = stripe_gateway.get_plan(plan.subscription_id)
    take_in(view, now=now)


def _ask_for_end(plan: PaymentPlan, view: PlanView, now: datetime) -> None:
    try:
        _schedule(plan, view)
    except GatewayFailed:
        # The same key would get the same failure for a day.
        PaymentPlan.objects.filter(pk=plan.pk, tries=plan.tries).update(tries=F("tries") + 1)
        raise
    except GatewayRefused:
        _tell_staff(plan.order_id, now)
        raise


def _schedule(plan: PaymentPlan, view: PlanView) -> None:
    schedule = view.schedule or stripe_gateway.create_schedule(
        plan.subscription_id, idempotency_key=_key("schedule", plan)
    )
    # Made late, it begins with the month that runs.
    months = plan.instalment_count - stripe_gateway.months_between(
        view.started_at, schedule.starts_at
    )
    if months < 1:
        stripe_gateway.cancel_plan(plan.subscription_id)
        return
    stripe_gateway.end_schedule(schedule, months=months, idempotency_key=_key("schedule-end", plan))


def _key(what: str, plan: PaymentPlan) -> str:
    key = f"{what}:{plan.order.uuid}"
    return key if plan.tries == 1 else f"{key}:{plan.tries}"


@transaction.atomic
def _tell_staff(order_id: int, now: datetime) -> None:
    ask_for_a_person(lock_order(order_id), Attention.PLAN_TROUBLE, now=now)


def stop(*, plan_id: int, now: datetime) -> None:
    """Let Stripe take nothing more for a plan that is over; again changes nothing.

    Raises:
        GatewayError: Stripe has not confirmed it.
    """
    plan = PaymentPlan.objects.to_stop().filter(pk=plan_id).first()
    if plan is None:
        return
    try:
        stripe_gateway.cancel_plan(plan.subscription_id)
    except NoSuchObject:
        _tell_staff(plan.order_id, now)
        raise
    view = stripe_gateway.get_plan(plan.subscription_id)
    for invoice in view.invoices:
        if invoice.status == "open":
            # One that is paid at this very moment is refused, and goes back the next time.
            stripe_gateway.void_invoice(invoice.invoice_id)
    take_in(view, now=now)


def suspend_unless_paid(*, plan_id: int, now: datetime) -> None:
    """Ask Stripe once more, then let access rest if the instalment has still not come.

    Raises:
        GatewayError: nobody loses access because Stripe could not be asked.
    """
    bring_up_to_date(plan_id=plan_id, now=now)
    instalments.suspend(plan_id=plan_id, now=now)


def bring_up_to_date(*, plan_id: int, now: datetime) -> PlanView:
    """The plan as Stripe has it now, once our books have followed it.

    Raises:
        GatewayError: Stripe could not be asked.
    """
    plan = PaymentPlan.objects.get(pk=plan_id)
    view = stripe_gateway.get_plan(plan.subscription_id)
    take_in(view, now=now)
    return view


def check_plans(*, now: datetime) -> None:
    """Compare every plan that is under way with Stripe, and stop what is asked for without one.

    Raises:
        GatewayError: Stripe could not be asked.
    """
    for plan_id in list(PaymentPlan.objects.under_way().values_list("pk", flat=True)):
        bring_up_to_date(plan_id=plan_id, now=now)
    for view in stripe_gateway.list_running_plans():
        order = _order_without_plan(view, now)
        if order:
            stripe_gateway.cancel_plan(view.subscription_id)
            # What it was for is missing, and says more than that it was ended.
            if order.attention != Attention.RESTORED:
                _tell_staff(order.pk, now)
            logger.error("subscription %s had no plan and was ended", view.subscription_id)


def _order_without_plan(view: PlanView, now: datetime) -> Order | None:
    """The order of ours that a subscription names, without being that order's plan."""
    if PaymentPlan.objects.filter(subscription_id=view.subscription_id).exists():
        return None
    if view.started_at > now - SETTLED_DOWN:
        return None
    try:
        return Order.objects.filter(uuid=UUID(view.order_reference)).first()
    except ValueError:
        return None


def stop_what_was_not_agreed(checkout: Checkout) -> None:
    """A page that was paid twice, or otherwise than agreed, must not be paid every month."""
    if checkout.subscription_id:
        stop_subscription.enqueue(checkout.subscription_id)


@task()
def stop_subscription(subscription_id: str) -> None:
    """Have a worker end a subscription that is no plan. ``check_plans`` finds what it could not."""
    try:
        stripe_gateway.cancel_plan(subscription_id)
    except GatewayError as error:
        logger.error("subscription %s still runs: %s", subscription_id, error)  # noqa: TRY400


def take_in_card(card: tuple[str, str], *, now: datetime) -> Order:  # noqa: ARG001 (as the others)
    """An order of the customer who has chosen a card, which her plans are paid with from now on.

    Raises:
        UnknownPlan: she has no plan under way.
    """
    customer_id, card_id = card
    plans = list(PaymentPlan.objects.under_way().filter(customer_id=customer_id))
    if not plans:
        raise UnknownPlan(customer_id)
    for plan in plans:
        use_card_soon.enqueue(plan.pk, card_id)
    return plans[0].order


@task()
def use_card_soon(plan_id: int, card_id: str) -> None:
    """Have a worker pay the plan with that card."""
    _try(partial(use_card, plan_id=plan_id, card_id=card_id), timezone.now())


def use_card(*, plan_id: int, card_id: str, now: datetime) -> None:
    """Let a plan, and what is unpaid of it, be paid with that card; again changes nothing.

    The portal may leave a subscription the card that it began with.

    Raises:
        GatewayError: Stripe could not be asked; it may try the old card again.
    """
    view = bring_up_to_date(plan_id=plan_id, now=now)
    if view.is_over or not card_id or view.card_id == card_id:
        return
    stripe_gateway.set_card(view.subscription_id, card_id)
    for invoice in view.invoices:
        if invoice.is_unpaid:
            stripe_gateway.pay_invoice(invoice.invoice_id, card_id)
    bring_up_to_date(plan_id=plan_id, now=now)


def tell_address(*, plan_id: int, now: datetime) -> None:  # noqa: ARG001 (as the others)
    """Let Stripe have the address that the plan's member has now.

    Raises:
        GatewayError: Stripe could not be asked; it is told the next time.
    """
    plan = PaymentPlan.objects.select_related("order__member").get(pk=plan_id)
    told = plan.order.address
    stripe_gateway.set_customer_email(plan.customer_id, told)
    # Changed again meanwhile: then it is told once more.
    same = PaymentPlan.objects.filter(pk=plan_id, order__member__email=told)
    same.update(has_old_address=False)


def portal_page(plan: PaymentPlan, *, return_url: str) -> str:
    """The address where the plan's buyer changes her card; made anew for each visit.

    Raises:
        GatewayError: there is none now.
    """
    return stripe_gateway.create_portal_page(plan.customer_id, return_url=return_url)


def page_to_pay(plan: PaymentPlan, *, now: datetime) -> str:
    """The address where the oldest unpaid instalment can be paid; empty when none is unpaid.

    Raises:
        GatewayError: Stripe could not be asked.
    """
    view = bring_up_to_date(plan_id=plan.pk, now=now)
    return next((invoice.hosted_url for invoice in view.invoices if invoice.is_unpaid), "")
