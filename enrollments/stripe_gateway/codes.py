"""Promotion codes at Stripe: what lowers the price of a payment page, under a name that is mute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import stripe

from enrollments.stripe_gateway.client import GatewayRefused, ask, client, id_of

if TYPE_CHECKING:
    from stripe.params import CouponCreateParams, PromotionCodeCreateParams

# Printed on the payment page and on Stripe's receipt.
NAME = "Reduced price"
ALREADY_THERE = "resource_already_exists"


@dataclass(frozen=True, kw_only=True)
class CodeRequest:
    """A code to be made: so much off once, at most so often, until a moment.

    ``reference`` is ours; the coupon is called by it, so that there is never a second one.
    ``try_number`` counts the tries that Stripe failed, because it repeats a failure for a day.
    """

    reference: str
    code: str
    percent_off: int | None
    amount_off_cents: int | None
    currency: str
    most_uses: int
    ends_at: datetime | None
    try_number: int = 0

    def options(self, what: str) -> stripe.RequestOptions:
        """The idempotency key under which ``what`` is made."""
        again = f":{self.try_number}" if self.try_number else ""
        return {"idempotency_key": f"{what}:{self.reference}{again}"}


def create_code(request: CodeRequest) -> str:
    """The id of the promotion code for ``request``, made now or by an earlier try.

    Raises:
        GatewayRefused: Stripe does not take it, for example because another one is called so.
        GatewayError: it is not known whether it was made; asking again is safe.
    """
    _make_coupon(request)
    try:
        made = ask(
            lambda: client().v1.promotion_codes.create(
                code_params(request), request.options("code")
            )
        )
    except GatewayRefused:
        earlier = _made_earlier(request)
        if not earlier:
            raise
        return earlier
    return made.id


def _make_coupon(request: CodeRequest) -> None:
    try:
        ask(lambda: client().v1.coupons.create(coupon_params(request), request.options("coupon")))
    except GatewayRefused as refused:
        if refused.code != ALREADY_THERE:
            raise


def _made_earlier(request: CodeRequest) -> str:
    found = ask(lambda: client().v1.promotion_codes.list({"code": request.code, "active": True}))
    ours = (code.id for code in found.data if id_of(code.promotion.coupon) == request.reference)
    return next(ours, "")


def coupon_params(request: CodeRequest) -> CouponCreateParams:
    """Exactly what is sent for the coupon."""
    params: CouponCreateParams = {
        "id": request.reference,
        "name": NAME,
        "duration": "once",
        "metadata": {"code": request.reference},
    }
    if request.percent_off is not None:
        params["percent_off"] = request.percent_off
    else:
        params["amount_off"] = request.amount_off_cents or 0
        params["currency"] = request.currency
    return params


def code_params(request: CodeRequest) -> PromotionCodeCreateParams:
    """Exactly what is sent for the promotion code."""
    params: PromotionCodeCreateParams = {
        "promotion": {"type": "coupon", "coupon": request.reference},
        "code": request.code,
        "max_redemptions": request.most_uses,
        "metadata": {"code": request.reference},
    }
    if request.ends_at is not None:
        params["expires_at"] = int(request.ends_at.timestamp())
    return params


def switch_off_code(promotion_code_id: str) -> None:
    """Let a promotion code lower no price any more.

    Raises:
        GatewayError: nothing is known to have changed.
    """
    ask(lambda: client().v1.promotion_codes.update(promotion_code_id, {"active": False}))
