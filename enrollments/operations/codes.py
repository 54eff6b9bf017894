"""Codes that help with the cost: typed in, counted under a lock, made and ended at Stripe.

How often a code may be used is decided here; Stripe's own count is a second lock.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F

from enrollments import stripe_gateway
from enrollments.errors import CodeNotUsable
from enrollments.models import HelpCode, Order
from enrollments.money import can_be_charged
from enrollments.operations import limits
from enrollments.stripe_gateway import GatewayError, GatewayFailed, GatewayRefused

logger = logging.getLogger(__name__)

# Stripe's own lock closes after ours: whoever is at a payment page with a code can still pay.
PAGES_END = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """What a code is to be used for; ``quarter_id`` is empty for a bundle alone.

    ``order`` is the one to be paid with it, once there is one: its own use is no second one.
    """

    quarter_id: int | None
    currency: str
    total_cents: int
    order: Order | None = None


def normalized(typed: str) -> str:
    """A code as it is kept: capitals, without any space."""
    return "".join(typed.split()).upper()


def look_up(typed: str, purchase: Purchase, *, digest: str, now: datetime) -> HelpCode:
    """The code that somebody typed, good for ``purchase`` as things stand.

    Stripe knows it, unless it leaves nothing to pay there.

    ``digest`` is of her network address: wrong codes are counted for it. Only ``lock`` promises
    the use of a code.

    Raises:
        CodeNotUsable: wrong, over, used up or for something else.
        TooManyTries: too many were wrong; this one was not looked at.
        GatewayError: the code is good, and Stripe could not yet be told of it.
    """
    limits.count(limits.Kind.CODES, digest, now=now)
    code = HelpCode.objects.usable(now).filter(code=normalized(typed)).first()
    if code is None or not _is_good_for(code, purchase, now):
        raise CodeNotUsable
    limits.uncount(limits.Kind.CODES, digest, at=now)
    if not code.is_at_stripe and not _is_free_with(code, purchase):
        try:
            publish(code)
        except GatewayRefused as refused:
            raise CodeNotUsable from refused
    return code


def lock(code_id: int, purchase: Purchase, *, now: datetime) -> HelpCode:
    """A code, locked until the transaction ends, with a use left for ``purchase``.

    Lock quarters and the order before it.

    Raises:
        CodeNotUsable: switched off, over or used up meanwhile.
    """
    code = HelpCode.objects.select_for_update().filter(pk=code_id).first()
    if not code or not HelpCode.objects.usable(now).filter(pk=code.pk):
        raise CodeNotUsable
    if not _is_good_for(code, purchase, now):
        raise CodeNotUsable
    if not code.is_at_stripe and not _is_free_with(code, purchase):
        raise CodeNotUsable
    return code


def _is_free_with(code: HelpCode, purchase: Purchase) -> bool:
    return code.takes_off(purchase.total_cents) == purchase.total_cents


def _is_good_for(code: HelpCode, purchase: Purchase, now: datetime) -> bool:
    rest_cents = purchase.total_cents - code.takes_off(purchase.total_cents)
    return (
        code.fits(quarter_id=purchase.quarter_id, currency=purchase.currency)
        and (rest_cents == 0 or can_be_charged(rest_cents, purchase.currency))
        and uses(code, besides=purchase.order, now=now) < code.most_uses
    )


def uses(code: HelpCode, *, now: datetime, besides: Order | None = None) -> int:
    """How often a code is used: by orders that were paid, or can still be paid. One query."""
    counted: Any = HelpCode.objects.with_uses(now, besides=besides).get(pk=code.pk)
    used: int = counted.uses
    return used


def publish(code: HelpCode) -> None:
    """Tell Stripe of a code. Again changes nothing.

    Raises:
        GatewayRefused: Stripe does not take it as it is.
        GatewayError: Stripe could not be asked; the code waits for the next time.
    """
    try:
        promotion_code_id = stripe_gateway.create_code(_request(code))
    except GatewayFailed:
        HelpCode.objects.filter(pk=code.pk).update(failed_tries=F("failed_tries") + 1)
        raise
    HelpCode.objects.filter(pk=code.pk).update(promotion_code_id=promotion_code_id)
    code.promotion_code_id = promotion_code_id


def _request(code: HelpCode) -> stripe_gateway.CodeRequest:
    return stripe_gateway.CodeRequest(
        reference=str(code.uuid),
        code=code.code,
        percent_off=code.percent_off,
        amount_off_cents=code.amount_off_cents,
        currency=code.currency,
        most_uses=code.most_uses,
        ends_at=code.ends_at + PAGES_END if code.ends_at else None,
        try_number=code.failed_tries,
    )


@transaction.atomic
def switch_off(*, code_id: int) -> HelpCode:
    """The code, which nobody can use from now on. Again changes nothing.

    Orders that wait for payment with it keep what was agreed; Stripe is told once they are over.
    """
    code = HelpCode.objects.select_for_update().get(pk=code_id)
    code.is_active = False
    code.save(update_fields=["is_active"])
    return code


def _switch_off_at_stripe(code: HelpCode) -> None:
    stripe_gateway.switch_off_code(code.promotion_code_id or "")
    HelpCode.objects.filter(pk=code.pk).update(is_off_at_stripe=True)


def tell_stripe(*, now: datetime) -> int:
    """How many codes Stripe was told of: those it did not know yet, and those switched off.

    One that cannot be told now is left for the next time.
    """
    told = 0
    waits = [(publish, code) for code in HelpCode.objects.not_yet_at_stripe(now)]
    waits += [(_switch_off_at_stripe, c) for c in HelpCode.objects.to_switch_off_at_stripe(now)]
    for tell, code in waits:
        try:
            tell(code)
        except GatewayError as error:
            logger.warning("help code %s waits for Stripe: %s", code.uuid, error)
        else:
            told += 1
    return told
