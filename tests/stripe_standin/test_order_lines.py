"""Orders of several lines, discounts that the site gives, and the lists that find them."""

import time

import pytest
import stripe

DAY = 24 * 60 * 60


def _line(cents, name="Program enrollment", quantity=1):
    return {
        "quantity": quantity,
        "price_data": {
            "currency": "usd",
            "unit_amount": cents,
            "product_data": {"name": name},
        },
    }


def _amounts(line):
    return line.amount_subtotal, line.amount_discount, line.amount_total


@pytest.mark.parametrize(
    "coupon", [{"percent_off": 33}, {"amount_off": 10001, "currency": "usd"}, {"percent_off": 100}]
)
def test_what_each_line_costs_adds_up_to_the_session(shop, coupon):
    code = shop.code("HELP", **coupon)
    lines = [_line(45000, "One"), _line(3333, "Two", quantity=3), _line(101, "Three")]

    session = shop.session(line_items=lines, discounts=[{"promotion_code": code.id}])

    found = shop.look(session, "line_items").line_items.data
    sums = [sum(column) for column in zip(*map(_amounts, found), strict=True)]
    assert [line.description for line in found] == ["One", "Two", "Three"]
    assert sums == [
        session.amount_subtotal,
        session.total_details.amount_discount,
        session.amount_total,
    ]
    assert all(a - b == c for a, b, c in map(_amounts, found))
    assert session.amount_subtotal == 55100


def test_a_code_that_the_site_gives_is_named_by_the_session_and_counted_once(standin, shop):
    code = shop.code("HELP", percent_off=25)
    session = shop.session(discounts=[{"promotion_code": code.id}])
    before = shop.v1.promotion_codes.retrieve(code.id).times_redeemed

    standin.pay(session.url)

    paid = shop.look(session)
    assert (before, shop.v1.promotion_codes.retrieve(code.id).times_redeemed) == (0, 1)
    assert paid.discounts[0].promotion_code == code.id
    assert paid.amount_total == 33750


def test_a_code_for_everything_ends_without_a_card(standin, shop):
    code = shop.code("ALL", percent_off=100)
    session = shop.session(
        line_items=[_line(45000), _line(20000)], discounts=[{"promotion_code": code.id}]
    )

    page = standin.read(session.url)
    standin.post(session.url, email="member@example.org")

    assert "Card number" not in page
    assert shop.status(session) == ("complete", "no_payment_required")
    assert shop.look(session).payment_intent is None


def _used_up(standin, shop):
    code = shop.code("ONCE", percent_off=10, max_redemptions=1)
    standin.pay(shop.session(discounts=[{"promotion_code": code.id}]).url)
    return code


def _expired(standin, shop):
    coupon = shop.v1.coupons.create({"percent_off": 10, "duration": "once"})
    code = shop.v1.promotion_codes.create(
        {
            "promotion": {"type": "coupon", "coupon": coupon.id},
            "expires_at": int(time.time()) + DAY,
        }
    )
    standin.advance(days=2)
    return code


def _inactive(standin, shop):
    code = shop.code("OFF", percent_off=10)
    return shop.v1.promotion_codes.update(code.id, {"active": False})


@pytest.mark.parametrize("make", [_used_up, _expired, _inactive])
def test_a_code_that_cannot_be_used_is_refused_with_a_code_and_its_field(standin, shop, make):
    code = make(standin, shop)

    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.session(discounts=[{"promotion_code": code.id}], expires_at=None)

    assert (refused.value.http_status, refused.value.code, refused.value.param) == (
        400,
        "coupon_expired",
        "discounts[0][promotion_code]",
    )


def test_a_code_of_the_site_that_was_used_up_meanwhile_stops_the_payment(standin, shop):
    code = shop.code("ONCE", percent_off=10, max_redemptions=1)
    first = shop.session(discounts=[{"promotion_code": code.id}])
    second = shop.session(discounts=[{"promotion_code": code.id}])
    standin.pay(first.url)

    location = standin.pay(second.url)

    assert "The discount can no longer be used." in standin.read(location)
    assert shop.status(second) == ("open", "unpaid")


def test_a_session_is_found_by_time_status_and_payment_together(standin, shop):
    first, second = shop.session(), shop.session()
    standin.pay(first.url)
    intent = shop.look(first).payment_intent
    since = {"gte": first.created}

    found = shop.v1.checkout.sessions.list(
        {"created": since, "status": "complete", "payment_intent": intent}
    )
    still_open = shop.v1.checkout.sessions.list({"created": since, "status": "open"})
    later = shop.v1.checkout.sessions.list({"created": {"gte": second.created + 1}})

    assert [session.id for session in found.data] == [first.id]
    assert [session.id for session in still_open.data] == [second.id]
    assert later.data == []


def test_a_session_is_found_by_its_subscription(standin, shop):
    session = shop.plan_session()
    standin.pay(session.url)
    standin.pay(shop.plan_session().url)

    found = shop.v1.checkout.sessions.list({"subscription": shop.look(session).subscription})

    assert [each.id for each in found.data] == [session.id]


def test_refunds_and_disputes_are_found_by_their_payment(standin, shop):
    paid = [shop.session(), shop.session()]
    for session in paid:
        standin.pay(session.url)
    mine, other = (shop.look(session).payment_intent for session in paid)
    shop.v1.refunds.create({"payment_intent": other})
    refund = shop.v1.refunds.create(
        {
            "payment_intent": mine,
            "amount": 100,
            "reason": "requested_by_customer",
            "metadata": {"refund": "1"},
        }
    )
    dispute = standin.dispute(mine)

    refunds = shop.v1.refunds.list({"payment_intent": mine}).data
    disputes = shop.v1.disputes.list({"payment_intent": mine}).data

    assert [(each.id, each.metadata.to_dict()) for each in refunds] == [
        (refund.id, {"refund": "1"})
    ]
    assert [each.id for each in disputes] == [dispute["id"]]
    assert shop.v1.disputes.list({"payment_intent": other}).data == []


def test_events_that_were_not_received_are_found_by_type_and_time(standin, receiver, shop):
    standin.drop_webhooks()
    lost = shop.session()
    standin.pay(lost.url)
    standin.release_webhooks()
    standin.pay(shop.session().url)
    standin.wait_for_delivery("checkout.session.completed")
    types = ["checkout.session.completed", "charge.refunded"]

    found = shop.v1.events.list(
        {"delivery_success": False, "types": types, "created": {"gte": lost.created}}
    )

    assert [event.data.object.id for event in found.data] == [lost.id]
    assert len(shop.v1.events.list({"types": types}).data) == 2
    future = {"types": types, "created": {"gt": lost.created + DAY}}
    assert shop.v1.events.list(future).data == []


def test_a_warning_of_fraud_names_the_payment_and_moves_no_money(standin, shop):
    session = shop.session()
    standin.pay(session.url)
    intent = shop.look(session).payment_intent

    made = standin.warn_of_fraud(intent)

    warning = shop.v1.radar.early_fraud_warnings.retrieve(made["id"])
    [listed] = shop.v1.radar.early_fraud_warnings.list({"payment_intent": intent}).data
    [event] = standin.events("radar.early_fraud_warning.created")
    assert (warning.payment_intent, warning.actionable) == (intent, True)
    assert listed.id == event["data"]["object"]["id"] == warning.id
    assert shop.v1.charges.retrieve(warning.charge).amount_refunded == 0


def test_an_endpoint_is_found_by_its_address_and_told_to_send_more(standin, receiver, shop):
    url = receiver.url + "&own=1"
    made = shop.v1.webhook_endpoints.create(
        {"url": url, "enabled_events": ["charge.refunded"], "api_version": stripe.api_version}
    )

    [found] = [each for each in shop.v1.webhook_endpoints.list().data if each.url == url]
    shop.v1.webhook_endpoints.update(
        found.id,
        {"enabled_events": ["checkout.session.completed"], "metadata": {"site": "1"}},
    )
    standin.pay(shop.session().url)
    standin.wait_idle()

    kept = shop.v1.webhook_endpoints.retrieve(made.id)
    sent = {each["event_type"] for each in standin.deliveries() if each["endpoint_id"] == made.id}
    assert kept.enabled_events == ["checkout.session.completed"]
    assert kept.metadata.to_dict() == {"site": "1"}
    assert sent == {"checkout.session.completed"}
    assert "secret" not in kept
