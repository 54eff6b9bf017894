"""The one door to Stripe: plain dataclasses in and out, never a StripeObject.

Owns the client, the requests this site sends, and the verification of what Stripe sends.
Nothing about health goes through here: lines carry discreet names, references are opaque.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar

import stripe
from django.conf import settings

if TYPE_CHECKING:
    from stripe.params.checkout import SessionCreateParams

API_VERSION: str = stripe.api_version
OFFICIAL_BASE = "https://api.stripe.com"
# Seconds to connect and to wait for an answer; each of the tries has this long.
TIMEOUT_SECONDS = (3.0, 10.0)
NETWORK_RETRIES = 2
# How far a webhook's timestamp may be from our clock, in seconds, either way.
TOLERANCE_SECONDS = 300
LONGEST_ID = 255

stripe.enable_telemetry = False

Answer = TypeVar("Answer")


class GatewayError(Exception):
    """Stripe did not do what was asked. ``str()`` holds ids and codes only, never a person."""


class GatewayDown(GatewayError):
    """No usable answer (network, 5xx, too many requests): asking again later may work."""


class GatewayFailed(GatewayDown):
    """Stripe answered with a failure that it repeats for the same idempotency key."""


class GatewayRefused(GatewayError):
    """Stripe understood and said no; asking again in the same way will not help."""


class GatewayMisconfigured(GatewayError):
    """Payments are off, or the key is wrong or lacks a permission."""


class NoSuchObject(GatewayError):
    """Stripe does not know the id."""


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
class Line:
    """One thing to pay, under the name that the payment page and the receipt show."""

    discreet_name: str
    unit_price_cents: int


@dataclass(frozen=True, kw_only=True)
class CheckoutRequest:
    """A Checkout Session to be made. ``success_url`` holds ``{CHECKOUT_SESSION_ID}``."""

    order_reference: str
    attempt_number: int
    lines: Sequence[Line]
    currency: str
    email: str
    success_url: str
    cancel_url: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A Checkout Session as Stripe has it now. Amounts in minor units of ``currency``."""

    session_id: str
    order_reference: str
    attempt_number: int | None
    url: str
    mode: str
    status: str
    payment_status: str
    currency: str
    subtotal_cents: int
    discount_cents: int
    tax_cents: int
    total_cents: int
    payment_intent_id: str
    payment_intent_status: str

    @property
    def is_open(self) -> bool:
        """It can be paid now."""
        return self.status == "open"

    @property
    def is_expired(self) -> bool:
        """It can never be paid."""
        return self.status == "expired"

    @property
    def is_settled(self) -> bool:
        """Completed, with the money received or nothing to pay."""
        return self.status == "complete" and self.payment_status in ("paid", "no_payment_required")

    @property
    def has_failed(self) -> bool:
        """Completed with a delayed method whose money will not come."""
        return (
            self.status == "complete"
            and self.payment_status == "unpaid"
            and self.payment_intent_status in ("requires_payment_method", "canceled")
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


@lru_cache(maxsize=4)
def _client(api_key: str, base: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        api_key,
        base_addresses={"api": base},
        max_network_retries=NETWORK_RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_SECONDS),
    )


def client() -> stripe.StripeClient:
    """The client for the configured mode.

    Raises:
        GatewayMisconfigured: payments are off, or the settings mix modes.
    """
    problem = misconfiguration()
    if problem:
        raise GatewayMisconfigured(problem)
    return _client(settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE)


def misconfiguration() -> str:
    """Why the payment settings cannot be used, in one sentence; empty when they can."""
    match settings.STRIPE_MODE:
        case "off":
            return "Payments are switched off (STRIPE_MODE=off)."
        case "standin":
            return _standin_problem()
        case "test":
            return _official_problem("sk_test_", "rk_test_")
        case "live" if settings.DEBUG:
            return "A live key and DEBUG do not go together."
        case "live":
            return _official_problem("sk_live_", "rk_live_")
        case unknown:
            return f"STRIPE_MODE is unknown: {unknown!r}."


def _standin_problem() -> str:
    if not settings.DEVELOPMENT:
        return "The Stripe stand-in is for development only."
    if not settings.STRIPE_API_BASE.startswith(("http://127.0.0.1:", "http://[::1]:")):
        return "The stand-in lives on this machine only (STRIPE_API_BASE)."
    if not settings.STRIPE_SECRET_KEY.startswith("sk_test_standin_"):
        return "The stand-in takes its own keys only (STRIPE_SECRET_KEY)."
    return ""


def _official_problem(*prefixes: str) -> str:
    secrets = [settings.STRIPE_SECRET_KEY, *settings.STRIPE_WEBHOOK_SECRETS]
    if settings.STRIPE_API_BASE != OFFICIAL_BASE:
        return "Only the stand-in may have an address of its own (STRIPE_API_BASE)."
    if not settings.STRIPE_SECRET_KEY.startswith(prefixes):
        return f"STRIPE_SECRET_KEY does not belong to this mode: it starts with {prefixes[0]}."
    if any("standin" in secret for secret in secrets):
        return "A secret of the stand-in is set outside development."
    return "" if settings.STRIPE_WEBHOOK_SECRETS else "STRIPE_WEBHOOK_SECRETS is empty."


def create_checkout(request: CheckoutRequest, *, idempotency_key: str) -> Checkout:
    """A hosted page on which ``request`` can be paid.

    The same key returns the same page, however often it is asked.

    Raises:
        GatewayError: no page was made, or Stripe's answer was lost.
    """
    return _checkout(
        _ask(
            lambda: client().v1.checkout.sessions.create(
                checkout_params(request), {"idempotency_key": idempotency_key}
            )
        )
    )


def checkout_params(request: CheckoutRequest) -> SessionCreateParams:
    """Exactly what is sent: neutral names, opaque references, and the email that was typed."""
    reference = {"order": request.order_reference, "attempt": str(request.attempt_number)}
    return {
        "mode": "payment",
        "client_reference_id": request.order_reference,
        "metadata": reference,
        # A session's metadata is not copied to its payment.
        "payment_intent_data": {"metadata": reference},
        "customer_email": request.email,
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": request.currency,
                    "unit_amount": line.unit_price_cents,
                    "product_data": {"name": line.discreet_name},
                },
            }
            for line in request.lines
        ],
        "allow_promotion_codes": True,
        # Otherwise amounts may come back in another currency than the one agreed.
        "adaptive_pricing": {"enabled": False},
        "expires_at": int(request.expires_at.timestamp()),
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }


def get_checkout(session_id: str) -> Checkout:
    """The session as it is at Stripe now.

    Raises:
        NoSuchObject: Stripe does not know it.
        GatewayError: no usable answer.
    """
    return _checkout(
        _ask(
            lambda: client().v1.checkout.sessions.retrieve(
                session_id, {"expand": ["payment_intent"]}
            )
        )
    )


def expire_checkout(session_id: str) -> Checkout:
    """End a session, and say how it ended: one that was paid meanwhile comes back as paid.

    Raises:
        GatewayError: it is not known whether the session can still be paid.
    """
    try:
        return _checkout(_ask(lambda: client().v1.checkout.sessions.expire(session_id)))
    except GatewayRefused:
        return get_checkout(session_id)


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
    return value


def _ask(question: Callable[[], Answer]) -> Answer:
    """Stripe's answer, with its errors mapped to ours; messages keep ids and codes only."""
    try:
        return question()
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise GatewayDown(_about(error)) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise GatewayMisconfigured(_about(error)) from error
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            raise NoSuchObject(_about(error)) from error
        raise GatewayRefused(_about(error)) from error
    except stripe.StripeError as error:
        # A 409 says that the same key is still at work; a 5xx is saved under its key.
        kind = GatewayDown if error.http_status == HTTPStatus.CONFLICT else GatewayFailed
        raise kind(_about(error)) from error


def _about(error: stripe.StripeError) -> str:
    return f"{type(error).__name__} {error.http_status} {error.code} {error.request_id}"


def _checkout(session: stripe.checkout.Session) -> Checkout:
    details = session.total_details
    intent = session.payment_intent
    metadata = session.metadata.to_dict() if session.metadata else {}
    number = str(metadata.get("attempt", ""))
    return Checkout(
        session_id=session.id,
        order_reference=session.client_reference_id or "",
        attempt_number=int(number) if number.isascii() and number.isdigit() else None,
        url=session.url or "",
        mode=session.mode,
        status=session.status or "",
        payment_status=session.payment_status,
        currency=session.currency or "",
        subtotal_cents=session.amount_subtotal or 0,
        discount_cents=details.amount_discount if details else 0,
        tax_cents=details.amount_tax if details else 0,
        total_cents=session.amount_total or 0,
        payment_intent_id=intent if isinstance(intent, str) else intent.id if intent else "",
        payment_intent_status=intent.status if isinstance(intent, stripe.PaymentIntent) else "",
    )
