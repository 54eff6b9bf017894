"""Paying a Checkout Session: what a card, a bank debit or nothing at all does to it."""

from collections.abc import Iterator
from enum import Enum
from functools import partial
from typing import Any

from devtools.stripe_standin import cards, payments, plans, promotions, refusals
from devtools.stripe_standin.blanks import shaped
from devtools.stripe_standin.cards import Card
from devtools.stripe_standin.catalog import new_customer
from devtools.stripe_standin.checkout import SessionClosed, demand_open, intent_of, remove_code
from devtools.stripe_standin.clock import Due
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store

INTENT_FIELDS = {
    "description",
    "metadata",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor_suffix",
}


class Outcome(Enum):
    """What became of an attempt to pay."""

    COMPLETE = "complete"
    DECLINED = "declined"
    NEEDS_AUTHENTICATION = "needs authentication"


class DiscountGone(Exception):
    """The discount that the site gave was used up meanwhile; this session cannot be paid."""


def waiting(store: Store) -> Iterator[Due]:
    """When each bank debit settles by itself."""
    for session in list(store.rows("checkout.session").values()):
        settle_at = store.carts[session["id"]]["settle_at"]
        if settle_at is not None:
            yield Due(settle_at, partial(settle, store, session))


def asks_for_card(session: Json) -> bool:
    """Whether the page wants a card even when there is nothing to pay now."""
    is_plan = session["mode"] == "subscription"
    collects = session["payment_method_collection"] == "always"
    return bool(session["amount_total"] or (is_plan and collects))


def pay_nothing(store: Store, session: Json) -> Outcome:
    """Complete a session whose whole price is taken off.

    Raises:
        SessionClosed: it is complete or expired.
        CodeRefused: the code was used up meanwhile; the full price is back.
        DiscountGone: so was the site's own discount.
    """
    _demand_payable(store, session)
    return _free(store, session, None)


def pay_by_card(store: Store, session: Json, number: str, authentication_url: str) -> Outcome:
    """Try a card.

    Raises:
        UnknownCard: it is not one of the test cards; nothing has changed.
        SessionClosed: it is complete or expired.
        CodeRefused: the code was used up meanwhile; the full price is back.
        DiscountGone: so was the site's own discount.
    """
    _demand_payable(store, session)
    digits, card = cards.card_for(number)
    cart = store.carts[session["id"]]
    if session["amount_total"] == 0:
        return _save_card(store, session, payments.card_method(store, digits, card, ""), card)
    intent = _open_intent(store, session)
    method = payments.card_method(store, digits, card, cart["email"])
    if card.asks_for_authentication:
        cart["method"] = method["id"]
        payments.ask_for_authentication(store, intent, method, authentication_url)
        return Outcome.NEEDS_AUTHENTICATION
    if card.error_code:
        payments.decline(store, intent, method, card.error_code, card.decline_code)
        return Outcome.DECLINED
    return _paid(store, session, intent, method)


def finish_authentication(store: Store, session: Json, result: str) -> Outcome:
    """The buyer's bank has answered ``complete`` or ``fail``.

    Raises:
        SessionClosed: it is complete or expired, or nothing was being authenticated.
    """
    demand_open(session)
    method = store.find(store.carts[session["id"]]["method"] or "")
    if method is None:
        raise SessionClosed
    store.carts[session["id"]]["method"] = None
    intent = intent_of(store, session)
    if result != "complete":
        if intent is not None:
            payments.decline(store, intent, method, "payment_intent_authentication_failure")
        return Outcome.DECLINED
    if intent is None or session["amount_total"] == 0:
        return _free(store, session, method)
    return _paid(store, session, intent, method)


def pay_by_bank(store: Store, session: Json) -> Outcome:
    """Order a bank debit: the session completes now, the money comes or fails later.

    Raises:
        SessionClosed: it is complete or expired, or takes no bank debits.
        CodeRefused: the code was used up meanwhile; the full price is back.
        DiscountGone: so was the site's own discount.
    """
    _demand_payable(store, session)
    if "us_bank_account" not in session["payment_method_types"]:
        raise SessionClosed
    cart = store.carts[session["id"]]
    intent = _open_intent(store, session)
    method = payments.bank_method(store, cart["email"])
    payments.process(store, intent, method)
    _complete(store, session, "unpaid")
    if store.settle_after is not None:
        cart["settle_at"] = store.clock.now() + store.settle_after
    return Outcome.COMPLETE


def settle(store: Store, session: Json) -> Json:
    """The money of a bank debit has come.

    Raises:
        Refusal: no debit is on its way.
    """
    intent, method = _debit_under_way(store, session)
    payments.succeed(store, intent, method)
    session["payment_status"] = "paid"
    store.emit("checkout.session.async_payment_succeeded", session)
    return session


def fail(store: Store, session: Json) -> Json:
    """The bank has refused a debit; the session stays complete and unpaid.

    Raises:
        Refusal: no debit is on its way.
    """
    intent, method = _debit_under_way(store, session)
    payments.decline(store, intent, method, "payment_method_provider_decline")
    store.emit("checkout.session.async_payment_failed", session)
    return session


def _open_intent(store: Store, session: Json) -> Json:
    """The payment intent of a session; Stripe makes it at the first attempt to pay."""
    intent = intent_of(store, session)
    if intent is not None:
        intent["amount"] = session["amount_total"]
        return intent
    cart = store.carts[session["id"]]
    is_plan = session["mode"] == "subscription"
    # The session's own metadata stays with the session.
    given: dict[str, Any] = {
        name: value for name, value in cart["intent_data"].items() if name in INTENT_FIELDS
    }
    if is_plan:
        given = {"description": "Subscription creation", "setup_future_usage": "off_session"}
    intent = payments.new_intent(
        store,
        amount=session["amount_total"],
        currency=session["currency"],
        customer=session["customer"],
        payment_method_types=session["payment_method_types"],
        **given,
    )
    if is_plan:
        cart["intent"] = intent["id"]
    else:
        session["payment_intent"] = intent["id"]
    return intent


def _save_card(store: Store, session: Json, method: Json, card: Card) -> Outcome:
    """Keep a card for later although there is nothing to pay now."""
    if card.asks_for_authentication:
        store.carts[session["id"]]["method"] = method["id"]
        return Outcome.NEEDS_AUTHENTICATION
    if card.error_code:
        return Outcome.DECLINED
    return _free(store, session, method)


def _free(store: Store, session: Json, method: Json | None) -> Outcome:
    intent = intent_of(store, session)
    if intent is not None:
        payments.cancel(store, intent)
        session["payment_intent"] = None
        store.carts[session["id"]]["intent"] = None
    _make_customer(store, session)
    if session["mode"] == "subscription":
        plans.start(store, session, method, None)
    _complete(store, session, "no_payment_required")
    return Outcome.COMPLETE


def _paid(store: Store, session: Json, intent: Json, method: Json) -> Outcome:
    if session["mode"] == "subscription":
        _make_customer(store, session)
        intent["customer"] = session["customer"]
        plans.start(store, session, method, intent)
    else:
        payments.succeed(store, intent, method)
    _complete(store, session, "paid")
    return Outcome.COMPLETE


def _debit_under_way(store: Store, session: Json) -> tuple[Json, Json]:
    store.carts[session["id"]]["settle_at"] = None
    intent = store.rows("payment_intent").get(session["payment_intent"] or "")
    if intent is None or intent["status"] != "processing":
        raise refusals.Refusal(f"No bank debit of {session['id']} is on its way.", param="session")
    return intent, store.get("payment_method", intent["payment_method"])


def _complete(store: Store, session: Json, payment_status: str) -> None:
    cart = store.carts[session["id"]]
    _make_customer(store, session)
    if cart["coupon"]:
        promotions.redeem(store, cart["coupon"], cart["promotion_code"])
    details: Json = {"email": cart["email"] or None, "tax_exempt": "none", "tax_ids": []}
    session.update(
        status="complete",
        payment_status=payment_status,
        url=None,
        customer_details=shaped(store.contract, "checkout.session", "customer_details", details),
    )
    store.emit("checkout.session.completed", session)


def _make_customer(store: Store, session: Json) -> None:
    """Make the customer that the session asks for, or give an existing one the typed email."""
    cart = store.carts[session["id"]]
    if not session["customer"] and session["customer_creation"] == "always":
        session["customer"] = new_customer(store, {"email": cart["email"]})["id"]
        cart["email_is_fixed"] = True
    elif session["customer"] and not cart["email_is_fixed"]:
        customer = store.get("customer", session["customer"])
        customer["email"] = cart["email"]
        cart["email_is_fixed"] = True
        store.emit("customer.updated", customer, {"email": None})


def _demand_payable(store: Store, session: Json) -> None:
    demand_open(session)
    promotions.refresh(store)
    promotion = store.rows("promotion_code").get(store.carts[session["id"]]["promotion_code"] or "")
    if promotion is None or promotion["active"]:
        return
    if not session["allow_promotion_codes"]:
        raise DiscountGone
    remove_code(store, session)
    raise promotions.CodeRefused
