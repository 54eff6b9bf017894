"""Signed event bodies, made with the official signer rather than with our own code."""

from __future__ import annotations

import json
import time
from typing import Any

import stripe

SECRET = "whsec_standin_development"


def event_body(object_id: str = "cs_test_1", **changes: Any) -> str:
    """The JSON of an event about a Checkout Session."""
    return json.dumps(
        {
            "id": "evt_1",
            "object": "event",
            "type": "checkout.session.completed",
            "api_version": stripe.api_version,
            "created": int(time.time()),
            "livemode": False,
            "data": {"object": {"id": object_id, "object": "checkout.session"}},
        }
        | changes
    )


def signature(body: str, *, secret: str = SECRET, at: float | None = None) -> str:
    """A ``Stripe-Signature`` header for ``body``."""
    stamp = int(at if at is not None else time.time())
    return stripe.WebhookSignature.generate_signature_header(body, secret, stamp)


def deliver(client, body: str | bytes, header: str | None = None):
    """Post ``body`` to the webhook as Stripe would."""
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    headers = {"Stripe-Signature": signature(text) if header is None else header}
    return client.post(
        "/stripe/webhook/", data=body, content_type="application/json", headers=headers
    )
