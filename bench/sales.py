"""Errands of buyers: each is one person with a browser of her own, from the form to the thanks."""

from __future__ import annotations

import json
import re
import time
from functools import lru_cache
from uuid import uuid4

from bench import stock
from bench.databases import POSTGRESQL, Databases
from bench.instant_stripe import Samples, order_of
from bench.shop import AUTHORIZED, SECRET, Shop, with_standin
from bench.wire import Answer, Visitor
from devtools.stripe_standin.control import SUCCESSFUL_CARD
from devtools.stripe_standin.deliveries import signature_header

SOLD, RESERVED, FULL = "sold", "reserved", "full"
OK, SEE_OTHER, CONFLICT = 200, 303, 409
EXPANDED = {
    f"expand[{number}]": name
    for number, name in enumerate(("payment_intent", "line_items", "invoice.payments"))
}
THANKS = b"Thank you"
SESSION_ID = re.compile(r"cs_test_\w+")


class Full(ValueError):
    """She came too late."""


def buy(shop: Shop, slug: str) -> str:
    """A whole sale at the stand-in, which tells the site of it by itself."""
    with Visitor() as visitor:
        try:
            page = reserve(visitor, shop, slug)
        except Full:
            return FULL
        paid = visitor.post(page, {"email": "a@example.org", "card": SUCCESSFUL_CARD})
        _demand(SEE_OTHER, paid)
        return _come_back(visitor, paid.location)


def buy_instantly(samples: Samples, shop: Shop, slug: str) -> str:
    """A whole sale at the instant Stripe; the event is brought before she comes back."""
    with Visitor() as visitor, Visitor() as courier:
        page = reserve(visitor, shop, slug)
        session_id = SESSION_ID.findall(page)[0]
        order = order_of(session_id)
        event = samples.about(order, samples.event, shop.stripe_url)
        _demand(OK, tell(courier, shop, with_new_id(event)))
        return _come_back(visitor, shop.return_address(order, session_id))


def only_reserve(shop: Shop, slug: str) -> str:
    """The contested step alone: the form, a seat, and the address of a payment page."""
    with Visitor() as visitor:
        reserve(visitor, shop, slug)
        return RESERVED


def reserve(visitor: Visitor, shop: Shop, slug: str) -> str:
    """The address of the page on which a seat that is held now can be paid.

    Raises:
        Full: no seat is left.
        ValueError: anything else came back.
    """
    address = shop.enroll_address(slug)
    page = visitor.get(address)
    _demand(OK, page)
    if not page.hidden("form_id"):
        raise Full
    form = {
        "csrfmiddlewaretoken": page.hidden("csrfmiddlewaretoken"),
        "form_id": page.hidden("form_id"),
        "shown": page.hidden("shown"),
        "chosen_name": "Ann",
        "email": f"{uuid4().hex}@example.org",
    }
    answer = visitor.post(address, form)
    if answer.status == CONFLICT:
        raise Full
    _demand(SEE_OTHER, answer)
    if not answer.location.startswith(shop.stripe_url):
        raise ValueError(f"led to {answer.location}")
    return answer.location


def tell(courier: Visitor, shop: Shop, event: str, secret: str = SECRET) -> Answer:
    """What the site answers to a signed event."""
    body = event.encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature_header(body, secret, int(time.time())),
    }
    return courier.send(f"{shop.url}/stripe/webhook/", body, headers)


def with_new_id(event: str, event_type: str = "") -> str:
    """The same event as another one, perhaps of another type."""
    told = json.loads(event)
    return json.dumps(
        {**told, "id": f"evt_{uuid4().hex}", "type": event_type or told["type"]}, indent=2
    )


@lru_cache(maxsize=1)
def samples(databases: Databases) -> Samples:
    """What the stand-in says of one sale, for the instant Stripe to repeat."""
    env = databases.new(POSTGRESQL)
    (slug,) = stock.quarters(env, 1)
    with with_standin(env) as shop:
        return _sample_sale(shop, slug)


def _sample_sale(shop: Shop, slug: str) -> Samples:
    if shop.standin is None:
        raise LookupError("samples are taken from the stand-in")
    with Visitor() as visitor:
        page = reserve(visitor, shop, slug)
        session_id = SESSION_ID.findall(page)[0]
        address = f"{shop.stripe_url}/v1/checkout/sessions/{session_id}"
        open_session = visitor.get(address, AUTHORIZED).body.decode()
        shop.standin.pay(page)
        shop.wait_for_events(1)
        paid_session = visitor.get(f"{address}?{_query(EXPANDED)}", AUTHORIZED).body.decode()
    paid = json.loads(paid_session)
    return Samples(
        open_session=open_session,
        paid_session=paid_session,
        event=json.dumps(shop.standin.events("checkout.session.completed")[-1]),
        base_url=shop.stripe_url,
        order=paid["client_reference_id"],
        session_id=session_id,
        payment_intent=paid["payment_intent"]["id"],
    )


def _query(parameters: dict[str, str]) -> str:
    return "&".join(f"{name}={value}" for name, value in parameters.items())


def _come_back(visitor: Visitor, address: str) -> str:
    page = visitor.get(address)
    _demand(OK, page)
    if THANKS not in page.body:
        raise ValueError("the page does not thank her")
    return SOLD


def _demand(status: int, answer: Answer) -> None:
    if answer.status != status:
        raise ValueError(f"{answer.status} instead of {status}")
