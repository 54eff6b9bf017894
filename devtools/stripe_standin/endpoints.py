"""Webhook endpoints. Only this machine can be one."""

import secrets

from devtools.stripe_standin import refusals
from devtools.stripe_standin.calls import Call, refuse_what_is_not_copied, update_object
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.deliveries import is_on_this_machine
from devtools.stripe_standin.store import Store

ENDPOINT_FIELDS = {"url", "enabled_events", "api_version", "description", "metadata"}
DEFAULT_ENDPOINT = "we_standin_default"


def create(call: Call) -> Json:
    """A new endpoint; this is the only answer that shows its secret."""
    store, given = call.store, call.body
    refuse_what_is_not_copied(given, ENDPOINT_FIELDS)
    demand_loopback(given["url"])
    if given.get("api_version", store.contract.api_version) != store.contract.api_version:
        raise refusals.not_copied("another API version", "api_version")
    endpoint = store.new("webhook_endpoint", status="enabled", **given)
    secret = "whsec_standin_" + secrets.token_hex(16)
    store.endpoint_secrets[endpoint["id"]] = secret
    return {**endpoint, "secret": secret}


def update(call: Call) -> Json:
    endpoint = call.store.get("webhook_endpoint", call.id)
    given = dict(call.body)
    if "url" in given:
        demand_loopback(given["url"])
    if "disabled" in given:
        endpoint["status"] = "disabled" if given.pop("disabled") else "enabled"
    update_object(endpoint, given, {"url", "enabled_events", "description"})
    return endpoint


def set_default(store: Store, url: str, secret: str) -> None:
    """Let the endpoint that needs no registration be this one, or none if ``url`` is empty.

    Raises:
        Refusal: the URL is not on this machine.
    """
    store.rows("webhook_endpoint").pop(DEFAULT_ENDPOINT, None)
    if not url:
        return
    demand_loopback(url)
    endpoint = store.new(
        "webhook_endpoint",
        url=url,
        enabled_events=["*"],
        status="enabled",
        api_version=store.contract.api_version,
    )
    del store.rows("webhook_endpoint")[endpoint["id"]]
    endpoint["id"] = DEFAULT_ENDPOINT
    store.rows("webhook_endpoint")[DEFAULT_ENDPOINT] = endpoint
    store.endpoint_secrets[DEFAULT_ENDPOINT] = secret


def demand_loopback(url: str) -> None:
    if not is_on_this_machine(url):
        raise refusals.Refusal(
            "The stand-in delivers to this machine only, over plain HTTP.",
            code="url_invalid",
            param="url",
        )
