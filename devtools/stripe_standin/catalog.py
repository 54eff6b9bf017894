"""Customers, products and prices."""

from devtools.stripe_standin import refusals
from devtools.stripe_standin.blanks import shaped
from devtools.stripe_standin.calls import (
    Call,
    only_one_of,
    refuse_what_is_not_copied,
    require,
    update_object,
)
from devtools.stripe_standin.contract import Json
from devtools.stripe_standin.store import Store

CUSTOMER_FIELDS = {"email", "name", "phone", "description", "metadata", "preferred_locales"}
PRODUCT_FIELDS = {"name", "active", "description", "metadata", "statement_descriptor", "tax_code"}
PRICE_FIELDS = {
    "product",
    "currency",
    "unit_amount",
    "recurring",
    "active",
    "nickname",
    "lookup_key",
    "metadata",
    "tax_behavior",
}
PRICE_DATA_FIELDS = {
    "currency",
    "product",
    "product_data",
    "recurring",
    "tax_behavior",
    "unit_amount",
}


def create_customer(call: Call) -> Json:
    refuse_what_is_not_copied(call.body, CUSTOMER_FIELDS)
    return new_customer(call.store, _given(call.body, CUSTOMER_FIELDS))


def new_customer(store: Store, fields: Json) -> Json:
    """A customer without a card, and the event that tells of it."""
    customer = store.new("customer", **fields)
    customer["invoice_settings"] = shaped(store.contract, "customer", "invoice_settings", {})
    store.emit("customer.created", customer)
    return customer


def update_customer(call: Call) -> Json:
    customer = call.store.get("customer", call.id)
    given = dict(call.body)
    settings = given.pop("invoice_settings", {})
    refuse_what_is_not_copied(settings, {"default_payment_method"}, "invoice_settings")
    if "default_payment_method" in settings:
        where = "invoice_settings[default_payment_method]"
        set_default_card(call.store, customer, settings["default_payment_method"], where)
    previous = update_object(customer, given, CUSTOMER_FIELDS)
    call.store.emit("customer.updated", customer, previous)
    return customer


def set_default_card(store: Store, customer: Json, method_id: str, where: str) -> None:
    """Let a card that the customer has pay for what names no card of its own.

    Raises:
        Refusal: there is no such card, or it is somebody else's.
    """
    method = store.get("payment_method", method_id, where)
    if method["customer"] != customer["id"]:
        raise refusals.missing("payment_method", method_id, where)
    customer["invoice_settings"]["default_payment_method"] = method_id


def create_product(call: Call) -> Json:
    refuse_what_is_not_copied(call.body, PRODUCT_FIELDS | {"id"})
    product = new_product(call.store, call.body)
    call.store.emit("product.created", product)
    return product


def new_product(store: Store, given: Json) -> Json:
    own_id = given.get("id")
    if own_id in store.rows("product"):
        raise refusals.Refusal(
            "Product already exists.", code="resource_already_exists", param="id"
        )
    fields = {"active": True, **_given(given, PRODUCT_FIELDS)}
    if own_id:
        fields["id"] = own_id
    product = store.new("product", type="service", updated=store.clock.now(), **fields)
    store.rows("product")[product["id"]] = product
    return product


def update_product(call: Call) -> Json:
    product = call.store.get("product", call.id)
    previous = update_object(product, call.body, PRODUCT_FIELDS)
    product["updated"] = call.store.clock.now()
    call.store.emit("product.updated", product, previous)
    return product


def create_price(call: Call) -> Json:
    refuse_what_is_not_copied(call.body, PRICE_FIELDS | {"product_data"})
    price = new_price(call.store, call.body, where="")
    call.store.emit("price.created", price)
    return price


def new_price(store: Store, given: Json, where: str) -> Json:
    """A price, with its product when that is described rather than named.

    Raises:
        Refusal: the product is missing, unknown or given twice, or there is no amount.
    """
    only_one_of(given, "product", "product_data")
    if "product_data" in given:
        product_id = new_product(store, given["product_data"])["id"]
    else:
        product_id = require(given, "product", where)
        store.get("product", product_id, f"{where}[product]" if where else "product")
    require(given, "currency", where)
    if given.get("unit_amount") is None:
        require(given, "unit_amount", where)
    if given["unit_amount"] < 0:
        raise refusals.Refusal("Invalid non-negative integer", param="unit_amount")
    recurring = given.get("recurring")
    fields = {"active": True, **_given(given, PRICE_FIELDS - {"product", "recurring"})}
    if recurring:
        full = {"interval_count": 1, "usage_type": "licensed", **recurring}
        fields["recurring"] = shaped(store.contract, "price", "recurring", full)
    return store.new(
        "price",
        **{
            **fields,
            "product": product_id,
            "type": "recurring" if recurring else "one_time",
            "currency": given["currency"].lower(),
            "unit_amount_decimal": str(given["unit_amount"]),
            "billing_scheme": "per_unit",
        },
    )


def update_price(call: Call) -> Json:
    price = call.store.get("price", call.id)
    previous = update_object(price, call.body, {"active", "nickname", "lookup_key"})
    call.store.emit("price.updated", price, previous)
    return price


def _given(given: Json, names: set[str]) -> Json:
    return {name: value for name, value in given.items() if name in names and value != ""}
