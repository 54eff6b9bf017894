"""What completing a Checkout Session of mode ``subscription`` sets going."""

from devtools.stripe_standin import invoices, promotions, subscriptions
from devtools.stripe_standin.checkout import lines_of
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store


def start(store: Store, session: Json, method: Json | None, intent: Json | None) -> None:
    """Make the subscription and its first invoice, paid by ``intent`` if there is anything to pay.

    ``method`` is the card that will pay from now on, if the buyer gave one.
    """
    cart = store.carts[session["id"]]
    lines = lines_of(store, session["id"])
    if method is not None:
        subscriptions.attach(store, method, session["customer"])
    subscription = subscriptions.new(
        store,
        customer=session["customer"],
        lines=[line for line in lines if line["price"]["type"] == "recurring"],
        method=method,
        given=cart["subscription_data"],
    )
    discount = None
    if cart["coupon"]:
        discount = subscriptions.give_discount(
            store, subscription, session, cart["coupon"], cart["promotion_code"]
        )
    parts = [_part(subscription, line) for line in lines]
    invoice = invoices.make(store, subscription, parts, "subscription_create", discount)
    store.emit("customer.subscription.created", subscription)
    invoices.finalize(store, invoice)
    if intent is not None and method is not None:
        invoices.settle(store, invoice, intent, method)
    session.update(subscription=subscription["id"], invoice=invoice["id"])


def later_payment(store: Store, cart: Json, lines: list[Json]) -> int:
    """What each payment after the first will be, as far as a discount reaches at all."""
    recurring = [line for line in lines if line["price"]["type"] == "recurring"]
    full = sum(line["amount_subtotal"] for line in recurring)
    coupon = store.rows("coupon").get(cart["coupon"] or "")
    if coupon is None or coupon["duration"] == "once":
        return full
    _, off = promotions.discount_for(store, coupon, recurring)
    return full - off


def _part(subscription: Json, line: Json) -> invoices.Part:
    own = [
        item["id"]
        for item in subscription["items"]["data"]
        if item["price"]["id"] == line["price"]["id"]
    ]
    return invoices.Part(
        price=line["price"],
        quantity=line["quantity"],
        subtotal=line["amount_subtotal"],
        discount=line["amount_discount"],
        item_id=own[0] if own else "",
    )
