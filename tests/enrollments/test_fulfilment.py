"""What a payment means: each outcome at Stripe, in any order, as often as it is told."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from enrollments import stripe_gateway
from enrollments.errors import UnknownCheckout
from enrollments.models import (
    BundleAccess,
    CheckoutAttempt,
    Enrollment,
    Order,
    OrderLine,
    Payment,
    Quarter,
    Refund,
    WaitlistEntry,
)
from enrollments.operations import checkout, refunds_at_stripe
from enrollments.operations.fulfilment import fulfil, settle
from enrollments.operations.wishes import Wishes
from tests.factories.enrollments import (
    bundle,
    make_access,
    make_buyer,
    make_code,
    make_member,
    make_place,
    make_price,
    make_quarter,
)
from tests.stripe_fixtures import WaitingOrder, at_stripe, waiting

pytestmark = pytest.mark.django_db


def seat_of(order: Order) -> Enrollment:
    return Enrollment.objects.get(line__order=order)


def test_a_paid_order_opens_an_account_and_enrolls_its_buyer(standin, held_order, mailoutbox):
    standin.pay(held_order.url)

    order = fulfil(held_order.session_id, now=timezone.now())

    member = User.objects.get(email="ann@example.org")
    seat = seat_of(order)
    assert (order.state, order.member, member.chosen_name) == (Order.State.PAID, member, "Ann")
    assert (seat.state, seat.member, seat.seat_number) == (Enrollment.State.ENROLLED, member, 1)
    assert [p.amount_cents for p in order.payments.all()] == [60_000]
    assert [letter.to for letter in mailoutbox] == [["ann@example.org"]]


def test_paying_for_a_quarter_unlocks_the_bundles_it_includes(standin, held_order, quarter):
    quarter.bundles.add(bundle())
    standin.pay(held_order.url)

    order = fulfil(held_order.session_id, now=timezone.now())

    access = BundleAccess.objects.get()
    assert (access.member, access.bundle, access.source) == (
        order.member,
        bundle(),
        "enrollment",
    )


def test_a_bundle_is_unlocked_by_paying_for_it_alone(standin, bundle_order):
    standin.pay(bundle_order.url)

    order = fulfil(bundle_order.session_id, now=timezone.now())

    access = BundleAccess.objects.get()
    assert (order.state, access.member, access.source) == (
        Order.State.PAID,
        order.member,
        "order",
    )
    assert Enrollment.objects.count() == 0


def order_with_code(quarter: Quarter, **terms) -> WaitingOrder:
    """Ann is at the payment page with a code."""
    wishes = Wishes(code_id=at_stripe(make_code(**terms)).pk)
    now = timezone.now()
    return waiting(
        checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), wishes=wishes, now=now)
    )


def test_a_discount_is_no_mismatch(standin, quarter):
    cheaper = order_with_code(quarter, percent_off=25)
    standin.pay(cheaper.url)

    order = fulfil(cheaper.session_id, now=timezone.now())

    assert order.state == Order.State.PAID
    assert [p.amount_cents for p in order.payments.all()] == [45_000]


def test_an_unpaid_session_grants_nothing(held_order):
    order = fulfil(held_order.session_id, now=timezone.now())

    assert order.state == Order.State.PENDING
    assert seat_of(order).state == Enrollment.State.HELD
    assert User.objects.filter(email="ann@example.org").count() == 0


def test_a_declined_card_changes_nothing_and_a_second_try_succeeds(standin, held_order):
    standin.decline(held_order.url)
    declined = fulfil(held_order.session_id, now=timezone.now()).state
    standin.pay(held_order.url)

    order = fulfil(held_order.session_id, now=timezone.now())

    assert (declined, order.state) == (Order.State.PENDING, Order.State.PAID)


def test_a_bank_debit_keeps_the_seat_until_it_settles(standin, held_order, mailoutbox):
    standin.pay_by_bank(held_order.url)
    waiting_order = fulfil(held_order.session_id, now=timezone.now())
    held = seat_of(waiting_order).state
    standin.settle(held_order.session_id)

    order = fulfil(held_order.session_id, now=timezone.now())

    assert (waiting_order.state, held) == (Order.State.PROCESSING, Enrollment.State.HELD)
    assert (order.state, seat_of(order).state) == (Order.State.PAID, Enrollment.State.ENROLLED)
    assert len(mailoutbox) == 2


def test_a_bank_debit_that_fails_frees_the_seat_and_says_so(standin, held_order, mailoutbox):
    standin.pay_by_bank(held_order.url)
    fulfil(held_order.session_id, now=timezone.now())
    standin.fail(held_order.session_id)

    order = fulfil(held_order.session_id, now=timezone.now())

    assert (order.state, seat_of(order).state) == (Order.State.FAILED, Enrollment.State.RELEASED)
    assert len(mailoutbox) == 2
    assert "what was kept for you is free again:" in mailoutbox[1].body


def test_an_expired_session_frees_the_seat(standin, held_order):
    standin.advance(36 * 60)

    order = fulfil(held_order.session_id, now=timezone.now())

    assert (order.state, seat_of(order).state) == (Order.State.EXPIRED, Enrollment.State.RELEASED)


def test_fulfilling_again_changes_nothing(standin, held_order, mailoutbox):
    standin.pay(held_order.url)

    orders = [fulfil(held_order.session_id, now=timezone.now()) for _ in range(3)]

    assert {order.state for order in orders} == {Order.State.PAID}
    assert (Payment.objects.count(), len(mailoutbox)) == (1, 1)


def snapshots(standin, held_order) -> list[stripe_gateway.Checkout]:
    """The session as it was while open, while settling, and when paid."""
    kept = [stripe_gateway.get_checkout(held_order.session_id)]
    standin.pay_by_bank(held_order.url)
    kept.append(stripe_gateway.get_checkout(held_order.session_id))
    standin.settle(held_order.session_id)
    kept.append(stripe_gateway.get_checkout(held_order.session_id))
    return kept


@pytest.mark.parametrize("told", list(permutations(range(3))), ids=str)
def test_old_news_never_undoes_newer_facts(standin, held_order, told):
    news = snapshots(standin, held_order)

    for index in told:
        settle(news[index], now=timezone.now())

    order = held_order.refreshed()
    assert (order.state, seat_of(order).state) == (Order.State.PAID, Enrollment.State.ENROLLED)


def test_an_old_session_that_expires_does_not_free_a_newer_hold(standin, held_order):
    old = stripe_gateway.expire_checkout(held_order.session_id)
    CheckoutAttempt.objects.create(
        order=held_order.order,
        number=2,
        fingerprint="",
        created_at=timezone.now(),
        expires_at=timezone.now(),
    )

    settle(old, now=timezone.now())

    order = held_order.refreshed()
    assert (order.state, seat_of(order).state) == (Order.State.PENDING, Enrollment.State.HELD)


@pytest.mark.parametrize(
    "change",
    [
        {"subtotal_cents": 59_999},
        {"currency": "eur"},
        {"mode": "subscription"},
        {"total_cents": 50_000},
    ],
    ids=["another subtotal", "another currency", "another mode", "a total that does not add up"],
)
def test_money_that_is_not_as_agreed_waits_for_a_person(
    standin, held_order, mailoutbox, caplog, change
):
    standin.pay(held_order.url)
    paid = stripe_gateway.get_checkout(held_order.session_id)

    order = settle(stripe_gateway.Checkout(**(paid.__dict__ | change)), now=timezone.now())

    assert (order.state, order.attention) == (
        Order.State.REVIEW,
        Order.Attention.AMOUNT_MISMATCH,
    )
    assert seat_of(order).state == Enrollment.State.HELD
    assert Payment.objects.count() == 1
    assert f"order {order.uuid} needs a person" in caplog.text
    assert len(mailoutbox) == 1


def test_tax_that_stripe_adds_is_no_mismatch(standin, held_order):
    standin.pay(held_order.url)
    paid = stripe_gateway.get_checkout(held_order.session_id)
    taxed = paid.__dict__ | {"tax_cents": 4_800, "total_cents": 64_800}

    assert settle(stripe_gateway.Checkout(**taxed), now=timezone.now()).state == Order.State.PAID


def test_a_session_of_nobody_is_refused(standin, loaded_site):
    with pytest.raises(stripe_gateway.NoSuchObject):
        fulfil("cs_test_nobody", now=timezone.now())


def test_a_session_that_names_an_order_it_does_not_belong_to_is_refused(standin, held_order):
    real = stripe_gateway.get_checkout(held_order.session_id)
    forged = stripe_gateway.Checkout(**(real.__dict__ | {"session_id": "cs_test_forged"}))

    with pytest.raises(UnknownCheckout):
        settle(forged, now=timezone.now())


def test_a_session_whose_id_was_lost_is_found_by_its_reference(standin, held_order):
    standin.pay(held_order.url)
    session_id = held_order.session_id
    CheckoutAttempt.objects.update(session_id=None, state=CheckoutAttempt.State.CREATED)

    order = fulfil(session_id, now=timezone.now())

    assert order.state == Order.State.PAID
    assert order.attempts.get().session_id == session_id


def test_money_for_a_seat_that_was_released_takes_a_free_one(standin, held_order, quarter):
    other = checkout.enroll(
        quarter_id=quarter.pk, buyer=make_buyer("rose@example.org"), now=timezone.now()
    )
    standin.pay(held_order.url)
    Enrollment.objects.filter(line__order=held_order.order).update(state="released")
    Enrollment.objects.filter(line__order=other).update(seat_number=1)

    order = fulfil(held_order.session_id, now=timezone.now())

    assert (order.state, seat_of(order).seat_number) == (Order.State.PAID, 2)


@pytest.fixture
def too_late(standin, loaded_site) -> WaitingOrder:
    """Ann has paid for the only seat, after her hold had ended and Rose had taken it."""
    quarter = make_quarter(capacity=1)
    mine = waiting(checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now()))
    standin.pay(mine.url)
    Enrollment.objects.filter(line__order=mine.order).update(state="released")
    checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer("rose@example.org"), now=timezone.now())
    return mine


def test_money_for_a_seat_that_is_gone_goes_back_and_oversells_nobody(too_late):
    fulfil(too_late.session_id, now=timezone.now())

    order = too_late.refreshed()
    assert (order.state, order.attention) == (Order.State.REFUNDED, Order.Attention.SEAT_GONE)
    [refund] = Refund.objects.all()
    assert (refund.amount_cents, refund.state, refund.reason) == (60_000, "succeeded", "seat_gone")
    assert Enrollment.objects.occupying().exclude(line__order=order).count() == 1
    assert Enrollment.objects.occupying().filter(line__order=order).count() == 0


def test_whoever_came_too_late_is_told_and_is_first_in_line(too_late):
    WaitlistEntry.objects.create(
        quarter=Quarter.objects.get(capacity=1),
        email="zoe@example.org",
        chosen_name="Zoe",
        joined_at=timezone.now() - timedelta(days=9),
    )
    mail.outbox.clear()

    fulfil(too_late.session_id, now=timezone.now())

    assert "We are sorry: your money is on its way back" in [m.subject for m in mail.outbox]
    assert [entry.email for entry in WaitlistEntry.objects.waiting()] == [
        "ann@example.org",
        "zoe@example.org",
    ]


def test_hearing_again_of_money_that_came_too_late_changes_nothing(too_late, standin):
    fulfil(too_late.session_id, now=timezone.now())
    told = len(mail.outbox)

    fulfil(too_late.session_id, now=timezone.now())

    assert (Refund.objects.count(), WaitlistEntry.objects.count()) == (1, 1)
    assert len(mail.outbox) == told


def test_while_stripe_is_down_money_that_came_too_late_waits_to_go_back(too_late, standin):
    standin.fault("refuse", path="POST /v1/refunds", count=2)

    fulfil(too_late.session_id, now=timezone.now())

    assert Refund.objects.get().state == Refund.State.REQUESTED
    assert too_late.refreshed().state == Order.State.REVIEW
    assert refunds_at_stripe.send_waiting_refunds(now=timezone.now()) == 1
    assert too_late.refreshed().state == Order.State.REFUNDED


def test_of_two_lines_only_the_one_that_is_gone_goes_back(standin, loaded_site):
    quarter, price = make_quarter(capacity=1), make_price()
    order = checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now())
    OrderLine.objects.create(
        order=order, bundle=price.bundle, discreet_name="Lessons", unit_price_cents=29_700
    )
    mine = waiting(order)
    standin.pay(mine.url)
    Enrollment.objects.filter(line__order=order).update(state="released")
    make_place(quarter, make_member("rose@example.org"))

    fulfil(mine.session_id, now=timezone.now())

    assert mine.refreshed().state == Order.State.PAID
    assert [(r.amount_cents, r.line.quarter) for r in Refund.objects.all()] == [(60_000, quarter)]
    assert BundleAccess.objects.usable().count() == 1


def test_a_member_who_pays_again_as_a_visitor_keeps_one_seat_and_gets_her_money_back(
    standin, held_order, quarter
):
    place = make_place(quarter, make_member())
    Enrollment.objects.filter(pk=place.pk).update(seat_number=9)
    standin.pay(held_order.url)

    fulfil(held_order.session_id, now=timezone.now())

    order = held_order.refreshed()
    assert (order.state, order.attention) == (Order.State.REFUNDED, Order.Attention.PAID_TWICE)
    assert [e.pk for e in quarter.enrollments.occupying()] == [place.pk]
    assert Refund.objects.get().reason == Refund.Reason.PAID_TWICE


def test_a_known_address_keeps_the_name_its_owner_chose(standin, held_order):
    make_member(chosen_name="Rose")
    standin.pay(held_order.url)

    order = fulfil(held_order.session_id, now=timezone.now())

    assert order.member.chosen_name == "Rose"


def test_a_bundle_that_is_open_already_is_not_opened_twice(standin, held_order, quarter):
    access = make_access(make_member())
    quarter.bundles.add(bundle())
    standin.pay(held_order.url)

    fulfil(held_order.session_id, now=timezone.now())

    assert list(BundleAccess.objects.values_list("pk", flat=True)) == [access.pk]


def test_fulfilling_costs_the_same_however_many_enrollments_there_are(
    standin, held_order, quarter, queued, django_assert_num_queries
):
    standin.pay(held_order.url)
    paid = stripe_gateway.get_checkout(held_order.session_id)
    for number in range(2, 9):
        make_place(quarter, make_member(f"member{number}@example.org"), seat_number=number)

    with django_assert_num_queries(24):
        settle(paid, now=timezone.now())


@pytest.mark.parametrize(
    "fields",
    [
        {"state": "held", "hold_expires_at": None, "seat_number": 2},
        {"state": "enrolled", "seat_number": 2},
        {"state": "held", "hold_expires_at": "2027-01-01T00:00:00Z", "seat_number": None},
        {"state": "held", "hold_expires_at": "2027-01-01T00:00:00Z", "seat_number": 0},
        {"state": "held", "hold_expires_at": "2027-01-01T00:00:00Z", "seat_number": 1},
    ],
    ids=["a hold without end", "a place without member", "no seat", "seat 0", "a taken seat"],
)
def test_the_database_itself_refuses_an_impossible_place(held_order, quarter, fields):
    with pytest.raises(IntegrityError), transaction.atomic():
        Enrollment.objects.create(quarter=quarter, created_at=timezone.now(), **fields)


def test_the_database_itself_refuses_a_second_live_place_of_a_member(quarter):
    ann = make_member()
    make_place(quarter, ann)

    with pytest.raises(IntegrityError), transaction.atomic():
        make_place(quarter, ann)
