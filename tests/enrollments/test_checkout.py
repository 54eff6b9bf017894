"""From a name and an email to a payment page: seats held, one page for each order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from enrollments import stripe_gateway
from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyUnlocked,
    NotForSale,
    OrderNotPayable,
    QuarterClosed,
    QuarterFull,
    QuarterNotOpenYet,
)
from enrollments.models import (
    BundlePrice,
    CheckoutAttempt,
    Enrollment,
    Order,
    Quarter,
)
from enrollments.operations import checkout, giving_up
from enrollments.operations.fulfilment import fulfil
from tests.factories.enrollments import (
    bundle,
    make_access,
    make_buyer,
    make_member,
    make_place,
    make_price,
    make_quarter,
)
from tests.stripe_fixtures import ORDER_ADDRESS, WaitingOrder, waiting

pytestmark = pytest.mark.django_db


def enroll(quarter: Quarter, email: str = "ann@example.org", **buyer) -> Order:
    return checkout.enroll(
        quarter_id=quarter.pk, buyer=make_buyer(email, **buyer), now=timezone.now()
    )


def held(quarter: Quarter) -> list[int]:
    return sorted(quarter.enrollments.occupying().values_list("seat_number", flat=True))


def test_enrolling_holds_the_lowest_free_seat_as_long_as_the_page_lives(standin, quarter):
    now = timezone.now()

    order = checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=now)

    seat = Enrollment.objects.get(line__order=order)
    assert (seat.seat_number, seat.state, seat.member) == (1, Enrollment.State.HELD, None)
    assert seat.hold_expires_at == now + timedelta(minutes=35)
    assert (order.total_cents, order.currency) == (60_000, "usd")


def test_a_seat_that_came_free_is_given_next(standin, quarter):
    orders = [enroll(quarter, f"buyer{n}@example.org") for n in range(3)]
    giving_up.give_up(order_id=orders[1].pk, now=timezone.now())

    enroll(quarter, "late@example.org")

    assert held(quarter) == [1, 2, 3]


def test_the_agreed_price_stands_when_the_price_changes(standin, held_order, quarter):
    Quarter.objects.update(price_cents=99_900)
    standin.pay(held_order.url)

    order = checkout.settle(stripe_gateway.get_checkout(held_order.session_id), now=timezone.now())

    assert (order.state, order.total_cents) == (Order.State.PAID, 60_000)


@pytest.mark.parametrize(
    ("quarter_fields", "refusal"),
    [
        ({"opens_at": datetime(2026, 12, 31, tzinfo=UTC)}, QuarterNotOpenYet),
        ({"closes_at": datetime(2026, 11, 2, tzinfo=UTC)}, QuarterClosed),
        ({"state": Quarter.State.CLOSED}, QuarterClosed),
        ({"state": Quarter.State.RUNNING}, QuarterClosed),
    ],
    ids=["not yet", "over", "closed by staff", "running"],
)
def test_a_quarter_that_is_not_open_takes_nobody(
    standin, loaded_site, now, quarter_fields, refusal
):
    quarter = make_quarter(**quarter_fields)

    with pytest.raises(refusal):
        checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=now)

    assert (Order.objects.count(), held(quarter)) == (0, [])


def test_a_full_quarter_takes_nobody_and_leaves_no_order(standin, loaded_site):
    quarter = make_quarter(capacity=1)
    enroll(quarter, "rose@example.org")

    with pytest.raises(QuarterFull):
        enroll(quarter)

    assert Order.objects.filter(email="ann@example.org").count() == 0


def test_a_lapsed_hold_gives_way_once_stripe_has_ended_its_page(standin, loaded_site):
    quarter = make_quarter(capacity=1)
    first = waiting(enroll(quarter, "rose@example.org"))
    Enrollment.objects.update(hold_expires_at=timezone.now() - timedelta(minutes=1))

    order = enroll(quarter)

    assert Enrollment.objects.get(line__order=order).seat_number == 1
    assert first.refreshed().state in (Order.State.EXPIRED, Order.State.CANCELLED)
    assert stripe_gateway.get_checkout(first.session_id).is_expired


def test_a_lapsed_hold_that_was_paid_keeps_its_seat(standin, loaded_site):
    quarter = make_quarter(capacity=1)
    first = waiting(enroll(quarter, "rose@example.org"))
    standin.pay(first.url)
    Enrollment.objects.update(hold_expires_at=timezone.now() - timedelta(minutes=1))

    with pytest.raises(QuarterFull):
        enroll(quarter)

    assert first.refreshed().state == Order.State.PAID


def test_a_lapsed_hold_stays_while_stripe_cannot_be_asked(standin, loaded_site):
    quarter = make_quarter(capacity=1)
    first = waiting(enroll(quarter, "rose@example.org"))
    Enrollment.objects.update(hold_expires_at=timezone.now() - timedelta(minutes=1))
    standin.fault("500", path="/expire", count=3)

    with pytest.raises(QuarterFull):
        enroll(quarter)

    assert first.refreshed().state == Order.State.PENDING


def test_the_same_form_sent_twice_is_one_order(standin, quarter):
    form_id = uuid4()

    orders = [enroll(quarter, form_id=form_id) for _ in range(2)]

    assert orders[0] == orders[1]
    assert held(quarter) == [1]


def test_the_same_browser_gets_its_order_back_with_the_new_name(standin, quarter):
    first = enroll(quarter)

    again = enroll(quarter, own_orders=[first.uuid], chosen_name="Annie")

    assert (again, again.chosen_name) == (first, "Annie")


def test_the_same_email_in_another_browser_begins_an_order_of_its_own_and_ends_nothing(
    standin, held_order, quarter
):
    other = enroll(quarter)

    assert other != held_order.order
    assert held(quarter) == [1, 2]
    assert held_order.refreshed().state == Order.State.PENDING
    assert stripe_gateway.get_checkout(held_order.session_id).is_open


def test_a_member_goes_on_with_her_order_in_whichever_browser_she_is_signed_in(standin, quarter):
    ann = make_member()
    on_her_phone = enroll(quarter, member=ann)

    on_her_laptop = enroll(quarter, member=ann)

    assert (on_her_laptop, held(quarter)) == (on_her_phone, [1])


def test_a_visitor_who_types_a_members_email_does_not_end_her_hold(standin, quarter):
    hers = waiting(enroll(quarter, member=make_member()))

    enroll(quarter)

    assert stripe_gateway.get_checkout(hers.session_id).is_open
    assert held(quarter) == [1, 2]


def pay(standin, order: WaitingOrder) -> Order:
    standin.pay(order.url)
    return fulfil(order.session_id, now=timezone.now())


@pytest.mark.parametrize("is_signed_in", [False, True], ids=["visitor", "member"])
def test_of_two_browsers_with_one_address_whoever_pays_first_keeps_the_seat(
    standin, quarter, is_signed_in
):
    member = make_member() if is_signed_in else None
    hers, others = waiting(enroll(quarter, member=member)), waiting(enroll(quarter))

    second = pay(standin, others)
    first = pay(standin, hers)

    assert (second.state, first.state) == (Order.State.PAID, Order.State.REVIEW)
    assert first.attention == Order.Attention.PAID_TWICE
    assert [refund.amount_cents for refund in first.refunds.all()] == [60_000]
    assert held(quarter) == [2]


def test_asking_again_after_paying_gives_the_paid_order_back_and_holds_nothing(standin, quarter):
    bought = waiting(enroll(quarter))
    paid = pay(standin, bought)
    form_id = paid.uuid

    again = [enroll(quarter, form_id=form_id), enroll(quarter, own_orders=[paid.uuid])]

    assert again == [paid, paid]
    assert held(quarter) == [1]


def test_asking_again_while_a_bank_payment_is_under_way_gives_its_order_back(
    standin, held_order, quarter
):
    standin.pay_by_bank(held_order.url)
    fulfil(held_order.session_id, now=timezone.now())

    again = enroll(quarter, own_orders=[held_order.order.uuid])

    assert (again.state, held(quarter)) == (Order.State.PROCESSING, [1])


def test_somebody_else_can_enroll_in_the_browser_in_which_a_friend_has_paid(
    standin, held_order, quarter
):
    pay(standin, held_order)

    rose = enroll(quarter, "rose@example.org", own_orders=[held_order.order.uuid])

    assert (rose.state, held(quarter)) == (Order.State.PENDING, [1, 2])


def test_whoever_has_left_can_enroll_again_in_the_same_browser(standin, held_order, quarter):
    paid = pay(standin, held_order)
    Enrollment.objects.update(state=Enrollment.State.LEFT)

    again = enroll(quarter, own_orders=[paid.uuid])

    assert again.state == Order.State.PENDING


def test_asking_again_for_a_bundle_after_paying_gives_the_paid_order_back(standin, bundle_order):
    paid = pay(standin, bundle_order)
    buyer = make_buyer(own_orders=[paid.uuid])

    again = checkout.buy_bundle(bundle_id=bundle().pk, buyer=buyer, now=timezone.now())

    assert (again, Order.objects.count()) == (paid, 1)


def test_a_bundle_that_came_with_a_place_is_not_sold_again_in_that_browser(
    standin, held_order, quarter
):
    make_price()
    quarter.bundles.add(bundle())
    paid = pay(standin, held_order)
    buyer = make_buyer(own_orders=[paid.uuid])

    again = checkout.buy_bundle(bundle_id=bundle().pk, buyer=buyer, now=timezone.now())

    assert again == paid


def test_correcting_the_address_moves_the_hold_and_ends_the_old_page(standin, held_order, quarter):
    corrected = enroll(quarter, "anne@example.org", own_orders=[held_order.order.uuid])

    assert (corrected.email, held(quarter)) == ("anne@example.org", [1])
    assert stripe_gateway.get_checkout(held_order.session_id).is_expired


def test_a_member_who_has_a_place_is_told_so(standin, quarter):
    ann = make_member()
    make_place(quarter, ann)

    with pytest.raises(AlreadyEnrolled):
        enroll(quarter, member=ann)


def test_a_visitor_who_types_a_members_email_is_told_nothing(standin, quarter):
    make_place(quarter, make_member())

    order = enroll(quarter)

    assert (order.member, order.state) == (None, Order.State.PENDING)


def test_a_payment_page_is_asked_for_with_31_to_35_minutes_to_spare(standin, quarter):
    now = timezone.now()
    order = checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=now)

    waiting(order)

    body = next(r for r in standin.requests() if r["path"] == "/v1/checkout/sessions")["body"]
    ahead = int(body["expires_at"]) - now.timestamp()
    assert 31 * 60 <= ahead <= 35 * 60


def test_asking_again_leads_to_the_same_page(standin, held_order):
    again = waiting(held_order.order)

    assert again.url == held_order.url
    assert held_order.order.attempts.count() == 1


def test_a_lost_answer_leads_to_the_same_session_and_never_to_two(standin, quarter):
    order = enroll(quarter)
    standin.fault("lost", path="/v1/checkout/sessions", count=3)
    with pytest.raises(stripe_gateway.GatewayDown):
        waiting(order)

    waiting(order)

    assert order.attempts.count() == 1
    assert len(stripe_sessions(standin)) == 1


def stripe_sessions(standin) -> set[str]:
    return {e["data"]["object"]["id"] for e in standin.events()} | set(
        CheckoutAttempt.objects.exclude(session_id=None).values_list("session_id", flat=True)
    )


def test_an_answer_lost_too_long_ago_gets_a_new_attempt_and_a_longer_hold(standin, quarter):
    order = enroll(quarter)
    standin.fault("lost", path="/v1/checkout/sessions", count=3)
    with pytest.raises(stripe_gateway.GatewayDown):
        waiting(order)
    later = timezone.now() + timedelta(minutes=5)

    checkout.open_checkout(order_id=order.pk, order_address=ORDER_ADDRESS, now=later)

    assert order.attempts.count() == 2
    hold = Enrollment.objects.get(line__order=order).hold_expires_at
    assert hold == later + timedelta(minutes=35)


@pytest.mark.parametrize("fault", ["500", "429", "lost"])
def test_when_stripe_is_down_the_seat_stays_held(standin, quarter, fault):
    order = enroll(quarter)
    standin.fault(fault, path="/v1/checkout/sessions", count=3)

    with pytest.raises(stripe_gateway.GatewayDown):
        waiting(order)

    assert Order.objects.get(pk=order.pk).state == Order.State.PENDING
    assert held(quarter) == [1]


def test_an_expired_page_can_no_longer_be_paid(standin, held_order):
    standin.advance(36 * 60)

    with pytest.raises(OrderNotPayable):
        waiting(held_order.order)

    assert held_order.refreshed().state == Order.State.EXPIRED


def test_giving_up_frees_the_seat_and_ends_the_page(standin, held_order, quarter):
    order = giving_up.give_up(order_id=held_order.order.pk, now=timezone.now())

    assert (order.state, held(quarter)) == (Order.State.CANCELLED, [])
    assert stripe_gateway.get_checkout(held_order.session_id).is_expired


def test_giving_up_what_was_paid_meanwhile_keeps_it(standin, held_order, quarter):
    standin.pay(held_order.url)

    order = giving_up.give_up(order_id=held_order.order.pk, now=timezone.now())

    assert (order.state, held(quarter)) == (Order.State.PAID, [1])


def test_a_bundle_is_sold_at_its_price(standin, loaded_site):
    make_price()

    order = checkout.buy_bundle(bundle_id=bundle().pk, buyer=make_buyer(), now=timezone.now())

    assert (order.total_cents, Enrollment.objects.count()) == (29_700, 0)


def test_the_same_bundle_form_sent_twice_is_one_order(standin, loaded_site):
    make_price()
    buyer = make_buyer()

    orders = [
        checkout.buy_bundle(bundle_id=bundle().pk, buyer=buyer, now=timezone.now())
        for _ in range(2)
    ]

    assert orders[0] == orders[1]


def test_a_bundle_that_is_not_on_sale_is_refused(standin, loaded_site):
    BundlePrice.objects.all().delete()

    with pytest.raises(NotForSale):
        checkout.buy_bundle(bundle_id=bundle().pk, buyer=make_buyer(), now=timezone.now())


def test_a_member_who_has_the_bundle_is_told_so(standin, loaded_site):
    make_price()
    ann = make_member()
    make_access(ann)

    with pytest.raises(AlreadyUnlocked):
        checkout.buy_bundle(bundle_id=bundle().pk, buyer=make_buyer(member=ann), now=timezone.now())


def test_releasing_lapsed_holds_twice_frees_each_once(standin, held_order):
    Enrollment.objects.update(hold_expires_at=timezone.now() - timedelta(minutes=1))

    freed = [giving_up.release_lapsed_holds(now=timezone.now()) for _ in range(2)]

    assert freed == [1, 0]


def test_a_seat_whose_payment_is_under_way_is_not_freed_by_the_clock(standin, held_order, quarter):
    standin.pay_by_bank(held_order.url)
    Enrollment.objects.update(hold_expires_at=timezone.now() - timedelta(minutes=1))

    freed = giving_up.release_lapsed_holds(now=timezone.now())

    assert (freed, held(quarter)) == (0, [1])
    assert held_order.refreshed().state == Order.State.PROCESSING
