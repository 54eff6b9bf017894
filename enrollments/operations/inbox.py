"""Stripe's events: each is acted on once, and what came of it is kept."""

from __future__ import annotations

import logging
from dataclasses import asdict

from django.db import transaction
from django.utils import timezone

from enrollments import stripe_gateway
from enrollments.errors import UnknownCheckout
from enrollments.models import StripeEvent
from enrollments.operations.fulfilment import settle
from enrollments.stripe_gateway import Checkout, Event, GatewayError, NoSuchObject

logger = logging.getLogger(__name__)
Outcome = StripeEvent.Outcome

# All of them are about a Checkout Session, and the session fetched fresh says what they mean.
HANDLED = frozenset(
    {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
    }
)


class HandlingFailed(Exception):
    """The event had no effect; Stripe should deliver it again."""


def receive(event: Event) -> None:
    """Act on ``event`` unless that was done before.

    Raises:
        HandlingFailed: nothing was changed but the event's own row, which keeps the error.
    """
    if event.type not in HANDLED:
        return
    if event.api_version != stripe_gateway.API_VERSION:
        logger.error("event %s has API version %s", event.id, event.api_version)
    if StripeEvent.objects.filter(pk=event.id, outcome=Outcome.DONE).exists():
        return
    try:
        _act(event, stripe_gateway.get_checkout(event.object_id))
    except (NoSuchObject, UnknownCheckout):
        logger.warning("event %s is about nothing of ours: %s", event.id, event.object_id)
        _keep(event, Outcome.NOT_OURS)
    except GatewayError as error:
        _keep(event, Outcome.ERROR, error=str(error))
        raise HandlingFailed from error
    except Exception as error:
        logger.exception("event %s failed", event.id)
        # Its own text may hold personal data: keep the kind.
        _keep(event, Outcome.ERROR, error=type(error).__name__)
        raise HandlingFailed from error


@transaction.atomic
def _act(event: Event, checkout: Checkout) -> None:
    """The row and the effect are one transaction: both happen, or neither."""
    StripeEvent.objects.select_for_update().get_or_create(
        pk=event.id, defaults=_row(event, Outcome.DONE)
    )
    settle(checkout, now=timezone.now())
    StripeEvent.objects.filter(pk=event.id).update(outcome=Outcome.DONE, error="")


def _keep(event: Event, outcome: StripeEvent.Outcome, *, error: str = "") -> None:
    """Never over a row that is done: another delivery of the same event may have succeeded."""
    row, created = StripeEvent.objects.get_or_create(
        pk=event.id, defaults=_row(event, outcome, error=error)
    )
    if not created and row.outcome != Outcome.DONE:
        StripeEvent.objects.filter(pk=event.id).update(outcome=outcome, error=error)


def _row(event: Event, outcome: StripeEvent.Outcome, *, error: str = "") -> dict[str, object]:
    fields = asdict(event)
    del fields["id"]
    return {**fields, "outcome": outcome, "error": error[:200]}
