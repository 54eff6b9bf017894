"""Checkout Sessions: opening and pricing them, and what a buyer may change before paying.

A session's *cart* is the part of it that Stripe keeps to itself: its lines, the data for
the payment intent or the subscription, and what the buyer has typed so far.
"""

from collections.abc import Iterator
from functools import partial

from devtools.stripe_standin import checkout_rules, payments, promotions, refusals
from devtools.stripe_standin.blanks import shaped
from devtools.stripe_standin.calls import Call, refuse_what_is_not_copied, update_object
from devtools.stripe_standin.catalog import PRICE_DATA_FIELDS, new_price
from devtools.stripe_standin.clock import Due
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.money import share_out
from devtools.stripe_standin.store import Store

METHODS = {"payment": ["card", "us_bank_account"], "subscription": ["card"]}
CUSTOMER_CREATION = {"payment": "if_required", "subscription": "always"}
COLLECTION = {"payment": "if_required", "subscription": "always"}
BANK_CURRENCY = "usd"


class SessionClosed(Exception):
    """The session is complete or expired; nothing can be paid here any more."""


def create(call: Call) -> Json:
    store, given = call.store, call.body
    checkout_rules.check(store, given)
    mode = given["mode"]
    lines = [
        _new_line(store, line, mode, f"line_items[{position}]")
        for position, line in enumerate(given["line_items"])
    ]
    checkout_rules.check_mode_of_lines(lines, mode)
    currency = _one_currency(lines, given)
    session = store.new("checkout.session", mode=mode, status="open", payment_status="unpaid")
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
        else given.get("customer_creation", CUSTOMER_CREATION[mode]),
        payment_method_collection=given.get("payment_method_collection", COLLECTION[mode]),
    )
    own_email = session["customer_email"] or _customer_email(store, session)
    cart = {
        "lines": [line["id"] for line in lines],
        "intent_data": given.get("payment_intent_data", {}),
        "subscription_data": given.get("subscription_data", {}),
        # The intent of a session whose answer does not name it.
        "intent": None,
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


def waiting(store: Store) -> Iterator[Due]:
    """When the time of each open session is over."""
    for session in list(store.rows("checkout.session").values()):
        if session["status"] == "open":
            yield Due(session["expires_at"], partial(_close_as_expired, store, session))


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
    demand_open(session)
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
    demand_open(session)
    if session["allow_promotion_codes"]:
        store.carts[session["id"]].update(coupon=None, promotion_code=None)
        reprice(store, session)


def demand_open(session: Json) -> None:
    """Let nothing more happen to a session that is over.

    Raises:
        SessionClosed: it is complete or expired.
    """
    if session["status"] != "open":
        raise SessionClosed


def intent_of(store: Store, session: Json) -> Json | None:
    """The payment intent with which a session has been tried, if it has."""
    known = session["payment_intent"] or store.carts[session["id"]].get("intent")
    return store.rows("payment_intent").get(known or "")


def _close_as_expired(store: Store, session: Json) -> None:
    session.update(status="expired", url=None)
    intent = intent_of(store, session)
    if intent is not None:
        payments.cancel(store, intent)
    store.emit("checkout.session.expired", session)


def _new_line(store: Store, given: Json, mode: str, where: str) -> Json:
    checkout_rules.check_line(given, where)
    if "price" in given:
        price = store.get("price", given["price"], f"{where}[price]")
        checkout_rules.check_price(price, mode, where)
    else:
        refuse_what_is_not_copied(given["price_data"], PRICE_DATA_FIELDS, f"{where}[price_data]")
        price = new_price(store, given["price_data"], f"{where}[price_data]")
        checkout_rules.check_price(price, mode, where)
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
    known = METHODS[session["mode"]]
    allowed = session["allowed_payment_method_types"] or known
    excluded = session["excluded_payment_method_types"] or []
    offered = [each for each in known if each in allowed and each not in excluded]
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
