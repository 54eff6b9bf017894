"""Invoices of subscriptions: what they say, and what paying or voiding does to them."""

from dataclasses import dataclass

from devtools.stripe_standin import listing, payments, refusals, subscriptions
from devtools.stripe_standin.blanks import shaped
from devtools.stripe_standin.calls import Call
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.money import written
from devtools.stripe_standin.store import Store

NUMBER_WIDTH = 4


@dataclass(frozen=True)
class Part:
    """One line to be; ``item_id`` is empty for what is billed once."""

    price: Json
    quantity: int
    subtotal: int
    discount: int
    item_id: str


def make(
    store: Store, subscription: Json, parts: list[Part], reason: str, discount: Json | None
) -> Json:
    """A draft for the current period, the subscription's latest invoice. No event tells of it yet.

    The lines are for the period that begins; the invoice's own period is the one before.
    """
    customer = store.get("customer", subscription["customer"])
    now = store.clock.now()
    start, _ = subscriptions.current_period(subscription)
    begun = store.books[subscription["id"]]["begun"]
    before = subscriptions.period_end(store, subscription, begun - 2) if begun > 1 else start
    subtotal = sum(part.subtotal for part in parts)
    off = sum(part.discount for part in parts)
    invoice = store.new(
        "invoice",
        amount_due=subtotal - off,
        amount_remaining=subtotal - off,
        auto_advance=True,
        billing_reason=reason,
        collection_method="charge_automatically",
        currency=subscription["currency"],
        customer=customer["id"],
        customer_email=customer["email"],
        customer_name=customer["name"],
        discounts=[discount["id"]] if discount else [],
        number=_number(store),
        parent=shaped(
            store.contract,
            "invoice",
            "parent",
            {
                "type": "subscription_details",
                "subscription_details": {
                    "subscription": subscription["id"],
                    "metadata": dict(subscription["metadata"]),
                },
            },
        ),
        period_start=before,
        period_end=start,
        status="draft",
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal,
        total=subtotal - off,
        total_excluding_tax=subtotal - off,
        total_discount_amounts=[{"amount": off, "discount": discount["id"]}] if discount else [],
        effective_at=now,
    )
    invoice["issuer"]["type"] = "self"
    if discount is not None and discount["subscription"] is None:
        discount["invoice"] = invoice["id"]
    invoice["lines"] = {
        "object": "list",
        "url": f"/v1/invoices/{invoice['id']}/lines",
        "has_more": False,
        "data": [_line(store, subscription, invoice, part, discount) for part in parts],
    }
    subscription["latest_invoice"] = invoice["id"]
    return invoice


def _number(store: Store) -> str:
    return f"STANDIN-{len(store.rows('invoice')) + 1:0{NUMBER_WIDTH}d}"


def _line(
    store: Store, subscription: Json, invoice: Json, part: Part, discount: Json | None
) -> Json:
    start, end = subscriptions.current_period(subscription)
    name = store.rows("product")[part.price["product"]]["name"]
    description = f"{part.quantity} x {name}"
    if part.item_id:
        rhythm = part.price["recurring"]
        every = rhythm["interval"]
        if rhythm["interval_count"] > 1:
            every = f"every {rhythm['interval_count']} {every}s"
        amount = written(part.price["unit_amount"], part.price["currency"])
        description += f" (at {amount} / {every})"
        kind = "subscription_item_details"
        details: Json = {
            "proration": False,
            "subscription": subscription["id"],
            "subscription_item": part.item_id,
        }
    else:
        end = start
        kind = "invoice_item_details"
        details = {
            "invoice_item": "ii_" + invoice["id"].removeprefix("in_"),
            "proration": False,
            "subscription": subscription["id"],
        }
    pricing = {
        "type": "price_details",
        "price_details": {"price": part.price["id"], "product": part.price["product"]},
        "unit_amount_decimal": str(part.price["unit_amount"]),
    }
    return store.new(
        "line_item",
        amount=part.subtotal,
        currency=part.price["currency"],
        description=description,
        discount_amounts=[{"amount": part.discount, "discount": discount["id"]}]
        if discount
        else [],
        discountable=True,
        invoice=invoice["id"],
        parent=shaped(store.contract, "line_item", "parent", {"type": kind, kind: details}),
        period={"start": start, "end": end},
        pricing=shaped(store.contract, "line_item", "pricing", pricing),
        quantity=part.quantity,
        subscription=subscription["id"],
        subtotal=part.subtotal,
        taxes=[],
    )


def finalize(store: Store, invoice: Json) -> None:
    """Open an invoice; one over nothing is paid by that."""
    store.emit("invoice.created", invoice)
    now = store.clock.now()
    invoice.update(
        status="open",
        hosted_invoice_url=f"{store.base_url}/i/{invoice['id']}",
    )
    invoice["status_transitions"]["finalized_at"] = now
    store.emit("invoice.finalized", invoice)
    if invoice["amount_due"] == 0:
        _mark_paid(store, invoice)


def settle(store: Store, invoice: Json, intent: Json, method: Json) -> None:
    """Money has come for an invoice: payment, invoice and subscription say so."""
    payment = payment_of(store, invoice) or _new_payment(store, invoice, intent)
    if not invoice["attempted"]:
        invoice.update(attempted=True, attempt_count=1)
    payments.succeed(store, intent, method)
    payment.update(status="paid", amount_paid=invoice["amount_due"])
    payment["status_transitions"]["paid_at"] = store.clock.now()
    _mark_paid(store, invoice)
    store.emit("invoice_payment.paid", payment)
    subscription = store.get("subscription", subscriptions.subscription_of(invoice))
    if subscription["latest_invoice"] == invoice["id"]:
        subscriptions.set_status(store, subscription, "active")


def _mark_paid(store: Store, invoice: Json) -> None:
    invoice.update(
        amount_paid=invoice["amount_due"],
        amount_remaining=0,
        attempted=True,
        auto_advance=False,
        next_payment_attempt=None,
        status="paid",
    )
    invoice["status_transitions"]["paid_at"] = store.clock.now()
    store.emit("invoice.paid", invoice)
    store.emit("invoice.payment_succeeded", invoice)


def open_intent(store: Store, invoice: Json) -> Json:
    """The payment intent of an invoice, kept for all attempts to pay it."""
    payment = payment_of(store, invoice)
    if payment is not None:
        return store.get("payment_intent", payment["payment"]["payment_intent"])
    intent = payments.new_intent(
        store,
        amount=invoice["amount_due"],
        currency=invoice["currency"],
        customer=invoice["customer"],
        description="Subscription update",
        payment_method_types=["card"],
    )
    _new_payment(store, invoice, intent)
    return intent


def payments_of(store: Store, invoice_id: str) -> list[Json]:
    rows = store.rows("invoice_payment").values()
    return [each for each in rows if each["invoice"] == invoice_id]


def payment_of(store: Store, invoice: Json) -> Json | None:
    return next(iter(payments_of(store, invoice["id"])), None)


def _new_payment(store: Store, invoice: Json, intent: Json) -> Json:
    payment = {"type": "payment_intent", "payment_intent": intent["id"]}
    return store.new(
        "invoice_payment",
        amount_requested=invoice["amount_due"],
        currency=invoice["currency"],
        invoice=invoice["id"],
        is_default=True,
        payment=shaped(store.contract, "invoice_payment", "payment", payment),
        status="open",
    )


def listed(call: Call) -> Json:
    query = dict(call.query)
    wanted = query.pop("subscription", None)
    rows = [
        each
        for each in list(call.store.rows("invoice").values())[::-1]
        if wanted in {None, subscriptions.subscription_of(each)}
    ]
    return listing.page(rows, query, call.path)


def void(call: Call) -> Json:
    """Give an open invoice up.

    Raises:
        Refusal: it is not open.
    """
    store = call.store
    invoice = store.get("invoice", call.id)
    demand_open(invoice)
    invoice.update(status="void", auto_advance=False, next_payment_attempt=None)
    invoice["status_transitions"]["voided_at"] = store.clock.now()
    for payment in payments_of(store, invoice["id"]):
        payment["status"] = "canceled"
        payment["status_transitions"]["canceled_at"] = store.clock.now()
        payments.cancel(store, store.get("payment_intent", payment["payment"]["payment_intent"]))
    store.emit("invoice.voided", invoice)
    subscription = store.get("subscription", subscriptions.subscription_of(invoice))
    if subscription["latest_invoice"] == invoice["id"]:
        subscriptions.set_status(store, subscription, "active")
    return invoice


def demand_open(invoice: Json) -> None:
    if invoice["status"] == "paid":
        raise refusals.Refusal("Invoice is already paid")
    if invoice["status"] != "open":
        raise refusals.Refusal(f"This invoice is {invoice['status']}; it must be open for this.")
