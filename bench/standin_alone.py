"""What the stand-in can do by itself: the four questions that one sale asks of it."""

from __future__ import annotations

import time
from uuid import uuid4

from bench.sales import OK, SEE_OTHER, SESSION_ID, SOLD
from bench.shop import AUTHORIZED
from bench.wire import Visitor
from devtools.stripe_standin.control import SUCCESSFUL_CARD

EXPAND = "expand[0]=payment_intent&expand[1]=line_items&expand[2]=invoice.payments"
HALF_AN_HOUR = 35 * 60


def one_sale(base_url: str) -> str:
    """A page made, paid, and asked about twice: for the return page and for the webhook."""
    sessions = f"{base_url}/v1/checkout/sessions"
    with Visitor() as site, Visitor() as buyer:
        made = site.post(sessions, _wanted(), AUTHORIZED)
        session_id = SESSION_ID.findall(made.body.decode())[0]
        paid = buyer.post(f"{base_url}/c/pay/{session_id}", {"card": SUCCESSFUL_CARD})
        asked = [site.get(f"{sessions}/{session_id}?{EXPAND}", AUTHORIZED) for _ in range(2)]
    statuses = [answer.status for answer in (made, paid, *asked)]
    if statuses != [OK, SEE_OTHER, OK, OK]:
        raise ValueError(f"answered {statuses}")
    return SOLD


def _wanted() -> dict[str, str]:
    """What the site sends."""
    order = str(uuid4())
    return {
        "mode": "payment",
        "client_reference_id": order,
        "customer_email": f"{uuid4().hex}@example.org",
        "metadata[order]": order,
        "metadata[attempt]": "1",
        "payment_intent_data[metadata][order]": order,
        "payment_intent_data[metadata][attempt]": "1",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "usd",
        "line_items[0][price_data][unit_amount]": "60000",
        "line_items[0][price_data][product_data][name]": "Saturday course",
        "adaptive_pricing[enabled]": "false",
        "expires_at": str(int(time.time()) + HALF_AN_HOUR),
        "success_url": "http://127.0.0.1/?session_id={CHECKOUT_SESSION_ID}",
        "cancel_url": "http://127.0.0.1/",
    }
