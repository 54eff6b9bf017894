"""The customer portal: a session and a page that says what it would be."""

from devtools.stripe_standin.calls import Call, refuse_what_is_not_copied, require
from devtools.stripe_standin.contract import Json

PORTAL_FIELDS = {"customer", "return_url", "configuration", "locale"}


def create(call: Call) -> Json:
    store, given = call.store, call.body
    refuse_what_is_not_copied(given, PORTAL_FIELDS)
    store.get("customer", require(given, "customer"), "customer")
    session = store.new(
        "billing_portal.session",
        **{"configuration": "bpc_standin", **given},
    )
    session["url"] = f"{call.base_url}/p/session/{session['id']}"
    return session
