"""Moving somebody to another quarter: the seat, what comes with it, and never any money."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from enrollments import access
from enrollments.errors import (
    AlreadyThere,
    CannotMove,
    CannotMoveThere,
    NoSeatThere,
    SomebodyWaitsThere,
    StillPaying,
)
from enrollments.models import (
    BundleAccess,
    Enrollment,
    Order,
    OrderLine,
    Payment,
    Quarter,
    Refund,
)
from enrollments.operations import moves, waitlist
from enrollments.operations.books import discrepancies
from enrollments.operations.refunds import request_refund
from programs.models import WorkshopPage
from tests.enrollments.movers import make_spring, move
from tests.enrollments.rows import fresh, place_of
from tests.factories.enrollments import (
    bundle,
    make_entry,
    make_member,
    make_place,
    make_price,
    make_quarter,
)


@pytest.fixture
def quarter(quarter):
    """The bundle is included."""
    quarter.bundles.add(bundle())
    return quarter


@pytest.fixture
def spring(loaded_site):
    """Another quarter of the same workshop, of two seats."""
    return make_spring(capacity=2)


def test_she_has_a_seat_there_and_her_old_one_is_free(paid, quarter, spring, staff):
    old = place_of(paid)

    new = move(old, spring, staff)

    assert (new.quarter, new.seat_number, new.state) == (spring, 1, "enrolled")
    assert (fresh(old).state, fresh(old).moved_to) == ("moved", new)
    assert quarter.enrollments.occupying().count() == 0
    assert [p.quarter for p in access.places_of(paid.member)] == [spring]


def test_no_money_moves(paid, spring, staff):
    before = list(Payment.objects.values()), Refund.objects.count()

    move(place_of(paid), spring, staff)

    assert (list(Payment.objects.values()), Refund.objects.count()) == before
    assert discrepancies(timezone.now()) == []


def test_the_difference_in_price_is_shown(paid, spring):
    ahead = moves.look_ahead(place_of(paid), spring)

    assert (ahead.difference_cents, ahead.currency) == (5_000, "usd")


def test_what_is_included_follows_her(paid, spring, staff):
    assert BundleAccess.objects.usable().count() == 1

    move(place_of(paid), spring, staff)

    assert BundleAccess.objects.usable().count() == 0


def test_what_both_include_stays_open(paid, spring, staff):
    spring.bundles.add(bundle())

    move(place_of(paid), spring, staff)

    assert access.may_open_bundle(paid.member, bundle()) is True
    assert BundleAccess.objects.in_force().get().enrollment.quarter == spring


def test_moving_twice_is_moving_once(paid, spring, staff):
    old = place_of(paid)
    mail.outbox.clear()

    places = {move(old, spring, staff).pk for _ in range(2)}

    assert (len(places), len(mail.outbox)) == (1, 1)
    assert paid.ledger.filter(action="moved").count() == 1


def test_she_is_told_discreetly_and_the_story_says_who(paid, spring, staff):
    mail.outbox.clear()

    move(place_of(paid), spring, staff)

    [letter] = mail.outbox
    assert letter.subject == "Your dates have changed"
    assert "From Saturday, April 10, 2027, 10:00 am Eastern" in letter.body
    assert "Winter 2027" not in letter.body
    told = paid.ledger.get(action="moved")
    assert (told.by, told.detail) == (staff, "Winter 2027 > Spring 2027")


def test_a_full_quarter_takes_nobody(paid, spring, staff):
    for number in (1, 2):
        make_place(spring, make_member(f"m{number}@example.org"), seat_number=number)

    with pytest.raises(NoSeatThere):
        move(place_of(paid), spring, staff)

    assert place_of(paid).state == "enrolled"


def test_whoever_waits_for_a_seat_comes_first(paid, spring, staff):
    make_entry(spring, "rose@example.org")

    with pytest.raises(SomebodyWaitsThere):
        move(place_of(paid), spring, staff)

    assert place_of(paid).state == "enrolled"


def test_a_seat_that_is_offered_to_somebody_is_not_taken(paid, spring, staff):
    spring.capacity = 1
    spring.save()
    rose = make_entry(spring, "rose@example.org")
    waitlist.follow_up(now=timezone.now())

    with pytest.raises(NoSeatThere):
        move(place_of(paid), spring, staff)

    assert fresh(rose).state == "offered"


def test_the_seat_that_is_offered_to_herself_is_hers(paid, spring, staff):
    spring.capacity = 1
    spring.save()
    hers = make_entry(spring, paid.email)
    rose = make_entry(spring, "rose@example.org")
    waitlist.follow_up(now=timezone.now())

    new = move(place_of(paid), spring, staff)

    assert (new.seat_number, fresh(hers).state, fresh(rose).state) == (1, "accepted", "waiting")
    assert spring.enrollments.occupying().get() == new


def test_after_the_beginning_her_old_seat_is_not_offered(paid, quarter, spring, staff):
    entry = make_entry(quarter, "rose@example.org")
    Quarter.objects.filter(pk=quarter.pk).update(closes_at=timezone.now() + timedelta(days=90))
    first = quarter.meetings.first()
    first.starts_at = timezone.now() - timedelta(hours=1)
    first.save()

    move(place_of(paid), spring, staff)

    assert fresh(entry).state == "waiting"
    assert quarter.enrollments.occupying().count() == 0


def test_her_old_seat_goes_to_whoever_waits_for_it(paid, quarter, spring, staff):
    quarter.capacity = 1
    quarter.save()
    entry = make_entry(quarter, "rose@example.org")

    move(place_of(paid), spring, staff)

    assert fresh(entry).state == "offered"


@pytest.mark.parametrize("state", ["draft", "running", "ended", "cancelled"])
def test_nobody_is_moved_to_what_is_not_ahead(paid, spring, staff, state):
    spring.state = state
    spring.save()

    with pytest.raises(CannotMoveThere):
        move(place_of(paid), spring, staff)


def test_nobody_is_moved_to_a_group_that_has_begun(paid, spring, staff):
    first = spring.meetings.first()
    first.starts_at = timezone.now() - timedelta(hours=1)
    first.save()

    with pytest.raises(CannotMoveThere):
        move(place_of(paid), spring, staff)


def test_nobody_is_moved_to_another_workshop(paid, spring, staff):
    other = WorkshopPage(title="Another", discreet_name="Another", slug="another", key="another")
    paid_for = place_of(paid).quarter.workshop
    paid_for.get_parent().add_child(instance=other)
    Quarter.objects.filter(pk=spring.pk).update(workshop=other)

    with pytest.raises(CannotMoveThere):
        move(place_of(paid), spring, staff)


def test_prices_in_another_currency_cannot_be_compared(paid, spring, staff):
    Quarter.objects.filter(pk=spring.pk).update(currency="eur")

    assert list(moves.targets(place_of(paid), now=timezone.now())) == []


def test_whoever_is_still_paying_is_not_moved(held_order, spring, staff):
    with pytest.raises(StillPaying):
        move(place_of(held_order.order), spring, staff)


@pytest.mark.parametrize("state", ["released", "left", "refunded", "ended"])
def test_whoever_has_no_place_is_not_moved(paid, spring, staff, state):
    Enrollment.objects.update(state=state)

    with pytest.raises(CannotMove):
        move(place_of(paid), spring, staff)


def test_whoever_has_a_place_there_is_not_moved(paid, spring, staff):
    make_place(spring, paid.member)

    with pytest.raises(AlreadyThere):
        move(place_of(paid), spring, staff)


def test_after_a_move_the_whole_refund_ends_the_new_place(paid, spring, staff):
    move(place_of(paid), spring, staff)

    request_refund(
        line_id=paid.lines.get().pk,
        amount_cents=60_000,
        reason="asked",
        note="",
        by=staff,
        now=timezone.now(),
    )

    assert spring.enrollments.get().state == "refunded"
    assert spring.enrollments.occupying().count() == 0


def test_what_rests_goes_on_resting_and_opens_there(paid, spring, staff):
    Order.objects.update(paused_for="dispute")

    new = move(place_of(paid), spring, staff)

    assert access.places_of(paid.member) == []
    Order.objects.update(paused_for="")
    assert access.places_of(paid.member) == [new]


def test_of_several_things_in_an_order_only_the_place_moves(paid, spring, staff):
    make_price()
    OrderLine.objects.create(
        order=paid, bundle=bundle(), discreet_name="Lessons", unit_price_cents=29_700
    )
    mail.outbox.clear()

    new = move(place_of(paid), spring, staff)

    assert paid.lines.get(quarter__isnull=False).enrollment == new
    assert paid.lines.filter(enrollment=None).count() == 1
    assert "Lessons" not in mail.outbox[0].body


@pytest.mark.parametrize("count", [1, 3])
def test_the_choice_of_quarters_is_one_query(paid, count, django_assert_num_queries):
    for number in range(count):
        make_quarter(label=f"Later {number}", first_date=date(2028 + number, 1, 8))
    place = Enrollment.objects.select_related("quarter").get(line__order=paid)

    with django_assert_num_queries(1):
        found = list(moves.targets(place, now=timezone.now()))

    assert len(found) == count
