"""Checkout Sessions of mode subscription, from the page to the first invoice."""

import pytest
import stripe

from devtools.stripe_standin.control import (
    AUTHENTICATED_CARD,
    DECLINED_CARD,
    LATER_DECLINED_CARD,
)

MATERIALS = {
    "quantity": 1,
    "price_data": {
        "currency": "usd",
        "unit_amount": 3000,
        "product_data": {"name": "Materials"},
    },
}


def test_the_page_says_what_is_due_now_and_what_each_later_payment_is(standin, shop):
    session = shop.plan_session()

    page = standin.read(session.url)

    assert "$200.00 now, then $200.00 each month" in page
    assert "Pay $200.00" in page
    assert "Bank debit" not in page


def test_a_first_payment_can_be_less_than_the_later_ones(standin, shop):
    session = shop.plan_session(
        discounts=[{"coupon": shop.v1.coupons.create({"percent_off": 25, "duration": "once"}).id}]
    )

    page = standin.read(session.url)

    assert "$150.00 now, then $200.00 each month" in page
    assert session.amount_total == 15000


def test_a_plan_that_is_paid_starts_a_subscription(standin, shop):
    session = shop.plan_session()

    standin.pay(session.url)

    done = shop.look(session, "subscription.latest_invoice", "customer")
    subscription = done.subscription
    [item] = subscription["items"].data
    assert (done.status, done.payment_status, done.payment_intent) == ("complete", "paid", None)
    assert done.invoice == subscription.latest_invoice.id
    assert done.customer.email == "member@example.org"
    assert (subscription.status, subscription.customer) == ("active", done.customer.id)
    assert subscription.metadata.to_dict() == {"order": "order-1"}
    assert (item.price.unit_amount, item.price.recurring.interval) == (20000, "month")
    assert item.current_period_end > item.current_period_start == subscription.start_date


def test_the_first_invoice_is_paid_by_an_intent_of_its_own(standin, shop):
    session = shop.plan_session()
    standin.pay(session.url)

    invoice = shop.v1.invoices.retrieve(
        shop.look(session).invoice, {"expand": ["payments.data.payment.payment_intent"]}
    )

    [payment] = invoice.payments.data
    details = invoice.parent.subscription_details
    intent = payment.payment.payment_intent
    listed = shop.v1.invoice_payments.list({"invoice": invoice.id}).data
    by_intent = shop.v1.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent.id}}
    ).data
    assert (invoice.status, invoice.amount_due, invoice.amount_paid) == ("paid", 20000, 20000)
    assert (invoice.billing_reason, invoice.attempt_count) == ("subscription_create", 1)
    assert invoice.next_payment_attempt is None
    assert details.subscription == shop.look(session).subscription
    assert details.metadata.to_dict() == {"order": "order-1"}
    assert (intent.status, intent.amount_received) == ("succeeded", 20000)
    assert [each.id for each in listed] == [each.id for each in by_intent] == [payment.id]
    assert invoice.lines.data[0].description == "1 x Program enrollment (at $200.00 / month)"


def test_the_invoice_is_without_its_payments_unless_they_are_asked_for(standin, shop):
    session = shop.plan_session()
    standin.pay(session.url)

    assert "payments" not in shop.v1.invoices.retrieve(shop.look(session).invoice)


def test_the_events_of_a_plan_end_with_the_completed_session(standin, shop):
    standin.pay(shop.plan_session().url)

    assert [event["type"] for event in standin.events()] == [
        "payment_intent.created",
        "customer.created",
        "payment_method.attached",
        "customer.subscription.created",
        "invoice.created",
        "invoice.finalized",
        "charge.succeeded",
        "payment_intent.succeeded",
        "invoice.paid",
        "invoice.payment_succeeded",
        "invoice_payment.paid",
        "checkout.session.completed",
    ]


def test_a_known_customer_pays_a_plan_as_that_customer(standin, shop):
    customer = shop.v1.customers.create({"email": "ann@example.org"})
    session = shop.plan_session(customer=customer.id, customer_email=None)

    standin.pay(session.url)

    assert shop.look(session).customer == customer.id
    assert len(shop.v1.customers.list().data) == 1


def test_lines_paid_once_land_on_the_first_invoice_only(standin, shop):
    lines = [*shop.plan()["line_items"], MATERIALS]
    session = shop.plan_session(line_items=lines)
    standin.pay(session.url)

    standin.advance(days=32)

    first, second = standin.invoices()
    assert (first["amount_paid"], second["amount_paid"]) == (23000, 20000)
    assert [line["amount"] for line in first["lines"]["data"]] == [20000, 3000]
    assert len(shop.subscription_of(session)["items"].data) == 1


def test_a_discount_for_once_lowers_the_first_invoice_only(standin, shop):
    coupon = shop.v1.coupons.create({"amount_off": 5000, "currency": "usd", "duration": "once"})
    session = shop.plan_session(discounts=[{"coupon": coupon.id}])
    standin.pay(session.url)

    standin.advance(days=32)

    first, second = standin.invoices()
    assert (first["subtotal"], first["total"], second["total"]) == (20000, 15000, 20000)
    assert first["total_discount_amounts"][0]["amount"] == 5000
    assert shop.subscription_of(session).discounts == []


def test_a_discount_for_ever_lowers_every_invoice(standin, shop):
    code = shop.code("HELP", percent_off=50, duration="forever")
    session = shop.plan_session(discounts=[{"promotion_code": code.id}])
    page = standin.read(session.url)
    standin.pay(session.url)

    standin.advance(days=32)

    assert "$100.00 now, then $100.00 each month" in page
    assert [invoice["total"] for invoice in standin.invoices()] == [10000, 10000]


def test_a_discount_for_two_months_ends_after_the_second_invoice(standin, shop):
    code = shop.code("HELP", percent_off=50, duration="repeating", duration_in_months=2)
    session = shop.plan_session(discounts=[{"promotion_code": code.id}])
    standin.pay(session.url)

    standin.advance(days=63)

    assert [invoice["total"] for invoice in standin.invoices()] == [10000, 10000, 20000]


def test_a_first_invoice_over_nothing_still_takes_a_card(standin, shop):
    code = shop.code("FIRST", percent_off=100, duration="once")
    session = shop.plan_session(discounts=[{"promotion_code": code.id}])

    page = standin.read(session.url)
    without = standin.pay(session.url, "")
    declined = standin.pay(session.url, DECLINED_CARD)
    standin.pay(session.url)
    standin.advance(days=32)

    first, second = standin.invoices()
    assert "$0.00 now, then $200.00 each month" in page
    assert "problem=card_missing" in without
    assert "problem=card_declined" in declined
    assert shop.status(session) == ("complete", "no_payment_required")
    assert (first["status"], first["total"], second["status"]) == ("paid", 0, "paid")
    assert shop.v1.invoice_payments.list({"invoice": first["id"]}).data == []
    assert second["amount_paid"] == 20000


def test_a_declined_card_starts_nothing_and_another_one_does(standin, shop):
    session = shop.plan_session()

    location = standin.decline(session.url)
    after_decline = (shop.status(session), standin.subscriptions(), standin.invoices())
    standin.pay(session.url)

    assert "problem=card_declined" in location
    assert after_decline == (("open", "unpaid"), [], [])
    assert shop.status(session) == ("complete", "paid")
    assert len(standin.events("payment_intent.created")) == 1


@pytest.mark.parametrize(("result", "status"), [("complete", "complete"), ("fail", "open")])
def test_a_plan_can_ask_for_the_bank_first(standin, shop, result, status):
    session = shop.plan_session()

    question = standin.pay(session.url, AUTHENTICATED_CARD)
    standin.authenticate(question, result)

    assert shop.look(session).status == status
    assert len(standin.subscriptions()) == (result == "complete")


def test_a_card_that_fails_later_pays_now(standin, shop):
    session = shop.plan_session()

    standin.pay(session.url, LATER_DECLINED_CARD)

    assert shop.status(session) == ("complete", "paid")


def test_a_plan_that_nobody_pays_expires_like_any_session(standin, shop):
    session = shop.plan_session()
    standin.decline(session.url)

    standin.advance(32 * 60)

    assert shop.status(session) == ("expired", "unpaid")
    assert standin.events("payment_intent.canceled")[0]["data"]["object"]["status"] == "canceled"
    assert standin.subscriptions() == []


def _recurring(**rhythm):
    return {
        "quantity": 1,
        "price_data": {
            "currency": "usd",
            "unit_amount": 1000,
            "recurring": rhythm,
            "product_data": {"name": "Other"},
        },
    }


REFUSED = {
    "customer_creation": {"customer_creation": "always"},
    "payment_intent_data": {"payment_intent_data": {"description": "x"}},
    "invoice_creation": {"invoice_creation": {"enabled": True}},
    "subscription_data[trial_period_days]": {"subscription_data": {"trial_period_days": 7}},
    "line_items": {"line_items": [_recurring(interval="week"), _recurring(interval="month")]},
}


@pytest.mark.parametrize(("param", "changes"), REFUSED.items(), ids=REFUSED.keys())
def test_what_a_plan_cannot_have_is_refused_at_its_field(shop, param, changes):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.plan_session(**changes)

    assert (refused.value.http_status, refused.value.param) == (400, param)
    assert shop.v1.checkout.sessions.list().data == []


def test_a_price_from_the_catalog_can_be_the_plan(standin, shop):
    product = shop.v1.products.create({"name": "Program enrollment"})
    price = shop.v1.prices.create(
        {
            "product": product.id,
            "unit_amount": 15000,
            "currency": "usd",
            "recurring": {"interval": "month", "interval_count": 2},
        }
    )
    session = shop.plan_session(line_items=[{"price": price.id, "quantity": 1}])

    page = standin.read(session.url)
    standin.pay(session.url)

    [found] = shop.v1.subscriptions.list({"price": price.id}).data
    assert "$150.00 now, then $150.00 every 2 months" in page
    assert found.id == shop.look(session).subscription
