"""Stripe's events: each is acted on once, and what came of it is kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from enrollments import stripe_gateway
from enrollments.errors import UnknownCheckout, UnknownPayment, UnknownPlan
from enrollments.models import Order, StripeEvent
from enrollments.operations import disputes, fulfilment, instalments, plans, refunds_at_stripe
from enrollments.stripe_gateway import Event, GatewayError, NoSuchObject

logger = logging.getLogger(__name__)
Outcome = StripeEvent.Outcome


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How an event is read: its object fetched fresh, then what that means for an order."""

    fetch: Callable[[str], Any]
    apply: Callable[..., Order]


CHECKOUT = Reading(
    fetch=stripe_gateway.get_checkout,
    apply=fulfilment.settle,
)
REFUND = Reading(
    fetch=stripe_gateway.get_refund,
    apply=refunds_at_stripe.take_in_refund,
)
DISPUTE = Reading(
    fetch=stripe_gateway.get_dispute,
    apply=disputes.take_in_dispute,
)
WARNING = Reading(
    fetch=stripe_gateway.get_warned_payment,
    apply=disputes.take_in_warning,
)
INVOICE = Reading(
    fetch=stripe_gateway.get_plan_of_invoice,
    apply=instalments.take_in,
)
SUBSCRIPTION = Reading(
    fetch=stripe_gateway.get_plan,
    apply=instalments.take_in,
)
SCHEDULE = Reading(
    fetch=stripe_gateway.get_plan_of_schedule,
    apply=instalments.take_in,
)
CUSTOMER = Reading(
    fetch=stripe_gateway.get_customer_card,
    apply=plans.take_in_card,
)
# The type says only which object to look at; the object fetched fresh says what it means.
HANDLED = {
    "checkout.session.completed": CHECKOUT,
    "checkout.session.async_payment_succeeded": CHECKOUT,
    "checkout.session.async_payment_failed": CHECKOUT,
    "checkout.session.expired": CHECKOUT,
    "refund.created": REFUND,
    "refund.updated": REFUND,
    "refund.failed": REFUND,
    "charge.dispute.created": DISPUTE,
    "charge.dispute.updated": DISPUTE,
    "charge.dispute.closed": DISPUTE,
    "charge.dispute.funds_withdrawn": DISPUTE,
    "charge.dispute.funds_reinstated": DISPUTE,
    "radar.early_fraud_warning.created": WARNING,
    "invoice.paid": INVOICE,
    "invoice.payment_action_required": INVOICE,
    "invoice.payment_failed": INVOICE,
    "invoice.voided": INVOICE,
    "customer.subscription.deleted": SUBSCRIPTION,
    "customer.subscription.updated": SUBSCRIPTION,
    "subscription_schedule.aborted": SCHEDULE,
    "subscription_schedule.canceled": SCHEDULE,
    "subscription_schedule.completed": SCHEDULE,
    "subscription_schedule.released": SCHEDULE,
    "subscription_schedule.updated": SCHEDULE,
    "customer.updated": CUSTOMER,
}


class HandlingFailed(Exception):
    """The event had no effect; Stripe should deliver it again."""


def receive(event: Event) -> bool:
    """Act on ``event`` unless that was done before; whether it was acted on now.

    Raises:
        HandlingFailed: nothing was changed but the event's own row, which keeps the error.
    """
    reading = HANDLED.get(event.type)
    if reading is None:
        return False
    if event.api_version != stripe_gateway.API_VERSION:
        logger.error("event %s has API version %s", event.id, event.api_version)
    if StripeEvent.objects.filter(pk=event.id, outcome=Outcome.DONE).exists():
        return False
    try:
        _act(event, reading, reading.fetch(event.object_id), timezone.now())
    except (NoSuchObject, UnknownCheckout, UnknownPayment, UnknownPlan):
        logger.warning("event %s is about nothing of ours: %s", event.id, event.object_id)
        _keep(event, Outcome.NOT_OURS)
        return False
    except GatewayError as error:
        _keep(event, Outcome.ERROR, error=str(error))
        raise HandlingFailed from error
    except Exception as error:
        logger.exception("event %s failed", event.id)
        # Its own text may hold personal data: keep the kind.
        _keep(event, Outcome.ERROR, error=type(error).__name__)
        raise HandlingFailed from error
    return True


@transaction.atomic
def _act(event: Event, reading: Reading, view: Any, now: datetime) -> None:
    """The row and the effect are one transaction: both happen, or neither."""
    row = StripeEvent(pk=event.id, **_row(event, Outcome.DONE))
    StripeEvent.objects.bulk_create([row], ignore_conflicts=True)
    # Of several deliveries at once, one goes on and the others wait here for what came of it.
    StripeEvent.objects.select_for_update().get(pk=event.id)
    order = reading.apply(view, now=now)
    StripeEvent.objects.filter(pk=event.id).update(outcome=Outcome.DONE, error="", order=order)


def _keep(event: Event, outcome: StripeEvent.Outcome, *, error: str = "") -> None:
    """Never over a row that is done: another delivery of the same event may have succeeded."""
    _, created = StripeEvent.objects.get_or_create(
        pk=event.id, defaults=_row(event, outcome, error=error)
    )
    if not created:
        # Asked and written in one statement: that delivery may succeed at this very moment.
        undone = StripeEvent.objects.filter(pk=event.id).exclude(outcome=Outcome.DONE)
        undone.update(outcome=outcome, error=error)


def _row(event: Event, outcome: StripeEvent.Outcome, *, error: str = "") -> dict[str, Any]:
    fields = asdict(event)
    del fields["id"]
    return {**fields, "outcome": outcome, "error": error[:200]}
