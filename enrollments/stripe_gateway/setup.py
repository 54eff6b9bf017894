"""What has to stand at Stripe before anything is sold: the webhook endpoint and the portal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import stripe

from enrollments.stripe_gateway.client import API_VERSION, ask, client

if TYPE_CHECKING:
    from stripe.params import WebhookEndpointCreateParams, WebhookEndpointUpdateParams
    from stripe.params.billing_portal import (
        ConfigurationCreateParams,
        ConfigurationCreateParamsFeatures,
    )

# Where a member changes how she pays. She cannot end or change a plan there: people agree on that.
PORTAL_FEATURES: ConfigurationCreateParamsFeatures = {
    "customer_update": {"enabled": False},
    "invoice_history": {"enabled": True},
    "payment_method_update": {"enabled": True},
    "subscription_cancel": {"enabled": False},
    "subscription_update": {"enabled": False},
}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """The webhook endpoint. ``secret`` is only there when it was made just now."""

    endpoint_id: str
    url: str
    events: frozenset[str]
    api_version: str
    is_enabled: bool
    secret: str = ""


def find_endpoint(url: str) -> Endpoint | None:
    """The endpoint that delivers to ``url``, if there is one.

    Raises:
        GatewayError: no usable answer.
    """
    page = ask(lambda: client().v1.webhook_endpoints.list({"limit": 100}))
    found = next((endpoint for endpoint in page.data if endpoint.url == url), None)
    return _endpoint(found) if found else None


def create_endpoint(url: str, *, events: Collection[str]) -> Endpoint:
    """A new endpoint for ``events``; its secret is told this once.

    Raises:
        GatewayError: none was made.
    """
    # The SDK lists every event and version by name; ours are checked against it by the tests.
    params = cast(
        "WebhookEndpointCreateParams",
        {"url": url, "enabled_events": sorted(events), "api_version": API_VERSION},
    )
    return _endpoint(ask(lambda: client().v1.webhook_endpoints.create(params)))


def update_endpoint(endpoint_id: str, *, events: Collection[str]) -> Endpoint:
    """The endpoint, switched on, for exactly ``events``.

    Raises:
        GatewayError: nothing was changed.
    """
    params = cast(
        "WebhookEndpointUpdateParams", {"enabled_events": sorted(events), "disabled": False}
    )
    return _endpoint(ask(lambda: client().v1.webhook_endpoints.update(endpoint_id, params)))


def _endpoint(endpoint: stripe.WebhookEndpoint) -> Endpoint:
    return Endpoint(
        endpoint_id=endpoint.id,
        url=endpoint.url,
        events=frozenset(endpoint.enabled_events),
        api_version=endpoint.api_version or "",
        is_enabled=endpoint.status == "enabled",
        secret=endpoint.secret or "" if "secret" in endpoint else "",
    )


def create_portal(return_url: str) -> str:
    """The id of a new portal configuration in which nothing but the card can be changed.

    Raises:
        GatewayError: none was made.
    """
    params: ConfigurationCreateParams = {
        "features": PORTAL_FEATURES,
        "default_return_url": return_url,
    }
    return ask(lambda: client().v1.billing_portal.configurations.create(params)).id


def portal_problems(configuration_id: str) -> list[str]:
    """What is wrong with a portal configuration, in words; nothing when it is as it should be.

    Raises:
        NoSuchObject: Stripe does not know it.
        GatewayError: no usable answer.
    """
    found = ask(lambda: client().v1.billing_portal.configurations.retrieve(configuration_id))
    problems = [] if found.active else ["it is switched off"]
    for name, wanted in PORTAL_FEATURES.items():
        enabled = cast("dict[str, object]", wanted)["enabled"]
        if found.features[name]["enabled"] is not enabled:
            problems.append(f"{name} should be {'on' if enabled else 'off'}")
    return problems
