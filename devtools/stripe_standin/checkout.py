"""Checkout Sessions: from the request that opens one to the payment that completes it.

A session's *cart* is the part of it that Stripe keeps to itself: its lines, the data for
the payment intent, and what the buyer has typed so far.
"""

from enum import Enum

from devtools.stripe_standin import cards, checkout_rules, payments, promotions, refusals
from devtools.stripe_standin.blanks import shaped
from devtools.stripe_standin.calls import Call, refuse_what_is_not_copied, update_object
from devtools.stripe_standin.catalog import PRICE_DATA_FIELDS, new_price
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.money import share_out
from devtools.stripe_standin.store import Store

METHODS = ["card", "us_bank_account"]
BANK_CURRENCY = "usd"


class Outcome(Enum):
    """What became of an attempt to pay."""

    COMPLETE = "complete"
    DECLINED = "declined"
    NEEDS_AUTHENTICATION = "needs authentication"


class SessionClosed(Exception):
    """The session is complete or expired; nothing can be paid here any more."""


def create(call: Call) -> Json:
    store, given = call.store, call.body
    checkout_rules.check(store, given)
    lines = [
        _new_line(store, line, f"line_items[{position}]")
        for position, line in enumerate(given["line_items"])
    ]
    currency = _one_currency(lines, given)
    session = store.new("checkout.session", mode="payment", status="open", payment_status="unpaid")
    for name in checkout_rules.ECHOED & set(given):
        session[name] = shaped(store.contract, "checkout.session", name, given[name])
    now = store.clock.now()
    session.update(
        currency=currency,
        expires_at=given.get("expires_at", now + checkout_rules.LONGEST),
        ui_mode="hosted_page",
        url=f"{call.base_url}/c/pay/{session['id']}",
        payment_method_types=_method_types(session, currency),
        customer_creation=None
        if session["customer"]
        else given.get("customer_creation", "if_required"),
        payment_method_collection=given.get("payment_method_collection", "if_required"),
    )
    own_email = session["customer_email"] or _customer_email(store, session)
    cart = {
        "lines": [line["id"] for line in lines],
        "intent_data": given.get("payment_intent_data", {}),
        "coupon": None,
        "promotion_code": None,
        "email": own_email,
        "email_is_fixed": bool(own_email),
        "typed_code": "",
        "applied_code": "",
        "method": None,
        "settle_at": None,
    }
    store.carts[session["id"]] = cart
    reprice(store, session)
    if given.get("discounts"):
        coupon_id, code_id = promotions.check_discount(store, session, given["discounts"][0])
        cart.update(coupon=coupon_id, promotion_code=code_id)
        reprice(store, session)
    checkout_rules.check_total(session["amount_total"], currency)
    return session


def update(call: Call) -> Json:
    session = call.store.get("checkout.session", call.id, "session")
    update_object(session, call.body, set())
    return session


def expire(call: Call) -> Json:
    """Close an open session.

    Raises:
        Refusal: it is not open.
    """
    session = call.store.get("checkout.session", call.id, "session")
    if session["status"] != "open":
        raise refusals.Refusal(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{session['status']}`.",
            param="session",
        )
    _close_as_expired(call.store, session)
    return session


def lines_of(store: Store, session_id: str) -> list[Json]:
    return [store.rows("item")[line_id] for line_id in store.carts[session_id]["lines"]]


def do_what_is_due(store: Store) -> None:
    """Expire sessions whose time is over and settle bank debits whose day has come."""
    now = store.clock.now()
    for session in list(store.rows("checkout.session").values()):
        if session["status"] == "open" and session["expires_at"] <= now:
            _close_as_expired(store, session)
        settle_at = store.carts[session["id"]]["settle_at"]
        if settle_at is not None and settle_at <= now:
            settle(store, session)


def reprice(store: Store, session: Json) -> None:
    """Work out the session's amounts from its lines and its discount."""
    cart, lines = store.carts[session["id"]], lines_of(store, session["id"])
    off, shares = 0, [0] * len(lines)
    if cart["coupon"]:
        coupon = store.rows("coupon")[cart["coupon"]]
        weights, off = promotions.discount_for(store, coupon, lines)
        shares = share_out(off, weights)
    for line, share in zip(lines, shares, strict=True):
        line.update(amount_discount=share, amount_total=line["amount_subtotal"] - share)
    subtotal = sum(line["amount_subtotal"] for line in lines)
    session.update(
        amount_subtotal=subtotal,
        amount_total=subtotal - off,
        total_details=shaped(
            store.contract,
            "checkout.session",
            "total_details",
            {"amount_discount": off, "amount_shipping": 0, "amount_tax": 0},
        ),
        discounts=[{"coupon": cart["coupon"], "promotion_code": cart["promotion_code"]}]
        if cart["coupon"]
        else [],
    )


def apply_code(store: Store, session: Json, typed: str) -> None:
    """Take a promotion code off the total.

    Raises:
        CodeRefused: it is not for this checkout; nothing has changed.
        SessionClosed: it is too late.
    """
    _demand_open(store, session)
    cart = store.carts[session["id"]]
    cart["typed_code"] = typed
    if not session["allow_promotion_codes"]:
        raise promotions.CodeRefused
    promotion = promotions.usable_code(store, session, typed)
    cart.update(
        coupon=promotion["promotion"]["coupon"],
        promotion_code=promotion["id"],
        applied_code=promotion["code"],
    )
    reprice(store, session)


def remove_code(store: Store, session: Json) -> None:
    """Go back to the full price; a discount given by the site itself stays.

    Raises:
        SessionClosed: it is too late.
    """
    _demand_open(store, session)
    if session["allow_promotion_codes"]:
        store.carts[session["id"]].update(coupon=None, promotion_code=None)
        reprice(store, session)


def pay_nothing(store: Store, session: Json) -> Outcome:
    """Complete a session whose whole price is taken off.

    Raises:
        SessionClosed: it is complete or expired.
        CodeRefused: the code was used up meanwhile; the full price is back.
    """
    _demand_payable(store, session)
    if session["payment_intent"]:
        payments.cancel(store, store.get("payment_intent", session["payment_intent"]))
        session["payment_intent"] = None
    _complete(store, session, "no_payment_required")
    return Outcome.COMPLETE


def pay_by_card(store: Store, session: Json, number: str, authentication_url: str) -> Outcome:
    """Try a card.

    Raises:
        UnknownCard: it is not one of the test cards; nothing has changed.
        SessionClosed: it is complete or expired.
        CodeRefused: the code was used up meanwhile; the full price is back.
    """
    _demand_payable(store, session)
    digits, card = cards.card_for(number)
    cart = store.carts[session["id"]]
    intent = payments.open_intent(store, session, cart["intent_data"])
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
    _demand_open(store, session)
    method = store.find(store.carts[session["id"]]["method"] or "")
    if method is None:
        raise SessionClosed
    intent = store.get("payment_intent", session["payment_intent"])
    store.carts[session["id"]]["method"] = None
    if result != "complete":
        payments.decline(store, intent, method, "payment_intent_authentication_failure")
        return Outcome.DECLINED
    return _paid(store, session, intent, method)


def pay_by_bank(store: Store, session: Json) -> Outcome:
    """Order a bank debit: the session completes now, the money comes or fails later.

    Raises:
        SessionClosed: it is complete or expired, or takes no bank debits.
        CodeRefused: the code was used up meanwhile; the full price is back.
    """
    _demand_payable(store, session)
    if "us_bank_account" not in session["payment_method_types"]:
        raise SessionClosed
    cart = store.carts[session["id"]]
    intent = payments.open_intent(store, session, cart["intent_data"])
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


def _debit_under_way(store: Store, session: Json) -> tuple[Json, Json]:
    store.carts[session["id"]]["settle_at"] = None
    intent = store.rows("payment_intent").get(session["payment_intent"] or "")
    if intent is None or intent["status"] != "processing":
        raise refusals.Refusal(f"No bank debit of {session['id']} is on its way.", param="session")
    return intent, store.get("payment_method", intent["payment_method"])


def _paid(store: Store, session: Json, intent: Json, method: Json) -> Outcome:
    payments.succeed(store, intent, method)
    _complete(store, session, "paid")
    return Outcome.COMPLETE


def _complete(store: Store, session: Json, payment_status: str) -> None:
    cart = store.carts[session["id"]]
    if not session["customer"] and session["customer_creation"] == "always":
        customer = store.new("customer", email=cart["email"])
        session["customer"] = customer["id"]
        store.emit("customer.created", customer)
    elif session["customer"] and not cart["email_is_fixed"]:
        customer = store.get("customer", session["customer"])
        customer["email"] = cart["email"]
        store.emit("customer.updated", customer, {"email": None})
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


def _close_as_expired(store: Store, session: Json) -> None:
    session.update(status="expired", url=None)
    if session["payment_intent"]:
        payments.cancel(store, store.get("payment_intent", session["payment_intent"]))
    store.emit("checkout.session.expired", session)


def _demand_open(store: Store, session: Json) -> None:
    do_what_is_due(store)
    if session["status"] != "open":
        raise SessionClosed


def _demand_payable(store: Store, session: Json) -> None:
    _demand_open(store, session)
    promotions.refresh(store)
    promotion = store.rows("promotion_code").get(store.carts[session["id"]]["promotion_code"] or "")
    if promotion is not None and not promotion["active"]:
        remove_code(store, session)
        raise promotions.CodeRefused


def _new_line(store: Store, given: Json, where: str) -> Json:
    checkout_rules.check_line(given, where)
    if "price" in given:
        price = store.get("price", given["price"], f"{where}[price]")
        checkout_rules.check_price(price, where)
    else:
        refuse_what_is_not_copied(given["price_data"], PRICE_DATA_FIELDS, f"{where}[price_data]")
        price = new_price(store, given["price_data"], f"{where}[price_data]")
        # Prices made on the fly can be bought once only.
        price["active"] = False
    subtotal = price["unit_amount"] * given["quantity"]
    return store.new(
        "item",
        price=dict(price),
        quantity=given["quantity"],
        currency=price["currency"],
        description=store.rows("product")[price["product"]]["name"],
        amount_subtotal=subtotal,
        amount_total=subtotal,
        discounts=[],
        taxes=[],
    )


def _one_currency(lines: list[Json], given: Json) -> str:
    currencies = {line["currency"] for line in lines}
    wanted = str(given.get("currency", lines[0]["currency"])).lower()
    if currencies != {wanted}:
        raise refusals.Refusal(
            "All prices on a Checkout Session must have the same currency.", param="line_items"
        )
    return wanted


def _method_types(session: Json, currency: str) -> list[str]:
    allowed = session["allowed_payment_method_types"] or METHODS
    excluded = session["excluded_payment_method_types"] or []
    offered = [each for each in METHODS if each in allowed and each not in excluded]
    if currency != BANK_CURRENCY:
        offered = [each for each in offered if each != "us_bank_account"]
    if not offered:
        raise refusals.Refusal(
            "No payment method types are left for this Checkout Session.",
            param="allowed_payment_method_types",
        )
    return offered


def _customer_email(store: Store, session: Json) -> str:
    customer = store.rows("customer").get(session["customer"] or "")
    return (customer or {}).get("email") or ""
