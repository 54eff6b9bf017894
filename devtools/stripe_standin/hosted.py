"""The doors of the hosted pages: the checkout, the portal, an invoice, the bank's question.

A form post never shows a page itself: it redirects, so that reloading repeats nothing.
"""

import re

from devtools.stripe_standin import (
    checkout,
    checkout_payment,
    due,
    hosted_billing,
    hosted_pages,
    plans,
)
from devtools.stripe_standin.api import Request
from devtools.stripe_standin.cards import UnknownCard
from devtools.stripe_standin.checkout import SessionClosed
from devtools.stripe_standin.checkout_payment import DiscountGone, Outcome
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.engine import Engine
from devtools.stripe_standin.page import Page, form_of, problem_of
from devtools.stripe_standin.promotions import CodeRefused

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PAGE = re.compile(r"/c/pay/([^/]+)(/code|/authenticate)?")
PORTAL = re.compile(r"/p/session/([^/]+)(/authenticate)?")
INVOICE = re.compile(r"/i/([^/]+)(/authenticate)?")


def answer(engine: Engine, request: Request) -> Page:
    """The page for a request, or a redirect after a form post."""
    with engine.store.lock:
        due.do_what_is_due(engine.store)
        if found := PAGE.fullmatch(request.path):
            page = _checkout(engine, request, found[1], found[2] or "")
        elif found := PORTAL.fullmatch(request.path):
            page = hosted_billing.answer_portal(engine, request, found[1], found[2] or "")
        elif found := INVOICE.fullmatch(request.path):
            page = hosted_billing.answer_invoice(engine, request, found[1], found[2] or "")
        else:
            page = None
    return page or Page(404, hosted_pages.not_found())


def _checkout(engine: Engine, request: Request, session_id: str, part: str) -> Page | None:
    session = engine.store.rows("checkout.session").get(session_id)
    if session is None:
        return None
    if request.verb != "POST":
        return _show(engine, session, part, problem_of(request))
    try:
        location = _take(engine, session, part, form_of(request), request.base_url)
    except SessionClosed:
        location = _address(session)
    except CodeRefused:
        location = _address(session, "code_invalid")
    except DiscountGone:
        location = _address(session, "discount_gone")
    return Page(303, location=location)


def _show(engine: Engine, session: Json, part: str, problem: str) -> Page:
    merchant = _merchant(engine, session)
    cart = engine.store.carts[session["id"]]
    if session["status"] == "expired":
        return Page(html=hosted_pages.expired(session, merchant))
    if session["status"] == "complete":
        return Page(html=hosted_pages.already_paid(session))
    if part == "/authenticate" and cart["method"]:
        return Page(html=hosted_pages.authentication(session, merchant))
    lines = checkout.lines_of(engine.store, session["id"])
    later = plans.later_payment(engine.store, cart, lines)
    page = hosted_pages.checkout(
        session, cart, lines, later=later, merchant=merchant, problem=problem
    )
    return Page(html=page)


def _take(engine: Engine, session: Json, part: str, form: dict[str, str], base_url: str) -> str:
    if part == "/code":
        return _take_code(engine, session, form)
    if part == "/authenticate":
        outcome = checkout_payment.finish_authentication(
            engine.store, session, form.get("result", "")
        )
        return _after(outcome, session, "authentication_failed")
    return _take_payment(engine, session, form, base_url)


def _take_code(engine: Engine, session: Json, form: dict[str, str]) -> str:
    if "remove" in form:
        checkout.remove_code(engine.store, session)
        return _address(session)
    checkout.apply_code(engine.store, session, form.get("promotion_code", ""))
    return _address(session)


def _take_payment(engine: Engine, session: Json, form: dict[str, str], base_url: str) -> str:
    store, cart = engine.store, engine.store.carts[session["id"]]
    if not cart["email_is_fixed"]:
        cart["email"] = form.get("email", "").strip() or cart["email"]
    if not EMAIL.fullmatch(cart["email"]):
        return _address(session, "email_missing")
    if not checkout_payment.asks_for_card(session):
        return _after(checkout_payment.pay_nothing(store, session), session)
    if form.get("method") == "bank":
        return _after(checkout_payment.pay_by_bank(store, session), session)
    number = form.get("card", "").strip()
    if not number:
        return _address(session, "card_missing")
    authentication_url = f"{base_url}{_address(session)}/authenticate"
    try:
        outcome = checkout_payment.pay_by_card(store, session, number, authentication_url)
    except UnknownCard:
        return _address(session, "card_unknown")
    return _after(outcome, session, _decline_problem(engine, session))


def _after(outcome: Outcome, session: Json, problem: str = "card_declined") -> str:
    if outcome is Outcome.COMPLETE:
        return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])
    if outcome is Outcome.NEEDS_AUTHENTICATION:
        return _address(session) + "/authenticate"
    return _address(session, problem)


def _decline_problem(engine: Engine, session: Json) -> str:
    intent = checkout.intent_of(engine.store, session)
    error = (intent or {}).get("last_payment_error") or {}
    known = error.get("decline_code") in hosted_pages.PROBLEMS
    return str(error["decline_code"]) if known else "card_declined"


def _address(session: Json, problem: str = "") -> str:
    return f"/c/pay/{session['id']}" + (f"?problem={problem}" if problem else "")


def _merchant(engine: Engine, session: Json) -> str:
    return (session["branding_settings"] or {}).get("display_name") or engine.options.merchant
