"""Checkout Sessions as the site sees them: creating, looking, expiring."""

import time

import pytest
import stripe

MINUTE = 60
DAY = 24 * 60 * MINUTE


def test_a_new_session_is_open_and_says_what_it_costs(standin, shop):
    session = shop.session()

    assert (session.status, session.payment_status, session.mode) == ("open", "unpaid", "payment")
    assert (session.amount_subtotal, session.amount_total, session.currency) == (
        45000,
        45000,
        "usd",
    )
    assert session.url == f"{standin.base_url}/c/pay/{session.id}"
    assert session.id.startswith("cs_test_")
    assert (session.livemode, session.payment_intent, session.customer) == (False, None, None)
    assert session.client_reference_id == "order-1"
    assert session.metadata.to_dict() == {"order": "order-1"}


def test_without_a_wish_a_session_lasts_a_day(shop):
    session = shop.session(expires_at=None)

    assert session.expires_at == session.created + DAY


def _line(**changes):
    price_data = {"currency": "usd", "unit_amount": 45000, "product_data": {"name": "Course"}}
    return {"quantity": 1, "price_data": {**price_data, **changes}}


REFUSED = {
    "no mode": ({"mode": None}, "mode"),
    "no success_url": ({"success_url": None}, "success_url"),
    "address that is no address": ({"success_url": "/done/"}, "success_url"),
    "no lines": ({"line_items": None}, "line_items"),
    "no quantity": ({"line_items": [{"price": "price_1"}]}, "line_items[0][quantity]"),
    "quantity of nothing": (
        {"line_items": [{**_line(), "quantity": 0}]},
        "line_items[0][quantity]",
    ),
    "neither price nor price_data": ({"line_items": [{"quantity": 1}]}, "line_items[0][price]"),
    "unknown price": (
        {"line_items": [{"price": "price_none", "quantity": 1}]},
        "line_items[0][price]",
    ),
    "two currencies": ({"line_items": [_line(), _line(currency="eur")]}, "line_items"),
    "29 minutes": ({"expires_at": int(time.time()) + 29 * MINUTE}, "expires_at"),
    "more than a day": ({"expires_at": int(time.time()) + 2 * DAY}, "expires_at"),
    "email that is no email": ({"customer_email": "someone"}, "customer_email"),
    "customer and email": ({"customer": "cus_1"}, "customer_email"),
    "codes and discounts": (
        {"allow_promotion_codes": True, "discounts": [{"coupon": "c"}]},
        "discounts",
    ),
    "two discounts": ({"discounts": [{"coupon": "a"}, {"coupon": "b"}]}, "discounts"),
    "unknown coupon": ({"discounts": [{"coupon": "none"}]}, "discounts[0][coupon]"),
    "descriptor without a letter": (
        {"payment_intent_data": {"statement_descriptor_suffix": "123"}},
        "payment_intent_data[statement_descriptor_suffix]",
    ),
    "setup, which is not copied": ({"mode": "setup"}, "mode"),
    "plan without a line that recurs": ({"mode": "subscription"}, "line_items"),
    "data of a plan without a plan": (
        {"subscription_data": {"description": "x"}},
        "subscription_data",
    ),
    "collection without a plan": (
        {"payment_method_collection": "always"},
        "payment_method_collection",
    ),
    "tax, which is not copied": ({"automatic_tax": {"enabled": True}}, "automatic_tax[enabled]"),
    "shipping, which is not copied": (
        {"shipping_address_collection": {"allowed_countries": ["US"]}},
        "shipping_address_collection",
    ),
    "no way left to pay": (
        {"excluded_payment_method_types": ["card", "us_bank_account"]},
        "allowed_payment_method_types",
    ),
}


@pytest.mark.parametrize(("changes", "param"), REFUSED.values(), ids=REFUSED.keys())
def test_a_session_that_stripe_would_refuse_is_refused_at_its_field(shop, changes, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.session(**changes)

    assert (refused.value.http_status, refused.value.param) == (400, param)
    assert shop.v1.checkout.sessions.list().data == []


def test_a_total_below_half_a_dollar_is_refused_and_leaves_nothing_behind(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.session(line_items=[_line(unit_amount=49)])

    assert refused.value.code == "amount_too_small"
    assert shop.v1.checkout.sessions.list().data == []
    assert shop.v1.products.list().data == []


def test_a_recurring_or_inactive_price_is_refused(shop):
    product = shop.v1.products.create({"name": "Plan"}).id
    common = {"product": product, "unit_amount": 100, "currency": "usd"}
    recurring = shop.v1.prices.create({**common, "recurring": {"interval": "month"}})
    inactive = shop.v1.prices.create({**common, "active": False})

    for price in (recurring, inactive):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.session(line_items=[{"price": price.id, "quantity": 1}])

        assert refused.value.param == "line_items[0][price]"


def test_what_is_asked_for_comes_back(shop):
    session = shop.session(
        allow_promotion_codes=True,
        submit_type="book",
        locale="en",
        customer_creation="always",
        custom_text={"submit": {"message": "Discreet billing."}},
        branding_settings={"display_name": "Riverbend"},
        adaptive_pricing={"enabled": False},
        billing_address_collection="auto",
        phone_number_collection={"enabled": False},
        allowed_payment_method_types=["card"],
        consent_collection={"promotions": "none"},
        invoice_creation={"enabled": False},
        automatic_tax={"enabled": False},
        saved_payment_method_options={"payment_method_save": "disabled"},
        wallet_options={"link": {"display": "never"}},
    )

    assert session.allow_promotion_codes is True
    assert (session.submit_type, session.locale) == ("book", "en")
    assert session.customer_creation == "always"
    assert session.custom_text.submit.message == "Discreet billing."
    assert session.branding_settings.display_name == "Riverbend"
    assert session.adaptive_pricing.enabled is False
    assert session.payment_method_types == ["card"]


def test_lines_come_only_when_asked_for(shop):
    session = shop.session(line_items=[_line(), {**_line(unit_amount=1500), "quantity": 3}])

    plain = shop.look(session)
    expanded = shop.look(session, "line_items").line_items.data
    listed = shop.v1.checkout.sessions.line_items.list(session.id, {"limit": 1})

    assert "line_items" not in plain
    assert [(line.quantity, line.amount_total) for line in expanded] == [(1, 45000), (3, 4500)]
    assert len(listed.data) == 1
    assert listed.has_more is True
    assert len(list(listed.auto_paging_iter())) == 2


@pytest.mark.parametrize("path", ["status", "nothing", "line_items.data.quantity"])
def test_only_references_can_be_expanded(shop, path):
    session = shop.session()

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.look(session, path)

    assert refused.value.param == "expand"


def test_sessions_are_listed_newest_first_and_by_filter(standin, shop):
    first, second = shop.session(), shop.session()
    shop.v1.checkout.sessions.expire(first.id)

    everything = shop.v1.checkout.sessions.list()
    still_open = shop.v1.checkout.sessions.list({"status": "open"})
    later = shop.v1.checkout.sessions.list({"created": {"gt": second.created}})
    expanded = shop.v1.checkout.sessions.list({"expand": ["data.line_items"]})

    assert [session.id for session in everything.data] == [second.id, first.id]
    assert [session.id for session in still_open.data] == [second.id]
    assert later.data == []
    assert expanded.data[0].line_items.data[0].amount_total == 45000


def test_sessions_are_found_by_payment_customer_and_email(standin, shop):
    customer = shop.v1.customers.create({"email": "c@example.org"})
    other = shop.session()
    mine = shop.session(customer=customer.id, customer_email=None)
    standin.pay(mine.url)
    intent = shop.look(mine).payment_intent

    for query in (
        {"payment_intent": intent},
        {"customer": customer.id},
        {"customer_details": {"email": "c@example.org"}},
    ):
        found = shop.v1.checkout.sessions.list(query).data
        assert [session.id for session in found] == [mine.id]
    assert shop.status(other) == ("open", "unpaid")


def test_metadata_can_be_changed_afterwards(shop):
    session = shop.session()

    shop.v1.checkout.sessions.update(session.id, {"metadata": {"note": "x"}})

    assert shop.look(session).metadata.to_dict() == {"order": "order-1", "note": "x"}


def test_an_open_session_can_be_expired_once(standin, shop):
    session = shop.session()

    expired = shop.v1.checkout.sessions.expire(session.id)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.checkout.sessions.expire(session.id)

    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    assert refused.value.http_status == 400
    assert len(standin.events("checkout.session.expired")) == 1


def test_a_paid_session_cannot_be_expired(standin, shop):
    session = shop.session()
    standin.pay(session.url)

    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.checkout.sessions.expire(session.id)

    assert shop.status(session) == ("complete", "paid")


def test_the_clock_expires_what_nobody_paid(standin, shop):
    session = shop.session()

    standin.advance(30 * MINUTE)
    before = shop.status(session)
    standin.advance(2 * MINUTE)

    assert before == ("open", "unpaid")
    assert shop.status(session) == ("expired", "unpaid")
    assert len(standin.events("checkout.session.expired")) == 1


def test_the_clock_dates_what_is_made_later(standin, shop):
    before = shop.v1.products.create({"name": "Now"}).created

    now = standin.advance(90 * DAY)

    assert now >= before + 90 * DAY
    assert shop.v1.products.create({"name": "Then"}).created >= now


def test_limits_out_of_range_are_refused(shop):
    for limit in (0, 101):
        with pytest.raises(stripe.InvalidRequestError) as refused:
            shop.v1.checkout.sessions.list({"limit": limit})
        assert refused.value.param == "limit"
