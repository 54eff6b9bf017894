"""Charges: what Stripe has taken, whatever it was for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import stripe

from enrollments.stripe_gateway.client import ask, client, id_of

if TYPE_CHECKING:
    from stripe.params import ChargeListParams


@dataclass(frozen=True, kw_only=True)
class ChargeView:
    """A charge as Stripe has it now. What an instalment was charged for names no order."""

    charge_id: str
    payment_intent_id: str
    has_succeeded: bool
    order_reference: str
    installation_code: str
    created_at: datetime


def list_charges(since: datetime) -> Iterator[ChargeView]:
    """Every charge made at or after ``since``, newest first; asks page by page.

    Raises:
        GatewayError: no usable answer.
    """
    params: ChargeListParams = {"created": {"gte": int(since.timestamp())}, "limit": 100}
    page = ask(lambda: client().v1.charges.list(params))
    while True:
        yield from (_charge(charge) for charge in page.data)
        if not page.has_more:
            return
        params["starting_after"] = page.data[-1].id
        page = ask(lambda: client().v1.charges.list(params))


def _charge(charge: stripe.Charge) -> ChargeView:
    metadata = charge.metadata.to_dict()
    return ChargeView(
        charge_id=charge.id,
        payment_intent_id=id_of(charge.payment_intent),
        has_succeeded=charge.status == "succeeded",
        order_reference=str(metadata.get("order", "")),
        installation_code=str(metadata.get("installation", "")),
        created_at=datetime.fromtimestamp(charge.created, tz=UTC),
    )
