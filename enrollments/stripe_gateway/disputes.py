"""Disputes and warnings: what a bank, or Stripe itself, says about a payment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import stripe

from enrollments.stripe_gateway.client import ask, client, id_of

if TYPE_CHECKING:
    from stripe.params import DisputeUpdateParamsEvidence


@dataclass(frozen=True, kw_only=True)
class DisputeView:
    """A dispute as Stripe has it now. ``status`` is Stripe's own word, unknown ones included."""

    dispute_id: str
    payment_intent_id: str
    amount_cents: int
    currency: str
    reason: str
    status: str
    evidence_due_by: datetime | None
    created: datetime


def get_dispute(dispute_id: str) -> DisputeView:
    """The dispute as it is at Stripe now.

    Raises:
        NoSuchObject: Stripe does not know it.
        GatewayError: no usable answer.
    """
    return _dispute(ask(lambda: client().v1.disputes.retrieve(dispute_id)))


def list_disputes(payment_intent_id: str) -> list[DisputeView]:
    """The disputes of a payment; there are never more than a few.

    Raises:
        GatewayError: no usable answer.
    """
    page = ask(lambda: client().v1.disputes.list({"payment_intent": payment_intent_id}))
    return [_dispute(dispute) for dispute in page.data]


def submit_evidence(
    dispute_id: str, fields: Mapping[str, str], *, idempotency_key: str
) -> DisputeView:
    """The dispute, once its bank has the evidence. It is asked for once: nothing is added later.

    ``fields`` are those of Stripe's evidence that take a text.

    Raises:
        GatewayRefused: the bank takes none, or has it already.
        GatewayError: it is not known whether it was sent.
    """
    evidence = cast("DisputeUpdateParamsEvidence", dict(fields))
    return _dispute(
        ask(
            lambda: client().v1.disputes.update(
                dispute_id,
                {"evidence": evidence, "submit": True},
                {"idempotency_key": idempotency_key},
            )
        )
    )


def get_warned_payment(warning_id: str) -> str:
    """The id of the payment intent that an early warning of fraud is about; empty if none.

    Raises:
        NoSuchObject: Stripe does not know the warning.
        GatewayError: no usable answer.
    """
    warning = ask(lambda: client().v1.radar.early_fraud_warnings.retrieve(warning_id))
    return id_of(warning.payment_intent)


def _dispute(dispute: stripe.Dispute) -> DisputeView:
    due_by = dispute.evidence_details.due_by
    return DisputeView(
        dispute_id=dispute.id,
        payment_intent_id=id_of(dispute.payment_intent),
        amount_cents=dispute.amount,
        currency=dispute.currency,
        reason=dispute.reason,
        status=dispute.status,
        evidence_due_by=datetime.fromtimestamp(due_by, tz=UTC) if due_by else None,
        created=datetime.fromtimestamp(dispute.created, tz=UTC),
    )
