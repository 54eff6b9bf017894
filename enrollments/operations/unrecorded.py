"""Money at Stripe that our books know nothing of, as after the restore of an older dump.

What this installation has sold, which its code in the session proves, becomes an order that a
person looks at: Stripe knows who paid how much, not her name here, nor what she chose. Of whatever
else this site seems to have sold, and of charges, staff are told.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from enrollments import stripe_gateway
from enrollments.errors import UnknownCheckout
from enrollments.models import CheckoutAttempt, Installation, Order, Payment
from enrollments.operations import plans
from enrollments.operations.books import Discrepancy
from enrollments.operations.fulfilment import record_payment, settle
from enrollments.operations.orders import ask_for_a_person, lock_order
from enrollments.stripe_gateway import ChargeView, Checkout

logger = logging.getLogger(__name__)

# What was charged a moment ago is known in another moment.
SETTLED_DOWN = timedelta(minutes=2)


def take_up_unrecorded(*, since: datetime, now: datetime) -> list[Discrepancy]:
    """What was paid at or after ``since`` without our books knowing, and is an order now or not.

    Again changes nothing, and finds only what could not be made an order.

    Raises:
        GatewayError: Stripe could not be asked.
    """
    own_code = Installation.own_code()
    unknown = _unrecorded_checkouts(own_code, since=since, now=now)
    found = [_take_up(checkout, own_code, now) for checkout in unknown]
    told = {checkout.payment_intent_id for checkout in unknown}
    charges = [
        Discrepancy(rule="charge_without_payment", about=charge.payment_intent_id)
        for charge in _unrecorded_charges(own_code, since=since, now=now)
        if charge.payment_intent_id not in told
    ]
    return found + charges


def _unrecorded_checkouts(own_code: str, *, since: datetime, now: datetime) -> list[Checkout]:
    """The completed sessions of this site that belong to no attempt, fetched fresh.

    One whose attempt is there, and was only never told of, is brought up to date.
    """
    made_here = [
        checkout
        for checkout in stripe_gateway.list_completed_checkouts(since)
        if checkout.installation_code == own_code or _leads_here(checkout)
    ]
    ids = [checkout.session_id for checkout in made_here]
    complete = CheckoutAttempt.objects.filter(
        session_id__in=ids, state=CheckoutAttempt.State.COMPLETE
    )
    known = set(complete.values_list("session_id", flat=True))
    fresh = (stripe_gateway.get_checkout(each) for each in ids if each not in known)
    return [checkout for checkout in fresh if not _is_of_an_order(checkout, now)]


def _leads_here(checkout: Checkout) -> bool:
    """Whoever pays there comes back to this site."""
    return checkout.success_url.startswith(f"{settings.BASE_URL}/")


def _is_of_an_order(checkout: Checkout, now: datetime) -> bool:
    try:
        settle(checkout, now=now)
    except UnknownCheckout:
        return False
    return True


def _take_up(checkout: Checkout, own_code: str, now: datetime) -> Discrepancy:
    """An order, where the session proves to be ours and its money has come; else its finding."""
    reference = _uuid(checkout.order_reference)
    if reference and checkout.is_settled and checkout.installation_code == own_code:
        order = _restore_order(checkout, reference, now)
        return Discrepancy(rule="payment_had_no_order", about=str(order.uuid))
    return Discrepancy(rule="payment_without_order", about=checkout.session_id)


@transaction.atomic
def _restore_order(checkout: Checkout, reference: UUID, now: datetime) -> Order:
    """The order of ``reference``, with the page that was paid; made once."""
    row, is_new = Order.objects.get_or_create(
        uuid=reference,
        defaults={
            "email": checkout.email,
            "chosen_name": "",
            "state": Order.State.REVIEW,
            "currency": checkout.currency,
            "created_at": checkout.created_at,
        },
    )
    order = lock_order(row.pk)
    attempt = _attempt(order, checkout)
    if not is_new:
        # Its lines are known, and decide whether this is what was agreed.
        return settle(checkout, now=now)
    attempt.state = CheckoutAttempt.State.COMPLETE
    attempt.save(update_fields=["state"])
    record_payment(order, attempt, checkout, now)
    ask_for_a_person(order, Order.Attention.RESTORED, now=now)
    # Nothing more is asked for until somebody knows what for.
    plans.stop_what_was_not_agreed(checkout)
    return order


def _attempt(order: Order, checkout: Checkout) -> CheckoutAttempt:
    """The page that was paid; its own number may have gone to another page since the restore."""
    highest = order.attempts.aggregate(highest=Max("number"))["highest"] or 0
    attempt, _ = CheckoutAttempt.objects.get_or_create(
        session_id=checkout.session_id,
        defaults={
            "order": order,
            "number": max(highest + 1, checkout.attempt_number or 1),
            "fingerprint": "",
            "created_at": checkout.created_at,
            "expires_at": checkout.created_at,
            "state": CheckoutAttempt.State.OPEN,
        },
    )
    return attempt


def _unrecorded_charges(own_code: str, *, since: datetime, now: datetime) -> Iterator[ChargeView]:
    charges = [
        charge
        for charge in stripe_gateway.list_charges(since)
        if charge.has_succeeded and charge.created_at <= now - SETTLED_DOWN
    ]
    intents = [charge.payment_intent_id for charge in charges]
    payments = Payment.objects.filter(payment_intent_id__in=intents)
    known = set(payments.values_list("payment_intent_id", flat=True))
    ours = _known_references(charge.order_reference for charge in charges)
    for charge in charges:
        is_ours = charge.installation_code == own_code or charge.order_reference in ours
        if is_ours and charge.payment_intent_id not in known:
            yield charge


def _known_references(references: Iterator[str]) -> Collection[str]:
    """Those that are orders of ours. One query."""
    uuids = [uuid for uuid in map(_uuid, references) if uuid]
    return {
        str(uuid) for uuid in Order.objects.filter(uuid__in=uuids).values_list("uuid", flat=True)
    }


def _uuid(reference: str) -> UUID | None:
    try:
        return UUID(reference)
    except ValueError:
        return None
