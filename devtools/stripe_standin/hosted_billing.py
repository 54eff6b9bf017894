"""The doors of the customer portal and of the page on which an invoice is paid."""

from devtools.stripe_standin import billing, cards, payments, portal, portal_pages
from devtools.stripe_standin.api import Request
from devtools.stripe_standin.cards import Card
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.engine import Engine
from devtools.stripe_standin.money import written
from devtools.stripe_standin.page import Page, form_of, problem_of
from devtools.stripe_standin.store import Store


class CardRefused(Exception):
    """A typed card that leads nowhere; its text is the problem to show."""


def answer_portal(engine: Engine, request: Request, session_id: str, part: str) -> Page | None:
    """The portal of one customer; nothing when there is no such session."""
    session = engine.store.rows("billing_portal.session").get(session_id)
    if session is None:
        return None
    address = f"/p/session/{session_id}"
    if request.verb == "POST":
        if not portal.offers(engine.store, session, "payment_method_update"):
            return Page(303, location=address)
        return Page(303, location=address + _take_card(engine.store, session, request, part))
    if part and _authenticated_method(engine.store, session_id):
        return Page(html=portal_pages.authentication(address, "to save your card"))
    return Page(html=_show_portal(engine, session, problem_of(request)))


def answer_invoice(engine: Engine, request: Request, invoice_id: str, part: str) -> Page | None:
    """The page of one invoice; nothing when there is no such invoice."""
    store = engine.store
    invoice = store.rows("invoice").get(invoice_id)
    if invoice is None:
        return None
    address = f"/i/{invoice_id}"
    if request.verb == "POST":
        if invoice["status"] != "open":
            return Page(303, location=address)
        return Page(303, location=address + _take_payment(store, invoice, request, part))
    if part and _authenticated_method(store, invoice_id):
        amount = written(invoice["amount_remaining"], invoice["currency"])
        return Page(html=portal_pages.authentication(address, f"to pay {amount}"))
    page = portal_pages.invoice(invoice, address, engine.options.merchant, problem_of(request))
    return Page(html=page)


def _show_portal(engine: Engine, session: Json, problem: str) -> bytes:
    store = engine.store
    rows = list(store.rows("invoice").values())[::-1]
    own = [each for each in rows if each["customer"] == session["customer"]]
    return portal_pages.portal(
        session,
        engine.options.merchant,
        card=_card_on_file(store, session["customer"]),
        invoices=own if portal.offers(store, session, "invoice_history") else None,
        takes_card=portal.offers(store, session, "payment_method_update"),
        problem=problem,
    )


def _card_on_file(store: Store, customer_id: str) -> Json | None:
    """The card that pays: the one given last."""
    saved = [
        method
        for method in store.rows("payment_method").values()
        if method["customer"] == customer_id and method["type"] == "card"
    ]
    return saved[-1] if saved else None


def _take_card(store: Store, session: Json, request: Request, part: str) -> str:
    """Save a card and charge what is owed; what to add to the page's address."""
    customer = store.get("customer", session["customer"])
    if part:
        method = _finish_authentication(store, session["id"], request)
        return _save(store, customer, method) if method else "?problem=authentication_failed"
    try:
        method, card = _typed_card(store, request, customer["email"] or "")
    except CardRefused as refused:
        return f"?problem={refused}"
    if card.asks_for_authentication:
        store.books[session["id"]] = {"method": method["id"]}
        return "/authenticate"
    if card.error_code:
        return "?problem=card_declined"
    return _save(store, customer, method)


def _save(store: Store, customer: Json, method: Json) -> str:
    billing.save_card(store, customer, method)
    if store.portal_only_saves or billing.put_to_use(store, customer, method):
        return "?problem=saved"
    return "?problem=saved_but_unpaid"


def _take_payment(store: Store, invoice: Json, request: Request, part: str) -> str:
    """Charge the typed card for an invoice; what to add to the page's address."""
    if part:
        method = _finish_authentication(store, invoice["id"], request)
        if method is None:
            return "?problem=authentication_failed"
        billing.charge_new_card(store, invoice, method, Card("visa"))
        return ""
    try:
        method, card = _typed_card(store, request, invoice["customer_email"] or "")
    except CardRefused as refused:
        return f"?problem={refused}"
    if card.asks_for_authentication:
        store.books[invoice["id"]] = {"method": method["id"]}
        return "/authenticate"
    has_paid = billing.charge_new_card(store, invoice, method, card)
    return "" if has_paid else "?problem=card_declined"


def _typed_card(store: Store, request: Request, email: str) -> tuple[Json, Card]:
    number = form_of(request).get("card", "").strip()
    if not number:
        raise CardRefused("card_missing")
    try:
        digits, card = cards.card_for(number)
    except cards.UnknownCard:
        raise CardRefused("card_unknown") from None
    return payments.card_method(store, digits, card, email), card


def _authenticated_method(store: Store, key: str) -> Json | None:
    book = store.books.get(key, {})
    return store.rows("payment_method").get(book.get("method") or "")


def _finish_authentication(store: Store, key: str, request: Request) -> Json | None:
    """The card whose bank has just agreed, if it has."""
    method = _authenticated_method(store, key)
    store.books.pop(key, None)
    return method if form_of(request).get("result") == "complete" else None
