"""Subscriptions: what they are made of, what the API may change, and how they end.

The *books* of a subscription hold what Stripe keeps to itself: where its periods are
anchored and how many have begun. ``billing`` turns the periods over.
"""

from typing import Any

from devtools.stripe_standin import listing, periods, refusals
from devtools.stripe_standin.blanks import shaped
from devtools.stripe_standin.calls import (
    Call,
    only_one_of,
    refuse_what_is_not_copied,
    update_object,
)
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store

UPDATED = {"cancel_at", "cancel_at_period_end", "default_payment_method", "description"}
CANCELLATION = {"cancel_at", "cancel_at_period_end"}
OVER = {"canceled", "incomplete_expired"}
MOST_PERIODS = 1000


def new(
    store: Store, *, customer: str, lines: list[Json], method: Json | None, given: Json
) -> Json:
    """An active subscription whose first period begins now. No event tells of it yet."""
    now = store.clock.now()
    rhythm = lines[0]["price"]["recurring"]
    subscription = store.new(
        "subscription",
        billing_cycle_anchor=now,
        collection_method="charge_automatically",
        currency=lines[0]["currency"],
        customer=customer,
        default_payment_method=method["id"] if method else None,
        description=given.get("description"),
        metadata=dict(given.get("metadata", {})),
        start_date=now,
        status="active",
    )
    subscription["billing_mode"]["type"] = "classic"
    subscription["invoice_settings"]["issuer"]["type"] = "self"
    store.books[subscription["id"]] = {
        "anchor": now,
        "begun": 1,
        "interval": rhythm["interval"],
        "interval_count": rhythm["interval_count"],
        "discount": None,
    }
    items = [_new_item(store, subscription["id"], line) for line in lines]
    subscription["items"] = {
        "object": "list",
        "url": f"/v1/subscription_items?subscription={subscription['id']}",
        "has_more": False,
        "data": items,
    }
    set_period(store, subscription)
    return subscription


def _new_item(store: Store, subscription_id: str, line: Json) -> Json:
    price = line["price"]
    return store.new(
        "subscription_item",
        subscription=subscription_id,
        price=dict(price),
        quantity=line["quantity"],
        # Only for integrations that are older than prices.
        plan={
            "id": price["id"],
            "object": "plan",
            "active": price["active"],
            "amount": price["unit_amount"],
            "currency": price["currency"],
            "interval": price["recurring"]["interval"],
            "interval_count": price["recurring"]["interval_count"],
            "product": price["product"],
        },
    )


def period_end(store: Store, subscription: Json, number: int) -> int:
    """When the period with that number ends; the first one is 1."""
    book = store.books[subscription["id"]]
    return periods.after(book["anchor"], book["interval"], book["interval_count"] * number)


def set_period(store: Store, subscription: Json) -> None:
    """Write the current period into the items."""
    begun = store.books[subscription["id"]]["begun"]
    for item in subscription["items"]["data"]:
        item["current_period_start"] = period_end(store, subscription, begun - 1)
        item["current_period_end"] = period_end(store, subscription, begun)


def current_period(subscription: Json) -> tuple[int, int]:
    item = subscription["items"]["data"][0]
    return item["current_period_start"], item["current_period_end"]


def is_boundary(store: Store, subscription: Json, moment: int) -> bool:
    """Whether a moment is the end of the current period or of a later one."""
    begun = store.books[subscription["id"]]["begun"]
    ends = (period_end(store, subscription, begun + more) for more in range(MOST_PERIODS))
    return next((end for end in ends if end >= moment), None) == moment


def attach(store: Store, method: Json, customer_id: str) -> None:
    method["customer"] = customer_id
    store.emit("payment_method.attached", method)


def give_discount(
    store: Store, subscription: Json, session: Json, coupon_id: str, code_id: str | None
) -> Json:
    """The discount that a coupon gives; it stays with the subscription unless it is for once."""
    coupon = store.get("coupon", coupon_id)
    now = store.clock.now()
    end = None
    if coupon["duration"] == "repeating":
        end = periods.after(now, "month", coupon["duration_in_months"])
    discount = store.new(
        "discount",
        checkout_session=session["id"],
        customer=subscription["customer"],
        promotion_code=code_id,
        source={"type": "coupon", "coupon": coupon_id},
        start=now,
        end=end,
    )
    if coupon["duration"] != "once":
        discount["subscription"] = subscription["id"]
        subscription["discounts"] = [discount["id"]]
        store.books[subscription["id"]]["discount"] = discount["id"]
    return discount


def listed(call: Call) -> Json:
    """Subscriptions, without those that are over unless a status asks for them."""
    query = dict(call.query)
    status = query.pop("status", None)
    price = query.pop("price", None)
    rows = [
        each
        for each in list(call.store.rows("subscription").values())[::-1]
        if _is_wanted(each, status)
        and price in {None, *(item["price"]["id"] for item in each["items"]["data"])}
    ]
    return listing.page(rows, query, call.path)


def _is_wanted(subscription: Json, status: str | None) -> bool:
    own = subscription["status"]
    match status:
        case None:
            return own not in OVER
        case "all":
            return True
        case "ended":
            return own in OVER
    return bool(own == status)


def update(call: Call) -> Json:
    """Change a subscription.

    Raises:
        Refusal: it is over, a schedule decides on its end, or the end would need a proration.
    """
    store, given = call.store, dict(call.body)
    subscription = store.get("subscription", call.id)
    if given.pop("proration_behavior", "none") != "none":
        raise refusals.not_copied("prorations", "proration_behavior")
    refuse_what_is_not_copied(given, UPDATED | {"metadata"})
    only_one_of(given, "cancel_at", "cancel_at_period_end")
    if subscription["status"] in OVER and set(given) - {"metadata", "expand"}:
        raise refusals.Refusal(
            "A canceled subscription can only update its cancellation_details and metadata.",
            code="invalid_canceled_subscription_fields",
        )
    if subscription["schedule"] and CANCELLATION & set(given):
        raise refusals.Refusal(
            "The subscription is managed by the subscription schedule "
            f"`{subscription['schedule']}`, and updating any cancelation behavior directly is "
            "not allowed. Please update the schedule instead.",
        )
    if given.get("default_payment_method"):
        _check_method(store, subscription, given["default_payment_method"])
    _settle_end(store, subscription, given)
    previous = update_object(subscription, given, UPDATED | {"canceled_at"})
    store.emit("customer.subscription.updated", subscription, previous)
    return subscription


def _check_method(store: Store, subscription: Json, method_id: str) -> None:
    method = store.get("payment_method", method_id, "default_payment_method")
    if method["customer"] != subscription["customer"]:
        raise refusals.missing("payment_method", method_id, "default_payment_method")


def _settle_end(store: Store, subscription: Json, given: Json) -> None:
    """Let the two ways to name an end say the same."""
    now = store.clock.now()
    if "cancel_at" in given:
        moment: Any = given["cancel_at"]
        if moment == "":
            given.update(cancel_at_period_end=False, canceled_at="")
            return
        if not isinstance(moment, int):
            raise refusals.not_copied(f"cancel_at={moment}", "cancel_at")
        if moment <= now:
            raise refusals.Refusal("`cancel_at` must be in the future.", param="cancel_at")
        if not is_boundary(store, subscription, moment):
            raise refusals.not_copied("an end inside a period, which prorates", "cancel_at")
        given.update(cancel_at_period_end=False, canceled_at=now)
    elif given.get("cancel_at_period_end") is True:
        given.update(cancel_at=current_period(subscription)[1], canceled_at=now)
    elif given.get("cancel_at_period_end") is False:
        given.update(cancel_at="", canceled_at="")


def cancel(call: Call) -> Json:
    """End a subscription now; nothing is paid back.

    Raises:
        Refusal: it is over already, or a last invoice is asked for.
    """
    store = call.store
    subscription = store.get("subscription", call.id)
    for name in ("invoice_now", "prorate"):
        if call.query.get(name):
            raise refusals.not_copied(f"`{name}`", name)
    if subscription["status"] in OVER:
        raise refusals.missing("subscription", call.id, "id")
    schedule = close_schedule(store, subscription, "canceled")
    details = call.query.get("cancellation_details", {})
    end(store, subscription, "cancellation_requested", details)
    if schedule is not None:
        store.emit("subscription_schedule.canceled", schedule)
    return subscription


def close_schedule(store: Store, subscription: Json, status: str) -> Json | None:
    """Let the schedule of a subscription, if it has one, be over; no event tells of it yet."""
    schedule = store.rows("subscription_schedule").get(subscription["schedule"] or "")
    if schedule is None or schedule["status"] != "active":
        return None
    moment = {"canceled": "canceled_at", "completed": "completed_at", "released": "released_at"}
    schedule.update(status=status, current_phase=None)
    schedule[moment[status]] = store.clock.now()
    return schedule


def end(store: Store, subscription: Json, reason: str, details: Json | None = None) -> None:
    """Cancel a subscription; open invoices are not collected by themselves any more."""
    now = store.clock.now()
    given = {**(details or {}), "reason": reason}
    subscription.update(
        status="canceled",
        canceled_at=subscription["canceled_at"] or now,
        ended_at=now,
        cancellation_details=shaped(store.contract, "subscription", "cancellation_details", given),
    )
    for invoice in store.rows("invoice").values():
        if invoice["status"] == "open" and subscription_of(invoice) == subscription["id"]:
            invoice.update(auto_advance=False, next_payment_attempt=None)
    store.emit("customer.subscription.deleted", subscription)


def set_status(store: Store, subscription: Json, status: str) -> None:
    if subscription["status"] in {status, *OVER}:
        return
    previous = {"status": subscription["status"]}
    subscription["status"] = status
    store.emit("customer.subscription.updated", subscription, previous)


def subscription_of(invoice: Json) -> str:
    return str(invoice["parent"]["subscription_details"]["subscription"])
