"""What Stripe sends: verified, read by key, and reduced to which object to look at."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import stripe
from django.conf import settings

# How far a webhook's timestamp may be from our clock, in seconds, either way.
TOLERANCE_SECONDS = 300
LONGEST_ID = 255


class UntrustedWebhook(Exception):
    """The body was not signed by Stripe for this site, or cannot be read."""


# What hostile bodies and headers make the SDK and the reading below raise.
_UNREADABLE = (
    stripe.SignatureVerificationError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, kw_only=True)
class Event:
    """A verified event: what happened to which object. The payload itself is only a hint."""

    id: str
    type: str
    object_id: str
    created: datetime
    livemode: bool
    api_version: str


def read_webhook(*, payload: bytes, signature: str) -> Event:
    """The event in ``payload``, once its signature, age and mode are those of this site.

    Raises:
        UntrustedWebhook: anything about it cannot be verified or read.
    """
    try:
        _verify(payload, signature)
        event = _event(json.loads(payload))
    except _UNREADABLE as error:
        raise UntrustedWebhook(type(error).__name__) from error
    if event.livemode != (settings.STRIPE_MODE == "live"):
        raise UntrustedWebhook("livemode")
    return event


def _verify(payload: bytes, signature: str) -> None:
    refusal: Exception = ValueError("no secret")
    for secret in settings.STRIPE_WEBHOOK_SECRETS:
        try:
            stripe.WebhookSignature.verify_header(payload, signature, secret, TOLERANCE_SECONDS)
        except stripe.SignatureVerificationError as error:
            refusal = error
        else:
            # The SDK accepts any time in the future.
            stamp = next(part for part in signature.split(",") if part.startswith("t="))
            if int(stamp[2:]) > time.time() + TOLERANCE_SECONDS:
                raise ValueError("signed in the future")
            return
    raise refusal


def _event(body: Any) -> Event:
    """Read by key on purpose: what is not an event of the expected shape raises."""
    return Event(
        id=_text(body["id"]),
        type=_text(body["type"]),
        object_id=_text(body["data"]["object"].get("id", "")),
        created=datetime.fromtimestamp(body["created"], tz=UTC),
        livemode=bool(body["livemode"]),
        api_version=_text(body.get("api_version") or ""),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_ID:
        raise TypeError("not a short text")
    if not (value.isascii() and value.isprintable()):
        raise ValueError("not the plain text of an id")
    return value
