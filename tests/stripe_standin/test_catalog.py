"""Customers, products, prices, coupons and promotion codes, through the real SDK."""

import time

import pytest
import stripe

DAY = 24 * 60 * 60


def test_a_customer_is_kept_and_changed(shop):
    made = shop.v1.customers.create({"email": "a@example.org", "metadata": {"member": "1"}})

    shop.v1.customers.update(made.id, {"name": "Ada", "metadata": {"member": "", "other": "2"}})

    kept = shop.v1.customers.retrieve(made.id)
    assert (kept.email, kept.name) == ("a@example.org", "Ada")
    assert kept.metadata.to_dict() == {"other": "2"}
    assert kept.livemode is False


def test_customers_are_found_by_email(shop):
    shop.v1.customers.create({"email": "a@example.org"})
    wanted = shop.v1.customers.create({"email": "b@example.org"})

    found = shop.v1.customers.list({"email": "b@example.org"})

    assert [customer.id for customer in found.data] == [wanted.id]


def test_a_price_belongs_to_its_product(shop):
    product = shop.v1.products.create({"id": "prod_place", "name": "Program enrollment"})
    price = shop.v1.prices.create({"product": product.id, "unit_amount": 45000, "currency": "USD"})

    kept = shop.v1.prices.retrieve(price.id, {"expand": ["product"]})

    assert (kept.product.id, kept.product.name) == ("prod_place", "Program enrollment")
    assert (kept.unit_amount, kept.currency, kept.type) == (45000, "usd", "one_time")


def test_a_recurring_price_says_how_often(shop):
    product = shop.v1.products.create({"name": "Plan"})

    price = shop.v1.prices.create(
        {
            "product": product.id,
            "unit_amount": 15000,
            "currency": "usd",
            "recurring": {"interval": "month"},
        }
    )

    assert (price.type, price.recurring.interval, price.recurring.interval_count) == (
        "recurring",
        "month",
        1,
    )


def test_a_price_of_an_unknown_product_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.prices.create({"product": "prod_none", "unit_amount": 1, "currency": "usd"})

    assert (refused.value.code, refused.value.param) == ("resource_missing", "product")


def test_a_product_and_a_price_can_be_switched_off(shop):
    product = shop.v1.products.create({"name": "Old"})
    price = shop.v1.prices.create({"product": product.id, "unit_amount": 100, "currency": "usd"})

    shop.v1.products.update(product.id, {"active": False})
    shop.v1.prices.update(price.id, {"active": False})

    assert shop.v1.products.list({"active": True}).data == []
    assert [each.id for each in shop.v1.prices.list({"active": False}).data] == [price.id]


def test_what_is_unknown_is_a_404(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.products.retrieve("prod_none")

    assert (refused.value.http_status, refused.value.code) == (404, "resource_missing")


@pytest.mark.parametrize(
    ("coupon", "param"),
    [
        ({}, "percent_off"),
        ({"percent_off": 10, "amount_off": 100, "currency": "usd"}, "amount_off"),
        ({"percent_off": 101}, "percent_off"),
        ({"percent_off": 0}, "percent_off"),
        ({"amount_off": 100}, "currency"),
        ({"percent_off": 10, "duration": "repeating"}, "duration_in_months"),
        ({"percent_off": 10, "redeem_by": 1}, "redeem_by"),
    ],
)
def test_a_coupon_that_makes_no_sense_is_refused(shop, coupon, param):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.coupons.create(coupon)

    assert refused.value.param == param


def test_a_coupon_id_is_taken_once(shop):
    shop.v1.coupons.create({"id": "HELP", "percent_off": 25})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.coupons.create({"id": "HELP", "percent_off": 30})

    assert refused.value.code == "resource_already_exists"


def test_two_active_codes_cannot_differ_only_in_case(shop):
    first = shop.code("WELCOME", percent_off=10)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.code("welcome", percent_off=20)
    shop.v1.promotion_codes.update(first.id, {"active": False})
    second = shop.code("welcome", percent_off=20)

    assert refused.value.param == "code"
    assert shop.v1.promotion_codes.list({"code": "WELCOME", "active": True}).data[0].id == second.id


def test_a_code_without_a_name_is_given_one(shop):
    coupon = shop.v1.coupons.create({"percent_off": 10})

    made = shop.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}})

    assert made.code.isalnum()


def test_a_code_of_an_unknown_coupon_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": "none"}})

    assert refused.value.param == "promotion[coupon]"


def test_a_code_ends_with_its_coupon(standin, shop):
    code = shop.code("SPRING", percent_off=10, redeem_by=int(time.time()) + DAY)

    standin.advance(DAY + 1)

    assert shop.v1.promotion_codes.retrieve(code.id).active is False
    assert shop.v1.coupons.retrieve(code.promotion.coupon).valid is False


def test_a_portal_session_leads_to_a_page_with_the_way_back(standin, shop):
    customer = shop.v1.customers.create({"email": "a@example.org"})

    session = shop.v1.billing_portal.sessions.create(
        {"customer": customer.id, "return_url": "http://127.0.0.1:9/orders/"}
    )

    assert 'href="http://127.0.0.1:9/orders/"' in standin.read(session.url)


def test_what_is_not_copied_yet_says_so(shop):
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.subscription_schedules.create({"customer": "cus_1"})

    assert refused.value.http_status == 400
    assert "does not copy" in refused.value.user_message


def test_an_unknown_parameter_is_refused_by_name(client_for, shop):
    product = shop.v1.products.create({"name": "Course"})

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.products.update(product.id, {"nmae": "Curse"})

    assert (refused.value.http_status, refused.value.code) == (400, "parameter_unknown")
    assert refused.value.param == "nmae"
