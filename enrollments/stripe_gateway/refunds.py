"""Refunds: asking for one, and what Stripe has of a payment's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import stripe

from enrollments.stripe_gateway.client import ask, client, id_of

if TYPE_CHECKING:
    from stripe.params import RefundListParams


@dataclass(frozen=True, kw_only=True)
class RefundView:
    """A refund as Stripe has it now. ``status`` is Stripe's own word, unknown ones included.

    ``reference`` is our own number of it; empty for one that was made in the dashboard.
    """

    refund_id: str
    payment_intent_id: str
    amount_cents: int
    currency: str
    status: str
    reference: str
    created: datetime


def create_refund(
    *,
    payment_intent_id: str,
    amount_cents: int,
    reference: str,
    order_reference: str,
    idempotency_key: str,
) -> RefundView:
    """A refund of a payment, or of a part of it.

    Raises:
        GatewayRefused: more than is left of it, disputed, or given back already.
        GatewayError: nothing is known to have been given back.
    """
    return _refund(
        ask(
            lambda: client().v1.refunds.create(
                {
                    "payment_intent": payment_intent_id,
                    "amount": amount_cents,
                    "metadata": {"refund": reference, "order": order_reference},
                },
                {"idempotency_key": idempotency_key},
            )
        )
    )


def get_refund(refund_id: str) -> RefundView:
    """The refund as it is at Stripe now.

    Raises:
        NoSuchObject: Stripe does not know it.
        GatewayError: no usable answer.
    """
    return _refund(ask(lambda: client().v1.refunds.retrieve(refund_id)))


def list_refunds(payment_intent_id: str) -> Iterator[RefundView]:
    """Every refund of a payment, the dashboard's too, newest first.

    Raises:
        GatewayError: no usable answer.
    """
    params: RefundListParams = {"payment_intent": payment_intent_id, "limit": 100}
    page = ask(lambda: client().v1.refunds.list(params))
    while True:
        yield from (_refund(refund) for refund in page.data)
        if not page.has_more:
            return
        params["starting_after"] = page.data[-1].id
        page = ask(lambda: client().v1.refunds.list(params))


def _refund(refund: stripe.Refund) -> RefundView:
    metadata = refund.metadata.to_dict() if refund.metadata else {}
    return RefundView(
        refund_id=refund.id,
        payment_intent_id=id_of(refund.payment_intent),
        amount_cents=refund.amount,
        currency=refund.currency,
        status=refund.status or "",
        reference=str(metadata.get("refund", "")),
        created=datetime.fromtimestamp(refund.created, tz=UTC),
    )
