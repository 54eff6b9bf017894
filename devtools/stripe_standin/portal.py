"""The customer portal: configurations and sessions."""

from devtools.stripe_standin import refusals
from devtools.stripe_standin.blanks import shaped
from devtools.stripe_standin.calls import (
    Call,
    refuse_what_is_not_copied,
    require,
    update_object,
)
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store

PORTAL_FIELDS = {"customer", "return_url", "configuration", "locale"}
CONFIGURATION_FIELDS = {
    "business_profile",
    "default_return_url",
    "features",
    "login_page",
    "metadata",
    "name",
}
# The page has these two; the others may only be switched off.
COPIED_FEATURES = {"invoice_history", "payment_method_update"}
DEFAULT_CONFIGURATION = "bpc_standin"


def create_configuration(call: Call) -> Json:
    store, given = call.store, call.body
    _check(given)
    shapes = {
        name: shaped(store.contract, "billing_portal.configuration", name, given.get(name, {}))
        for name in ("business_profile", "features", "login_page")
    }
    plain = {name: given[name] for name in ("default_return_url", "name") if name in given}
    configuration = store.new(
        "billing_portal.configuration",
        active=True,
        updated=store.clock.now(),
        metadata=given.get("metadata", {}),
        **plain,
        **shapes,
    )
    store.emit("billing_portal.configuration.created", configuration)
    return configuration


def update_configuration(call: Call) -> Json:
    store, given = call.store, dict(call.body)
    configuration = store.get("billing_portal.configuration", call.id)
    _check({name: value for name, value in given.items() if name != "active"})
    for name in ("business_profile", "features", "login_page"):
        if name in given:
            change = shaped(store.contract, "billing_portal.configuration", name, given[name])
            given[name] = {**configuration[name], **{key: change[key] for key in given[name]}}
    previous = update_object(configuration, given, CONFIGURATION_FIELDS | {"active"})
    configuration["updated"] = store.clock.now()
    store.emit("billing_portal.configuration.updated", configuration, previous)
    return configuration


def offers(store: Store, session: Json, feature: str) -> bool:
    """Whether the page of a portal session has a feature."""
    known = store.rows("billing_portal.configuration").get(session["configuration"])
    return known is None or bool(known["features"][feature]["enabled"])


def _check(given: Json) -> None:
    refuse_what_is_not_copied(given, CONFIGURATION_FIELDS)
    for name, feature in (given.get("features") or {}).items():
        if feature.get("enabled") and name not in COPIED_FEATURES:
            raise refusals.not_copied(f"the feature `{name}`", f"features[{name}][enabled]")
    if (given.get("login_page") or {}).get("enabled"):
        raise refusals.not_copied("the portal's own login page", "login_page[enabled]")


def create(call: Call) -> Json:
    store, given = call.store, call.body
    refuse_what_is_not_copied(given, PORTAL_FIELDS)
    store.get("customer", require(given, "customer"), "customer")
    wanted = given.get("configuration")
    known: Json = {}
    if wanted:
        known = store.get("billing_portal.configuration", wanted, "configuration")
        if not known["active"]:
            raise refusals.Refusal(
                f"The configuration {wanted} is not active.", param="configuration"
            )
    session = store.new(
        "billing_portal.session",
        **{
            "configuration": DEFAULT_CONFIGURATION,
            "return_url": known.get("default_return_url"),
            **{name: value for name, value in given.items() if name != "expand"},
        },
    )
    session["url"] = f"{call.base_url}/p/session/{session['id']}"
    return session
