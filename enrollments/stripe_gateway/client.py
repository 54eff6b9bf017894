"""The client, its settings, and what Stripe's errors mean here."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from typing import TypeVar

import stripe
from django.conf import settings

API_VERSION: str = stripe.api_version
OFFICIAL_BASE = "https://api.stripe.com"
# Seconds to connect and to wait for an answer; each of the two tries has this long, so that nobody
# looks at a blank page for more than ten. What was lost is asked for again under the same key.
TIMEOUT_SECONDS = (2.0, 4.5)
NETWORK_RETRIES = 1

stripe.enable_telemetry = False

Answer = TypeVar("Answer")


class GatewayError(Exception):
    """Stripe did not do what was asked. ``str()`` holds ids and codes only, never a person."""


class GatewayDown(GatewayError):
    """No usable answer (network, 5xx, too many requests): asking again later may work."""


class GatewayFailed(GatewayDown):
    """Stripe answered with a failure that it repeats for the same idempotency key."""


class GatewayRefused(GatewayError):
    """Stripe understood and said no; asking again in the same way will not help.

    ``code`` is Stripe's own, for example ``charge_already_refunded``; it may be empty.
    """

    def __init__(self, about: str, code: str = "") -> None:
        super().__init__(about)
        self.code = code


class GatewayMisconfigured(GatewayError):
    """Payments are off, or the key is wrong or lacks a permission."""


class NoSuchObject(GatewayError):
    """Stripe does not know the id."""


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


def ask(question: Callable[[], Answer]) -> Answer:
    """Stripe's answer, with its errors mapped to ours; messages keep ids and codes only."""
    try:
        return question()
    except (stripe.APIConnectionError, stripe.RateLimitError) as error:
        raise GatewayDown(about(error)) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise GatewayMisconfigured(about(error)) from error
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            raise NoSuchObject(about(error)) from error
        raise GatewayRefused(about(error), error.code or "") from error
    except stripe.StripeError as error:
        # A 409 says that the same key is still at work; a 5xx is saved under its key.
        kind = GatewayDown if error.http_status == HTTPStatus.CONFLICT else GatewayFailed
        raise kind(about(error)) from error


def about(error: stripe.StripeError) -> str:
    return f"{type(error).__name__} {error.http_status} {error.code} {error.request_id}"


def id_of(reference: stripe.StripeObject | str | None) -> str:
    """The id of what an object refers to, whether it was expanded or not; empty for nothing."""
    if reference is None or isinstance(reference, str):
        return reference or ""
    return str(reference["id"])
