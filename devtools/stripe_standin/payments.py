"""Payment intents and charges: what a payment does to them and which events tell of it.

Nothing here knows the checkout page or an invoice; they decide when money is tried.
"""

import secrets
from typing import Any

from devtools.stripe_standin import cards
from devtools.stripe_standin.blanks import shaped
from devtools.stripe_standin.cards import Card
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store

LAST_DIGITS = 4
EXPIRY_YEAR = 2034
DESCRIPTOR_PREFIX = "STANDIN"
CARD_DETAILS = {
    "country": "US",
    "exp_month": 12,
    "exp_year": EXPIRY_YEAR,
    "fingerprint": "standin",
    "funding": "credit",
}
BANK_DETAILS = {
    "account_holder_type": "individual",
    "account_type": "checking",
    "bank_name": "STRIPE TEST BANK",
    "last4": "6789",
    "routing_number": "110000000",
}


def new_intent(store: Store, **fields: Any) -> Json:
    """A payment intent that waits for a payment method."""
    intent = store.new(
        "payment_intent",
        status="requires_payment_method",
        capture_method="automatic_async",
        **fields,
    )
    intent["client_secret"] = f"{intent['id']}_secret_{secrets.token_hex(12)}"
    store.emit("payment_intent.created", intent)
    return intent


def card_method(store: Store, digits: str, card: Card, email: str) -> Json:
    """A payment method for a card; its books keep what a later charge runs into."""
    details = {**CARD_DETAILS, "brand": card.brand, "last4": digits[-LAST_DIGITS:]}
    method = _method(store, "card", details, email)
    store.books[method["id"]] = {"later_error_code": card.later_error_code, "is_broken": False}
    return method


def bank_method(store: Store, email: str) -> Json:
    return _method(store, "us_bank_account", BANK_DETAILS, email)


def _method(store: Store, kind: str, details: Json, email: str) -> Json:
    return store.new(
        "payment_method",
        type=kind,
        billing_details=_billing_details(store, email),
        **{kind: shaped(store.contract, "payment_method", kind, details)},
    )


def succeed(store: Store, intent: Json, method: Json) -> None:
    """Money has come: a charge that had been pending is settled, else one is made."""
    charge = _pending_charge(store, intent) or _new_charge(store, intent, method)
    charge.update(status="succeeded", paid=True, captured=True, amount_captured=charge["amount"])
    charge["outcome"] = shaped(
        store.contract,
        "charge",
        "outcome",
        {
            "type": "authorized",
            "network_status": "approved_by_network",
            "seller_message": "Payment complete.",
            "risk_level": "normal",
        },
    )
    intent.update(
        status="succeeded",
        amount_received=intent["amount"],
        payment_method=method["id"],
        latest_charge=charge["id"],
        last_payment_error=None,
        next_action=None,
    )
    store.emit("charge.succeeded", charge)
    store.emit("payment_intent.succeeded", intent)


def process(store: Store, intent: Json, method: Json) -> None:
    """A bank debit has been ordered; whether money comes is known later."""
    charge = _new_charge(store, intent, method)
    charge["status"] = "pending"
    intent.update(
        status="processing",
        payment_method=method["id"],
        latest_charge=charge["id"],
        last_payment_error=None,
    )
    store.emit("payment_intent.processing", intent)
    store.emit("charge.pending", charge)


def decline(store: Store, intent: Json, method: Json, code: str, decline_code: str = "") -> None:
    """No money comes; the intent can be tried again with another method."""
    message = cards.MESSAGES.get(decline_code) or cards.MESSAGES.get(code, "The payment failed.")
    charge = _pending_charge(store, intent)
    if charge is None and decline_code:
        charge = _new_charge(store, intent, method)
    if charge is not None:
        charge.update(status="failed", failure_code=code, failure_message=message)
        intent["latest_charge"] = charge["id"]
        store.emit("charge.failed", charge)
    error = {
        "type": "card_error" if method["type"] == "card" else "invalid_request_error",
        "code": code,
        "message": message,
        "decline_code": decline_code or None,
        "charge": charge["id"] if charge else None,
        "payment_method": dict(method),
    }
    intent.update(
        status="requires_payment_method",
        payment_method=None,
        next_action=None,
        last_payment_error=shaped(store.contract, "payment_intent", "last_payment_error", error),
    )
    store.emit("payment_intent.payment_failed", intent)


def ask_for_authentication(store: Store, intent: Json, method: Json, url: str) -> None:
    action = {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": None}}
    intent.update(
        status="requires_action",
        payment_method=method["id"],
        next_action=shaped(store.contract, "payment_intent", "next_action", action),
    )
    store.emit("payment_intent.requires_action", intent)


def cancel(store: Store, intent: Json) -> None:
    """Give an unpaid intent up, as Stripe does when its session ends without it."""
    if intent["status"] in {"succeeded", "canceled", "processing"}:
        return
    intent.update(
        status="canceled",
        canceled_at=store.clock.now(),
        cancellation_reason="automatic",
        next_action=None,
    )
    store.emit("payment_intent.canceled", intent)


def _pending_charge(store: Store, intent: Json) -> Json | None:
    charge = store.rows("charge").get(intent["latest_charge"] or "")
    return charge if charge and charge["status"] == "pending" else None


def _new_charge(store: Store, intent: Json, method: Json) -> Json:
    kind = method["type"]
    suffix = intent["statement_descriptor_suffix"]
    details = CARD_DETAILS if kind == "card" else BANK_DETAILS
    own = {name: method[kind][name] for name in ("brand", "last4") if name in method[kind]}
    return store.new(
        "charge",
        amount=intent["amount"],
        currency=intent["currency"],
        customer=intent["customer"],
        description=intent["description"],
        metadata=dict(intent["metadata"]),
        payment_intent=intent["id"],
        payment_method=method["id"],
        payment_method_details=shaped(
            store.contract,
            "charge",
            "payment_method_details",
            {"type": kind, kind: _known(store, kind, {**details, **own})},
        ),
        billing_details=method["billing_details"],
        receipt_email=intent["receipt_email"],
        statement_descriptor_suffix=suffix,
        calculated_statement_descriptor=f"{DESCRIPTOR_PREFIX}* {suffix}"
        if suffix
        else DESCRIPTOR_PREFIX,
    )


def _known(store: Store, kind: str, details: Json) -> Json:
    name = "".join(part.capitalize() for part in kind.split("_"))
    known = store.contract.schemas[f"charge-PaymentMethodDetails-{name}"]["properties"]
    return {key: value for key, value in details.items() if key in known}


def _billing_details(store: Store, email: str) -> Json:
    details: Json = shaped(
        store.contract, "payment_method", "billing_details", {"email": email or None}
    )
    return details
