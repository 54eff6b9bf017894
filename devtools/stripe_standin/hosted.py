"""The hosted pages' own doors: the checkout, the bank's confirmation, the portal.

A form post never shows a page itself: it redirects, so that reloading repeats nothing.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from devtools.stripe_standin import checkout, hosted_pages
from devtools.stripe_standin.api import Request
from devtools.stripe_standin.cards import UnknownCard
from devtools.stripe_standin.checkout import Outcome, SessionClosed
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.engine import Engine
from devtools.stripe_standin.promotions import CodeRefused

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PAGE = re.compile(r"/c/pay/([^/]+)(/code|/authenticate)?")
PORTAL = re.compile(r"/p/session/([^/]+)")


@dataclass(frozen=True)
class Page:
    """What to show, or where to go when ``location`` is set."""

    status: int = 200
    html: bytes = b""
    location: str = ""
    headers: dict[str, str] = field(default_factory=dict)


def answer(engine: Engine, request: Request) -> Page:
    """The page for a request, or a redirect after a form post."""
    with engine.store.lock:
        if found := PORTAL.fullmatch(request.path):
            return _portal(engine, found[1])
        found = PAGE.fullmatch(request.path)
        session = engine.store.rows("checkout.session").get(found[1]) if found else None
        if found is None or session is None:
            return Page(404, hosted_pages.not_found())
        checkout.do_what_is_due(engine.store)
        if request.verb != "POST":
            problem = dict(parse_qsl(request.query)).get("problem", "")
            return _show(engine, session, found[2] or "", problem)
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            location = _take(engine, session, found[2] or "", form, request.base_url)
        except SessionClosed:
            location = _address(session)
        except CodeRefused:
            location = _address(session, "code_invalid")
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
    return Page(html=hosted_pages.checkout(session, cart, lines, merchant, problem))


def _take(engine: Engine, session: Json, part: str, form: dict[str, str], base_url: str) -> str:
    if part == "/code":
        return _take_code(engine, session, form)
    if part == "/authenticate":
        outcome = checkout.finish_authentication(engine.store, session, form.get("result", ""))
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
    if session["amount_total"] == 0:
        return _after(checkout.pay_nothing(store, session), session)
    if form.get("method") == "bank":
        return _after(checkout.pay_by_bank(store, session), session)
    number = form.get("card", "").strip()
    if not number:
        return _address(session, "card_missing")
    authentication_url = f"{base_url}{_address(session)}/authenticate"
    try:
        outcome = checkout.pay_by_card(store, session, number, authentication_url)
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
    intent = engine.store.rows("payment_intent").get(session["payment_intent"] or "")
    error = (intent or {}).get("last_payment_error") or {}
    known = error.get("decline_code") in hosted_pages.PROBLEMS
    return str(error["decline_code"]) if known else "card_declined"


def _address(session: Json, problem: str = "") -> str:
    return f"/c/pay/{session['id']}" + (f"?problem={problem}" if problem else "")


def _merchant(engine: Engine, session: Json) -> str:
    return (session["branding_settings"] or {}).get("display_name") or engine.options.merchant


def _portal(engine: Engine, session_id: str) -> Page:
    session = engine.store.rows("billing_portal.session").get(session_id)
    if session is None:
        return Page(404, hosted_pages.not_found())
    return Page(html=hosted_pages.portal(session, engine.options.merchant))
