"""What Stripe refuses when a Checkout Session is created.

These rules depend on several parameters or on the clock, so no schema can hold them.
"""

import re

from devtools.stripe_standin import refusals
from devtools.stripe_standin.calls import only_one_of, refuse_what_is_not_copied, require
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.money import SMALLEST_CHARGE, written
from devtools.stripe_standin.store import Store

SHORTEST = 30 * 60
LONGEST = 24 * 60 * 60
# The request travels for a moment: Stripe counts from when it makes the session.
LEEWAY = 5
MOST_LINES = 100

# Given back as they came; the page does not act on those it has no use for.
ECHOED = {
    "adaptive_pricing",
    "allow_promotion_codes",
    "allowed_payment_method_types",
    "automatic_tax",
    "billing_address_collection",
    "branding_settings",
    "cancel_url",
    "client_reference_id",
    "consent_collection",
    "custom_text",
    "customer",
    "customer_creation",
    "customer_email",
    "excluded_payment_method_types",
    "integration_identifier",
    "invoice_creation",
    "locale",
    "metadata",
    "name_collection",
    "origin_context",
    "payment_method_collection",
    "phone_number_collection",
    "saved_payment_method_options",
    "submit_type",
    "success_url",
    "tax_id_collection",
    "wallet_options",
}
COPIED = ECHOED | {
    "currency",
    "discounts",
    "expires_at",
    "line_items",
    "mode",
    "payment_intent_data",
    "payment_method_options",
    "subscription_data",
    "ui_mode",
}
MODES = ("payment", "subscription")
# What only one of the modes takes.
OF_ONE_MODE = {
    "customer_creation": "payment",
    "invoice_creation": "payment",
    "payment_intent_data": "payment",
    "payment_method_collection": "subscription",
    "subscription_data": "subscription",
}
SUBSCRIPTION_FIELDS = {"description", "metadata"}
INTENT_FIELDS = {
    "description",
    "metadata",
    "receipt_email",
    "setup_future_usage",
    "statement_descriptor_suffix",
}
FORBIDDEN_IN_DESCRIPTOR = re.compile(r"[<>\\'\"*]")


def check(store: Store, given: Json) -> None:
    """Refuse what Stripe would refuse, and what the stand-in does not copy.

    Raises:
        Refusal: with the parameter that is at fault.
    """
    refuse_what_is_not_copied(given, COPIED)
    _check_mode(given, require(given, "mode"))
    if given.get("ui_mode", "hosted_page") != "hosted_page":
        raise refusals.not_copied("pages that are not hosted", "ui_mode")
    for name in ("automatic_tax", "invoice_creation"):
        if given.get(name, {}).get("enabled"):
            raise refusals.not_copied(f"`{name}`", f"{name}[enabled]")
    _check_addresses(given)
    _check_expiry(store, given)
    only_one_of(given, "customer", "customer_email")
    only_one_of(given, "allow_promotion_codes", "discounts")
    if given.get("customer"):
        store.get("customer", given["customer"], "customer")
    _check_email(given.get("customer_email"))
    _check_intent_data(given.get("payment_intent_data", {}))
    refuse_what_is_not_copied(
        given.get("subscription_data", {}), SUBSCRIPTION_FIELDS, "subscription_data"
    )
    require(given, "line_items")
    for name, most in (("line_items", MOST_LINES), ("discounts", 1)):
        if len(given.get(name) or []) > most:
            raise refusals.Refusal(f"Array {name} exceeded maximum {most} elements.", param=name)


def _check_mode(given: Json, mode: str) -> None:
    if mode not in MODES:
        raise refusals.not_copied(f"mode={mode}", "mode")
    for name, its_mode in OF_ONE_MODE.items():
        if name in given and mode != its_mode:
            raise refusals.Refusal(f"You can not pass `{name}` in `{mode}` mode.", param=name)


def check_line(line: Json, where: str) -> None:
    refuse_what_is_not_copied(line, {"price", "price_data", "quantity"}, where)
    only_one_of(line, "price", "price_data")
    if "price" not in line and "price_data" not in line:
        raise refusals.Refusal(
            f"You must specify either `price` or `price_data` for {where}.",
            code="parameter_missing",
            param=f"{where}[price]",
        )
    if require(line, "quantity", where) < 1:
        raise refusals.Refusal("Invalid positive integer", param=f"{where}[quantity]")


def check_price(price: Json, mode: str, where: str) -> None:
    if price["type"] == "recurring" and mode == "payment":
        raise refusals.Refusal(
            "You specified `payment` mode but passed a recurring price. Either switch to "
            "`subscription` mode or use only one-time prices.",
            param=f"{where}[price]",
        )
    if not price["active"]:
        raise refusals.Refusal(
            f"The price specified is inactive: {price['id']}",
            param=f"{where}[price]",
        )


def check_mode_of_lines(lines: list[Json], mode: str) -> None:
    """A subscription needs a line that recurs, and one rhythm for all lines that do."""
    if mode != "subscription":
        return
    rhythms = {
        (price["recurring"]["interval"], price["recurring"]["interval_count"])
        for price in (line["price"] for line in lines)
        if price["type"] == "recurring"
    }
    if not rhythms:
        raise refusals.Refusal(
            "You must provide at least one recurring price in `subscription` mode when using "
            "prices.",
            param="line_items",
        )
    if len(rhythms) > 1:
        raise refusals.not_copied("prices that recur in different intervals", "line_items")


def check_total(total: int, currency: str) -> None:
    smallest = SMALLEST_CHARGE.get(currency, 1)
    if 0 < total < smallest:
        raise refusals.Refusal(
            "The Checkout Session's total amount due must add up to at least "
            f"{written(smallest, currency)} {currency}",
            code="amount_too_small",
        )


def _check_addresses(given: Json) -> None:
    require(given, "success_url")
    for name in ("success_url", "cancel_url"):
        if name in given and not re.match(r"https?://[^/\s]+", given[name]):
            raise refusals.Refusal("Not a valid URL", code="url_invalid", param=name)


def _check_expiry(store: Store, given: Json) -> None:
    now = store.clock.now()
    expires_at = given.get("expires_at", now + LONGEST)
    if not now + SHORTEST <= expires_at <= now + LONGEST + LEEWAY:
        raise refusals.Refusal(
            "The `expires_at` timestamp must be between 30 minutes and 24 hours "
            "from Checkout Session creation.",
            param="expires_at",
        )


def _check_email(email: str | None) -> None:
    if email is not None and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email):
        raise refusals.Refusal(
            f"Invalid email address: {email}", code="email_invalid", param="customer_email"
        )


def _check_intent_data(given: Json) -> None:
    refuse_what_is_not_copied(given, INTENT_FIELDS, "payment_intent_data")
    suffix = given.get("statement_descriptor_suffix")
    if suffix is None:
        return
    if FORBIDDEN_IN_DESCRIPTOR.search(suffix) or not re.search("[A-Za-z]", suffix):
        raise refusals.Refusal(
            "The statement descriptor suffix must hold at least one letter and none of "
            "< > \\ ' \" *",
            param="payment_intent_data[statement_descriptor_suffix]",
        )
