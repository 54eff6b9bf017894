"""Billing on the clock: renewals, charges of saved cards, retries, and giving up.

A failed charge is tried again after ``RETRY_PAUSES``; when the last one has failed too, the
subscription is canceled.
"""

from collections.abc import Iterator
from functools import partial

from devtools.stripe_standin import cards, invoices, payments, promotions, refusals, subscriptions
from devtools.stripe_standin.calls import Call, refuse_what_is_not_copied
from devtools.stripe_standin.cards import Card
from devtools.stripe_standin.clock import Due
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.money import share_out
from devtools.stripe_standin.store import Store

DAY = 24 * 60 * 60
# After the first failure, the second and the third.
RETRY_PAUSES = (3 * DAY, 5 * DAY, 7 * DAY)
RENEWED = {"active", "past_due"}
PAYMENT_REQUIRED = 402
DECLINE_CODE = "generic_decline"
NO_CARD = "no card"


def waiting(store: Store) -> Iterator[Due]:
    """When subscriptions end or renew, and when open invoices are charged again."""
    for subscription in list(store.rows("subscription").values()):
        if subscription["status"] not in RENEWED:
            continue
        end = subscription["cancel_at"]
        if end is not None:
            yield Due(
                end, partial(subscriptions.end, store, subscription, "cancellation_requested")
            )
    for invoice in list(store.rows("invoice").values()):
        if invoice["next_payment_attempt"] is not None:
            yield Due(invoice["next_payment_attempt"], partial(charge_saved_card, store, invoice))
    for subscription in list(store.rows("subscription").values()):
        if subscription["status"] in RENEWED:
            _, period_end = subscriptions.current_period(subscription)
            yield Due(period_end, partial(renew, store, subscription))


def renew(store: Store, subscription: Json) -> None:
    """Begin the next period and bill it."""
    start, end = subscriptions.current_period(subscription)
    store.books[subscription["id"]]["begun"] += 1
    subscriptions.set_period(store, subscription)
    discount = _lasting_discount(store, subscription)
    parts = _parts(store, subscription, discount)
    invoice = invoices.make(store, subscription, parts, "subscription_cycle", discount)
    # The period itself is a field of the items.
    previous = {"items": {"data": [{"current_period_start": start, "current_period_end": end}]}}
    store.emit("customer.subscription.updated", subscription, previous)
    invoices.finalize(store, invoice)
    if invoice["status"] == "open":
        charge_saved_card(store, invoice)


def _lasting_discount(store: Store, subscription: Json) -> Json | None:
    book = store.books[subscription["id"]]
    discount = store.rows("discount").get(book["discount"] or "")
    if discount is None or (discount["end"] is not None and discount["end"] <= store.clock.now()):
        book["discount"] = None
        subscription["discounts"] = []
        return None
    return discount


def _parts(store: Store, subscription: Json, discount: Json | None) -> list[invoices.Part]:
    items = subscription["items"]["data"]
    lines = [
        {
            "price": item["price"],
            "amount_subtotal": item["price"]["unit_amount"] * item["quantity"],
        }
        for item in items
    ]
    shares = [0] * len(lines)
    if discount is not None:
        coupon = store.get("coupon", discount["source"]["coupon"])
        weights, off = promotions.discount_for(store, coupon, lines)
        shares = share_out(off, weights)
    return [
        invoices.Part(item["price"], item["quantity"], line["amount_subtotal"], share, item["id"])
        for item, line, share in zip(items, lines, shares, strict=True)
    ]


def charge_saved_card(store: Store, invoice: Json) -> None:
    """Charge the card on file, as Stripe does without the buyer; order the next try if need be."""
    invoice.update(
        attempted=True, attempt_count=invoice["attempt_count"] + 1, next_payment_attempt=None
    )
    subscription = store.get("subscription", subscriptions.subscription_of(invoice))
    if not _try(store, invoice, saved_card(store, subscription)):
        return
    tries = invoice["attempt_count"]
    if tries <= len(RETRY_PAUSES):
        invoice["next_payment_attempt"] = store.clock.now() + RETRY_PAUSES[tries - 1]
    store.emit("invoice.payment_failed", invoice)
    if invoice["next_payment_attempt"] is None:
        _give_up(store, subscription)
    else:
        subscriptions.set_status(store, subscription, "past_due")


def charge_out_of_turn(store: Store, invoice: Json, method: Json | None) -> str:
    """Charge a saved card now; what kept the money from coming, empty when it came.

    The planned retries do not change.
    """
    if not invoice["attempted"]:
        invoice.update(attempted=True, attempt_count=1)
    trouble = _try(store, invoice, method)
    if trouble:
        store.emit("invoice.payment_failed", invoice)
    return trouble


def _try(store: Store, invoice: Json, method: Json | None) -> str:
    intent = invoices.open_intent(store, invoice)
    if method is None:
        return NO_CARD
    book = store.books.get(method["id"], {})
    trouble = "card_declined" if book.get("is_broken") else str(book.get("later_error_code", ""))
    if trouble == "authentication_required":
        payments.ask_for_authentication(store, intent, method, invoice["hosted_invoice_url"])
        store.emit("invoice.payment_action_required", invoice)
    elif trouble:
        payments.decline(store, intent, method, trouble, DECLINE_CODE)
    else:
        invoices.settle(store, invoice, intent, method)
    return trouble


def saved_card(store: Store, subscription: Json) -> Json | None:
    """The card that pays for a subscription: its own, else its customer's."""
    customer = store.get("customer", subscription["customer"])
    fallback = customer["invoice_settings"]["default_payment_method"]
    known = subscription["default_payment_method"] or fallback
    return store.rows("payment_method").get(known or "")


def _give_up(store: Store, subscription: Json) -> None:
    schedule = subscriptions.close_schedule(store, subscription, "canceled")
    subscriptions.end(store, subscription, "payment_failed")
    if schedule is not None:
        store.emit("subscription_schedule.aborted", schedule)


def charge_new_card(store: Store, invoice: Json, method: Json, card: Card) -> bool:
    """Charge a card that the buyer has just typed; whether money came.

    The planned retries do not change when it did not.
    """
    intent = invoices.open_intent(store, invoice)
    if not card.error_code:
        invoices.settle(store, invoice, intent, method)
        return True
    payments.decline(store, intent, method, card.error_code, card.decline_code)
    store.emit("invoice.payment_failed", invoice)
    return False


def pay(call: Call) -> Json:
    """Charge the saved card, or another one of the customer, now.

    Raises:
        Refusal: the invoice is not open, there is no card, or the card is declined (402).
    """
    store = call.store
    refuse_what_is_not_copied(call.body, {"payment_method", "off_session"})
    invoice = store.get("invoice", call.id)
    invoices.demand_open(invoice)
    method = _chosen_card(store, invoice, call.body.get("payment_method"))
    trouble = charge_out_of_turn(store, invoice, method)
    if not trouble:
        return invoice
    # What the attempt has left behind stays although the answer is a refusal.
    store.begin()
    raise refusals.Refusal(
        cards.MESSAGES[trouble],
        status=PAYMENT_REQUIRED,
        kind="card_error",
        code=trouble,
        decline_code=DECLINE_CODE if trouble == "card_declined" else trouble,
    )


def _chosen_card(store: Store, invoice: Json, wanted: str | None) -> Json:
    if wanted:
        method = store.get("payment_method", wanted, "payment_method")
        if method["customer"] == invoice["customer"]:
            return method
        raise refusals.missing("payment_method", wanted, "payment_method")
    subscription = store.get("subscription", subscriptions.subscription_of(invoice))
    saved = saved_card(store, subscription)
    if saved is None:
        raise refusals.Refusal(
            "There is no `default_payment_method` set on this Customer or Invoice."
        )
    return saved


def save_card(store: Store, customer: Json, method: Json) -> None:
    """Let a new card pay for what names no card of its own."""
    subscriptions.attach(store, method, customer["id"])
    settings = customer["invoice_settings"]
    previous = {"invoice_settings": dict(settings)}
    settings["default_payment_method"] = method["id"]
    store.emit("customer.updated", customer, previous)


def put_to_use(store: Store, customer: Json, method: Json) -> bool:
    """Let a saved card pay for all running subscriptions, and now for what they owe.

    Whether all of that is paid.
    """
    running = [
        each
        for each in store.rows("subscription").values()
        if each["customer"] == customer["id"] and each["status"] not in subscriptions.OVER
    ]
    for subscription in running:
        previous = {"default_payment_method": subscription["default_payment_method"]}
        subscription["default_payment_method"] = method["id"]
        store.emit("customer.subscription.updated", subscription, previous)
    owed = [
        invoice
        for invoice in store.rows("invoice").values()
        if invoice["customer"] == customer["id"]
        and invoice["status"] == "open"
        and invoice["auto_advance"]
    ]
    troubles = [charge_out_of_turn(store, invoice, method) for invoice in owed]
    return not any(troubles)


def break_cards(store: Store, customer_id: str) -> list[str]:
    """Let charges of a customer's saved cards fail from now on; those cards.

    Raises:
        Refusal: the customer has none.
    """
    saved = _saved_cards(store, customer_id)
    for method_id in saved:
        store.books[method_id]["is_broken"] = True
    return saved


def mend_cards(store: Store, customer_id: str) -> list[str]:
    """Let charges of a customer's saved cards work, whatever kept them from it; those cards.

    Raises:
        Refusal: the customer has none.
    """
    saved = _saved_cards(store, customer_id)
    for method_id in saved:
        store.books[method_id] = {"later_error_code": "", "is_broken": False}
    return saved


def _saved_cards(store: Store, customer_id: str) -> list[str]:
    store.get("customer", customer_id, "customer")
    saved = [
        method["id"]
        for method in store.rows("payment_method").values()
        if method["customer"] == customer_id and method["id"] in store.books
    ]
    if not saved:
        raise refusals.Refusal(f"{customer_id} has no saved card.", param="customer")
    return saved
