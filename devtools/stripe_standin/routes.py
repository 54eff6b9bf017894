"""Which operation of the contract does what."""

from collections.abc import Callable

from devtools.stripe_standin import (
    billing,
    catalog,
    checkout,
    endpoints,
    invoices,
    listing,
    portal,
    promotions,
    refunds,
    refusals,
    schedules,
    subscriptions,
)
from devtools.stripe_standin.calls import Call
from devtools.stripe_standin.contract import Json, Operation

LISTED = {
    "/v1/billing_portal/configurations": "billing_portal.configuration",
    "/v1/charges": "charge",
    "/v1/checkout/sessions": "checkout.session",
    "/v1/customers": "customer",
    "/v1/disputes": "dispute",
    "/v1/events": "event",
    "/v1/invoice_payments": "invoice_payment",
    "/v1/payment_intents": "payment_intent",
    "/v1/payment_methods": "payment_method",
    "/v1/prices": "price",
    "/v1/products": "product",
    "/v1/promotion_codes": "promotion_code",
    "/v1/radar/early_fraud_warnings": "radar.early_fraud_warning",
    "/v1/refunds": "refund",
    "/v1/subscription_schedules": "subscription_schedule",
    "/v1/webhook_endpoints": "webhook_endpoint",
}
# Lists whose filters look deeper than a field.
FILTERED: dict[str, Callable[[Call], Json]] = {
    "/v1/invoices": invoices.listed,
    "/v1/subscriptions": subscriptions.listed,
}
RETRIEVED = {
    "/v1/billing_portal/configurations/{configuration}": "billing_portal.configuration",
    "/v1/charges/{charge}": "charge",
    "/v1/checkout/sessions/{session}": "checkout.session",
    "/v1/coupons/{coupon}": "coupon",
    "/v1/customers/{customer}": "customer",
    "/v1/disputes/{dispute}": "dispute",
    "/v1/events/{id}": "event",
    "/v1/invoice_payments/{invoice_payment}": "invoice_payment",
    "/v1/invoices/{invoice}": "invoice",
    "/v1/payment_intents/{intent}": "payment_intent",
    "/v1/payment_methods/{payment_method}": "payment_method",
    "/v1/prices/{price}": "price",
    "/v1/products/{id}": "product",
    "/v1/promotion_codes/{promotion_code}": "promotion_code",
    "/v1/radar/early_fraud_warnings/{early_fraud_warning}": "radar.early_fraud_warning",
    "/v1/refunds/{refund}": "refund",
    "/v1/subscription_schedules/{schedule}": "subscription_schedule",
    "/v1/subscriptions/{subscription_exposed_id}": "subscription",
    "/v1/webhook_endpoints/{webhook_endpoint}": "webhook_endpoint",
}
POSTED: dict[str, Callable[[Call], Json]] = {
    "/v1/billing_portal/configurations": portal.create_configuration,
    "/v1/billing_portal/configurations/{configuration}": portal.update_configuration,
    "/v1/billing_portal/sessions": portal.create,
    "/v1/checkout/sessions": checkout.create,
    "/v1/checkout/sessions/{session}": checkout.update,
    "/v1/checkout/sessions/{session}/expire": checkout.expire,
    "/v1/coupons": promotions.create_coupon,
    "/v1/customers": catalog.create_customer,
    "/v1/customers/{customer}": catalog.update_customer,
    "/v1/disputes/{dispute}": refunds.update_dispute,
    "/v1/invoices/{invoice}/pay": billing.pay,
    "/v1/invoices/{invoice}/void": invoices.void,
    "/v1/prices": catalog.create_price,
    "/v1/prices/{price}": catalog.update_price,
    "/v1/products": catalog.create_product,
    "/v1/products/{id}": catalog.update_product,
    "/v1/promotion_codes": promotions.create_promotion_code,
    "/v1/promotion_codes/{promotion_code}": promotions.update_promotion_code,
    "/v1/refunds": refunds.create_refund,
    "/v1/refunds/{refund}/cancel": refunds.cancel_refund,
    "/v1/subscription_schedules": schedules.create,
    "/v1/subscription_schedules/{schedule}": schedules.update,
    "/v1/subscription_schedules/{schedule}/cancel": schedules.cancel,
    "/v1/subscription_schedules/{schedule}/release": schedules.release,
    "/v1/subscriptions/{subscription_exposed_id}": subscriptions.update,
    "/v1/webhook_endpoints": endpoints.create,
    "/v1/webhook_endpoints/{webhook_endpoint}": endpoints.update,
}
SUBSCRIPTION = "/v1/subscriptions/{subscription_exposed_id}"
LINE_ITEMS = "/v1/checkout/sessions/{session}/line_items"


def answer(operation: Operation, call: Call) -> Json:
    """What the operation gives back, references unexpanded.

    Raises:
        Refusal: Stripe would refuse, or the stand-in does not copy the operation.
    """
    store, template = call.store, operation.template
    promotions.refresh(store)
    if operation.verb == "post" and template in POSTED:
        return POSTED[template](call)
    if operation.verb == "delete" and template == SUBSCRIPTION:
        return subscriptions.cancel(call)
    if operation.verb == "get" and template in FILTERED:
        return FILTERED[template](call)
    if operation.verb == "get" and template in LISTED:
        newest_first = list(store.rows(LISTED[template]).values())[::-1]
        return listing.page(newest_first, call.query, call.path)
    if operation.verb == "get" and template in RETRIEVED:
        return store.get(RETRIEVED[template], call.id)
    if operation.verb == "get" and template == LINE_ITEMS:
        store.get("checkout.session", call.id, "session")
        return listing.page(checkout.lines_of(store, call.id), call.query, call.path)
    raise refusals.not_copied(f"{operation.verb.upper()} {template}", "(operation)")
