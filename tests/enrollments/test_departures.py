"""Leaving a group: what ends, what stays, and that no money moves."""

from __future__ import annotations

import pytest
from django.core import mail
from django.utils import timezone

from enrollments import access
from enrollments.errors import NoPlaceToLeave
from enrollments.models import BundleAccess, Enrollment, OrderLine, PaymentPlan, Quarter, Refund
from enrollments.operations import departures
from enrollments.operations.books import discrepancies
from tests.enrollments.buyers import buys
from tests.enrollments.rows import fresh, place_of
from tests.factories.enrollments import bundle, make_access, make_entry, make_member, make_place
from tests.stripe_fixtures import WaitingOrder


@pytest.fixture
def ann(standin, quarter) -> WaitingOrder:
    """Ann has paid for her place, which includes the bundle."""
    quarter.bundles.add(bundle())
    order = buys(standin, quarter, "ann")
    mail.outbox.clear()
    return order


def leave(order: WaitingOrder, by) -> Enrollment:
    return departures.leave(place_id=place_of(order.order).pk, by=by, now=timezone.now())


def test_leaving_ends_the_place_and_moves_no_money(ann, staff):
    leave(ann, staff)

    order = ann.refreshed()
    assert (place_of(ann.order).state, order.state) == ("left", "paid")
    assert (access.places_of(order.member), Refund.objects.count()) == ([], 0)
    assert discrepancies(timezone.now()) == []


def test_what_came_with_the_place_closes_and_what_was_bought_beside_it_stays(ann, staff):
    order = ann.refreshed()
    line = OrderLine.objects.create(
        order=order, bundle=bundle(), discreet_name="Lessons", unit_price_cents=29_700
    )
    included = BundleAccess.objects.get()
    other = make_member("other@example.org")
    bought = make_access(other, line=line)

    leave(ann, staff)

    assert fresh(included).revoked_at is not None
    assert fresh(bought).revoked_at is None


def test_what_leaving_means_is_said_before(ann):
    place = Enrollment.objects.select_related("quarter").get(line__order=ann.order)

    ahead = departures.look_ahead(place, now=timezone.now())

    assert (ahead.seat_goes_on, ahead.bundles, ahead.plan_stops) == (True, [bundle()], False)


def test_the_seat_of_whoever_leaves_goes_to_the_next_in_line(ann, staff, quarter):
    quarter.capacity = 1
    quarter.save()
    entry = make_entry(quarter, "may@example.org")

    leave(ann, staff)

    assert fresh(entry).state == "offered"


def test_after_the_beginning_the_seat_stays_empty(ann, staff, quarter):
    entry = make_entry(quarter, "may@example.org")
    Quarter.objects.update(state=Quarter.State.RUNNING)

    leave(ann, staff)

    assert (place_of(ann.order).state, fresh(entry).state) == ("left", "waiting")


def test_she_is_told_of_her_place_alone_and_the_story_says_who(ann, staff):
    OrderLine.objects.create(
        order=ann.order, bundle=bundle(), discreet_name="Lessons", unit_price_cents=29_700
    )

    leave(ann, staff)

    [letter] = mail.outbox
    assert letter.subject == "Your place has ended"
    assert "Lessons" not in letter.body
    assert ann.order.ledger.get(action="left").by == staff


def test_nobody_leaves_twice(ann, staff):
    leave(ann, staff)

    with pytest.raises(NoPlaceToLeave):
        leave(ann, staff)

    assert len(mail.outbox) == 1


def test_whoever_was_moved_leaves_her_new_place_only(ann, staff):
    Enrollment.objects.update(state="moved")

    with pytest.raises(NoPlaceToLeave):
        leave(ann, staff)


def test_a_place_without_an_order_ends_too(quarter, staff):
    place = make_place(quarter, make_member("may@example.org"))

    departures.leave(place_id=place.pk, by=staff, now=timezone.now())

    assert fresh(place).state == "left"


def test_leaving_stops_the_plan(ann, staff):
    plan = PaymentPlan.objects.create(
        order=ann.order,
        subscription_id="sub_1",
        customer_id="cus_1",
        instalment_count=3,
        instalment_cents=20_000,
        created_at=timezone.now(),
    )
    place = Enrollment.objects.select_related("quarter").get(line__order=ann.order)
    assert departures.look_ahead(place, now=timezone.now()).plan_stops is True

    leave(ann, staff)

    assert fresh(plan).state == PaymentPlan.State.ENDED
