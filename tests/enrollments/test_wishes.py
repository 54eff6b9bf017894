"""What she wants beside a place: bundles, a code, monthly payments; and changing her mind."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone

from enrollments import stripe_gateway
from enrollments.errors import CodeNotUsable, NotForSale, OrderNotPayable
from enrollments.models import BundleAccess, Enrollment, Order, Quarter
from enrollments.operations import checkout
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.wishes import NOTHING_MORE, Paying, Wishes
from tests.factories.enrollments import (
    bundle,
    make_access,
    make_buyer,
    make_code,
    make_member,
    make_price,
    make_quarter,
)
from tests.stripe_fixtures import WaitingOrder, at_stripe, waiting

pytestmark = pytest.mark.django_db


def enroll(quarter: Quarter, *, wishes: Wishes = NOTHING_MORE, **buyer) -> Order:
    return checkout.enroll(
        quarter_id=quarter.pk, buyer=make_buyer(**buyer), wishes=wishes, now=timezone.now()
    )


def held(quarter: Quarter) -> list[int]:
    return sorted(quarter.enrollments.occupying().values_list("seat_number", flat=True))


def lines_of(order: Order) -> list[tuple[str, int]]:
    lines = order.lines.order_by("pk")
    return [(line.discreet_name, line.unit_price_cents) for line in lines]


def pages(standin) -> list[dict]:
    """What Stripe was asked for, once for each page, oldest first."""
    asked = standin.requests("/v1/checkout/sessions")
    return [request["body"] for request in asked if request["method"] == "POST"]


def statuses(standin, *session_ids: str) -> list[str]:
    return [stripe_gateway.get_checkout(session_id).status for session_id in session_ids]


@pytest.fixture
def with_bundle() -> Wishes:
    """She adds the bundle, which is on sale."""
    make_price()
    return Wishes(bundle_ids=[bundle().pk])


@pytest.fixture
def monthly(quarter) -> Wishes:
    """She pays the quarter in three instalments."""
    Quarter.objects.update(instalment_count=3, instalment_cents=21_000)
    return Wishes(paying=Paying.MONTHLY)


def test_a_bundle_can_be_bought_with_a_place_in_one_payment(standin, quarter, with_bundle):
    order = enroll(quarter, wishes=with_bundle)
    page = waiting(order)
    standin.pay(page.url)

    paid = fulfil(page.session_id, now=timezone.now())

    assert lines_of(order) == [("Saturday course", 60_000), ("Video course", 29_700)]
    assert [payment.amount_cents for payment in paid.payments.all()] == [89_700]
    assert [line.paid_cents for line in paid.lines.order_by("pk")] == [60_000, 29_700]
    assert (quarter.enrollments.get().state, BundleAccess.objects.get().member) == (
        Enrollment.State.ENROLLED,
        paid.member,
    )


def test_a_bundle_that_comes_with_the_quarter_is_not_sold_beside_it(standin, quarter, with_bundle):
    quarter.bundles.add(bundle())

    with pytest.raises(NotForSale):
        enroll(quarter, wishes=with_bundle)

    assert (Order.objects.count(), held(quarter)) == (0, [])


@pytest.mark.parametrize(
    "price", [{"on_sale": False}, {"currency": "eur"}], ids=["not on sale", "another currency"]
)
def test_a_bundle_that_cannot_be_added_is_refused_and_nothing_is_held(
    standin, quarter, with_bundle, price
):
    make_price(**price)

    with pytest.raises(NotForSale):
        enroll(quarter, wishes=with_bundle)

    assert (Order.objects.count(), held(quarter)) == (0, [])


def test_a_member_is_not_sold_a_bundle_that_she_has(standin, quarter, with_bundle):
    ann = make_member()
    make_access(ann)

    with pytest.raises(NotForSale):
        enroll(quarter, wishes=with_bundle, member=ann)


def test_a_quarter_can_be_paid_month_by_month(standin, quarter, monthly, with_bundle):
    wishes = replace(with_bundle, paying=Paying.MONTHLY)

    order = enroll(quarter, wishes=wishes)
    waiting(order)

    lines = pages(standin)[0]["line_items"].values()
    prices = [line["price_data"] for line in lines]
    assert (order.instalment_count, order.instalment_cents) == (3, 21_000)
    assert (order.total_cents, order.due_now_cents) == (92_700, 50_700)
    assert [(p["unit_amount"], "recurring" in p) for p in prices] == [
        ("21000", True),
        ("29700", False),
    ]
    assert pages(standin)[0]["mode"] == "subscription"


def test_a_quarter_without_instalments_is_not_sold_month_by_month(standin, quarter):
    with pytest.raises(NotForSale):
        enroll(quarter, wishes=Wishes(paying=Paying.MONTHLY))

    assert held(quarter) == []


@pytest.mark.parametrize(
    ("currency", "price"), [("jpy", 90_000), ("kwd", 184_500), ("usd", 60_000)]
)
def test_every_currency_is_sold_to_its_smallest_unit(standin, loaded_site, currency, price):
    quarter = make_quarter(currency=currency, price_cents=price)
    order = waiting(enroll(quarter))
    standin.pay(order.url)

    paid = fulfil(order.session_id, now=timezone.now())

    payment = paid.payments.get()
    assert (paid.state, payment.amount_cents, payment.currency) == (
        Order.State.PAID,
        price,
        currency,
    )


def change(held_order: WaitingOrder, quarter: Quarter, wishes: Wishes) -> WaitingOrder:
    """Ann goes back in her browser and asks for something else."""
    order = enroll(quarter, wishes=wishes, own_orders=[held_order.order.uuid])
    return waiting(order)


def test_adding_a_bundle_afterwards_ends_the_old_page_and_keeps_the_seat(
    standin, held_order, quarter, with_bundle
):
    old = held_order.session_id

    new = change(held_order, quarter, with_bundle)

    assert (new.order, held(quarter)) == (held_order.order, [1])
    assert statuses(standin, old, new.session_id) == ["expired", "open"]
    assert stripe_gateway.get_checkout(new.session_id).total_cents == 89_700


def test_taking_the_bundle_out_again_leads_back_to_the_first_price(
    standin, held_order, quarter, with_bundle
):
    change(held_order, quarter, with_bundle)

    back = change(held_order, quarter, NOTHING_MORE)

    assert lines_of(back.order) == [("Saturday course", 60_000)]
    assert stripe_gateway.get_checkout(back.session_id).total_cents == 60_000


def test_a_code_or_another_way_to_pay_makes_a_new_page(standin, held_order, quarter, monthly):
    code = at_stripe(make_code())
    first = held_order.session_id

    with_code = change(held_order, quarter, Wishes(code_id=code.pk)).session_id
    by_month = change(held_order, quarter, monthly).session_id

    assert statuses(standin, first, with_code, by_month) == ["expired", "expired", "open"]
    assert [page["mode"] for page in pages(standin)] == ["payment", "payment", "subscription"]
    assert held(quarter) == [1]


def test_asking_again_for_the_same_makes_no_new_page(standin, quarter, with_bundle):
    first = waiting(enroll(quarter, wishes=with_bundle))

    again = change(first, quarter, with_bundle)

    assert again.url == first.url
    assert len(pages(standin)) == 1


def test_what_stays_in_an_order_keeps_its_price(standin, held_order, quarter, with_bundle):
    Quarter.objects.update(price_cents=99_900)

    changed = change(held_order, quarter, with_bundle)

    assert lines_of(changed.order) == [("Saturday course", 60_000), ("Video course", 29_700)]


def test_what_was_paid_while_she_asked_for_something_else_is_paid(
    standin, held_order, quarter, with_bundle
):
    standin.pay(held_order.url)

    order = enroll(quarter, wishes=with_bundle, own_orders=[held_order.order.uuid])

    assert (order.state, lines_of(order)) == (Order.State.PAID, [("Saturday course", 60_000)])
    assert quarter.enrollments.get().state == Enrollment.State.ENROLLED


def test_the_late_news_of_an_ended_page_frees_no_seat(standin, held_order, quarter, with_bundle):
    old = held_order.session_id
    change(held_order, quarter, with_bundle)

    fulfil(old, now=timezone.now())

    assert (held_order.refreshed().state, held(quarter)) == (Order.State.PENDING, [1])


def test_a_page_that_cannot_be_ended_stays_as_it_was_agreed(
    standin, held_order, quarter, with_bundle
):
    old = held_order.session_id
    standin.fault("500", path="/expire", count=2)

    with pytest.raises(stripe_gateway.GatewayDown):
        change(held_order, quarter, with_bundle)

    assert lines_of(held_order.refreshed()) == [("Saturday course", 60_000)]
    assert statuses(standin, old) == ["open"]


@pytest.mark.parametrize("asks_again", [True, False], ids=["for the bundle", "as it was"])
def test_after_a_page_could_not_be_ended_there_is_still_only_one(
    standin, held_order, quarter, with_bundle, asks_again
):
    old = held_order.session_id
    standin.fault("500", path="/expire", count=2)
    with pytest.raises(stripe_gateway.GatewayDown):
        change(held_order, quarter, with_bundle)

    new = change(held_order, quarter, with_bundle) if asks_again else waiting(held_order.order)

    assert statuses(standin, old, new.session_id) == ["expired", "open"]
    assert held(quarter) == [1]


def test_a_page_that_was_being_made_while_the_order_changed_is_ended(
    standin, quarter, with_bundle, monkeypatch
):
    order = enroll(quarter)
    make_page, made = stripe_gateway.create_checkout, []

    def make_page_slowly(*facts, **more):
        page = make_page(*facts, **more)
        made.append(page.session_id)
        enroll(quarter, wishes=with_bundle, own_orders=[order.uuid])
        return page

    monkeypatch.setattr(stripe_gateway, "create_checkout", make_page_slowly)
    with pytest.raises(OrderNotPayable):
        waiting(order)

    assert statuses(standin, *made) == ["expired"]
    assert held(quarter) == [1]


def test_what_was_paid_on_a_page_that_could_not_be_ended_is_paid(
    standin, held_order, quarter, with_bundle
):
    url = held_order.url
    standin.fault("500", path="/expire", count=2)
    with pytest.raises(stripe_gateway.GatewayDown):
        change(held_order, quarter, with_bundle)
    standin.pay(url)

    with pytest.raises(OrderNotPayable):
        waiting(held_order.order)

    assert held_order.refreshed().state == Order.State.PAID


def test_a_refused_wish_leaves_a_page_for_what_was_agreed(standin, held_order, quarter):
    used_up = at_stripe(make_code(most_uses=0))

    with pytest.raises(CodeNotUsable):
        change(held_order, quarter, Wishes(code_id=used_up.pk))

    page = waiting(held_order.order)
    assert stripe_gateway.get_checkout(page.session_id).total_cents == 60_000
    assert (held(quarter), held_order.order.attempts.count()) == ([1], 2)


def test_an_answer_lost_before_a_change_leaves_one_page_that_anybody_can_reach(
    standin, quarter, with_bundle
):
    order = enroll(quarter)
    standin.fault("lost", path="/v1/checkout/sessions", count=2)
    with pytest.raises(stripe_gateway.GatewayDown):
        waiting(order)

    page = waiting(enroll(quarter, wishes=with_bundle, own_orders=[order.uuid]))

    assert stripe_gateway.get_checkout(page.session_id).total_cents == 89_700
    assert held(quarter) == [1]


def test_another_code_on_a_bundle_makes_a_new_page_of_the_same_order(standin, bundle_order):
    code = at_stripe(make_code())
    buyer = make_buyer(own_orders=[bundle_order.order.uuid])

    order = checkout.buy_bundle(
        bundle_id=bundle().pk, buyer=buyer, wishes=Wishes(code_id=code.pk), now=timezone.now()
    )
    page = waiting(order)

    assert order == bundle_order.order
    assert stripe_gateway.get_checkout(page.session_id).total_cents == 22_275
    assert [attempt.state for attempt in order.attempts.all()] == ["expired", "open"]


def test_an_order_with_a_place_is_never_taken_for_one_of_the_bundle_alone(
    standin, quarter, with_bundle
):
    both = enroll(quarter, wishes=with_bundle)
    buyer = make_buyer(own_orders=[both.uuid])

    alone = checkout.buy_bundle(bundle_id=bundle().pk, buyer=buyer, now=timezone.now())

    assert alone != both
