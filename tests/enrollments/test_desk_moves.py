"""What staff do with places and whole quarters: each page asks first, and only some may answer."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from enrollments.models import Enrollment, LedgerEntry, Quarter
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.moves import move
from enrollments.operations.orders import record
from tests.enrollments.desk_cast import (
    address,
    browser_of,
    make_order,
    make_person,
    make_staff,
    outcome,
    text_of,
)
from tests.enrollments.movers import make_spring
from tests.enrollments.rows import fresh
from tests.factories.enrollments import (
    bundle,
    make_entry,
    make_member,
    make_place,
    make_quarter,
)


@pytest.fixture
def spring(loaded_site) -> Quarter:
    return make_spring()


@pytest.fixture
def place(quarter) -> Enrollment:
    return make_place(quarter, make_member("rose@example.org", chosen_name="Rose"))


@pytest.fixture
def mover(db):
    """A browser of staff who may move people and look at their places."""
    return browser_of(
        make_staff("mover@example.org", "move_enrollment", "view_enrollment", "view_quarter")
    )


@pytest.fixture
def canceller(db):
    """A browser of staff who may cancel a quarter and look at it."""
    return browser_of(make_staff("canceller@example.org", "cancel_quarter", "view_quarter"))


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("owner", "page"),
        ("viewer", "denied"),
        ("staff", "denied"),
        ("member", "404"),
        ("visitor", "sign in"),
    ],
)
def test_only_staff_who_may_are_asked(place, spring, role, seen):
    client = browser_of(make_person(role))
    pages = [address("enrollment", action, place.pk) for action in ("move", "leave", "undo")]
    pages.append(address("quarter", "cancel", place.quarter_id))

    assert [outcome(client.get(page)) for page in pages] == [seen] * 4
    assert fresh(place).state == "enrolled"


def test_staff_choose_where_she_goes_and_read_what_it_means(mover, place, spring):
    page = mover.get(address("enrollment", "move", place.pk)).content.decode()
    asked = mover.get(f"{address('enrollment', 'move', place.pk)}?to={spring.pk}").content.decode()

    assert "Spring 2027" in page
    assert "From Sat, Apr 10, 2027, 10:00 am Eastern. 10 seats free. It costs $50 more." in page
    assert "Nothing is charged or given back by itself." in asked
    assert fresh(place).state == "enrolled"


def test_a_move_and_its_undoing(mover, place, spring):
    url = f"{address('enrollment', 'move', place.pk)}?to={spring.pk}"

    moved = mover.post(url, follow=True).content.decode()
    assert "Rose was moved to Spring 2027" in moved
    assert "Undo the move (" in moved
    assert spring.enrollments.get().member == place.member
    mover.post(address("enrollment", "undo", place.pk))

    assert fresh(place).state == "enrolled"
    assert spring.enrollments.occupying().count() == 0


def test_without_a_choice_nobody_is_moved(mover, place, spring):
    answer = mover.post(address("enrollment", "move", place.pk))

    assert answer.status_code == 200
    assert fresh(place).state == "enrolled"


def test_a_full_quarter_is_shown_as_full_and_takes_nobody(mover, place, spring):
    Quarter.objects.filter(pk=spring.pk).update(capacity=1)
    make_place(spring, make_member("zoe@example.org"))
    url = address("enrollment", "move", place.pk)

    page, asked = mover.get(url), mover.get(f"{url}?to={spring.pk}")

    assert "Full." in page.content.decode()
    assert f"?to={spring.pk}" not in page.content.decode()
    assert "No seat is free there" in asked.content.decode()
    assert "Where to?" in asked.content.decode()


def test_who_waits_is_said_and_comes_first(mover, place, spring):
    make_entry(spring, "may@example.org")
    url = f"{address('enrollment', 'move', place.pk)}?to={spring.pk}"

    page = mover.get(address("enrollment", "move", place.pk)).content.decode()
    refused = mover.post(url).content.decode()

    assert "10 seats free, 1 waits." in page
    assert "Somebody waits for a seat there, and comes first." in refused
    assert fresh(place).state == "enrolled"


@pytest.mark.parametrize("to", ["999999", "x", "'"])
def test_a_quarter_that_is_not_offered_is_not_taken(mover, place, spring, to):
    url = f"{address('enrollment', 'move', place.pk)}?to={to}"

    asked, posted = mover.get(url).content.decode(), mover.post(url).content.decode()

    assert "Nobody can be moved to that quarter" in asked
    assert "Nobody can be moved to that quarter" in posted
    assert fresh(place).state == "enrolled"


@pytest.mark.parametrize(
    ("state", "reason"),
    [("held", "This place is still being paid for."), ("left", "Only somebody who is enrolled")],
)
def test_who_cannot_be_moved_is_said_with_the_reason(mover, place, spring, state, reason):
    Enrollment.objects.update(state=state, hold_expires_at=timezone.now())

    page = mover.get(address("enrollment", "move", place.pk)).content.decode()

    assert reason in page
    assert "Where to?" not in page


def test_what_goes_on_after_a_move_is_said(mover, quarter, spring):
    order = make_order(quarter, paused_for="dispute")
    place = Enrollment.objects.get(line__order=order)

    page = mover.get(f"{address('enrollment', 'move', place.pk)}?to={spring.pk}").content.decode()

    assert "Her access rests (a dispute), and goes on resting." in page


@pytest.mark.parametrize("count", [1, 3])
def test_the_choice_costs_the_same_however_many_there_are(
    mover, place, count, django_assert_num_queries
):
    for number in range(count):
        make_quarter(label=f"Later {number}", first_date=date(2028 + number, 1, 8))
    url = address("enrollment", "move", place.pk)
    mover.get(url)

    with django_assert_num_queries(12):
        page = mover.get(url).content.decode()

    assert page.count("?to=") == count


def test_a_quarter_without_another_says_so(mover, place):
    Quarter.objects.exclude(pk=place.quarter_id).update(state="ended")

    page = mover.get(address("enrollment", "move", place.pk)).content.decode()

    assert "no other quarter" in page


def test_taking_somebody_out_asks_first(mover, place):
    url = address("enrollment", "leave", place.pk)

    page = mover.get(url).content.decode()
    assert "Money that was paid stays." in page
    assert fresh(place).state == "enrolled"
    mover.post(url)

    assert fresh(place).state == "left"


@pytest.mark.parametrize("permissions", [(), ("view_order", "add_refund")])
def test_whoever_may_is_led_to_where_money_is_given_back(quarter, permissions):
    order = make_order(quarter)
    place = Enrollment.objects.get(line__order=order)
    staff = browser_of(make_staff("mover@example.org", "move_enrollment", *permissions))

    page = staff.get(address("enrollment", "leave", place.pk)).content.decode()

    assert (address("order", "refund", order.pk) in page) == bool(permissions)
    assert bundle().title in page


def test_the_story_of_an_order_says_who_moved_whom_where(quarter, spring, owner_of_site):
    order = make_order(quarter)
    place = Enrollment.objects.get(line__order=order)
    move(place_id=place.pk, target_id=spring.pk, by=owner_of_site, now=timezone.now())

    page = text_of(browser_of(owner_of_site), address("order", "inspect", order.pk))

    assert "Moved to another quarter" in page
    assert "Winter 2027 > Spring 2027" in page


def test_the_page_of_a_place_offers_only_what_can_be_done(mover, place, spring, owner_of_site):
    page = address("enrollment", "inspect", place.pk)
    before = mover.get(page).content.decode()

    move(place_id=place.pk, target_id=spring.pk, by=owner_of_site, now=timezone.now())
    after = mover.get(page).content.decode()

    assert ("Take out of the group" in before, "Undo the move" in before) == (True, False)
    assert ("Take out of the group" in after, "Undo the move" in after) == (False, True)
    assert "Moved to" in after
    assert "Undo the move (23\xa0hours left)" in after


def test_after_a_day_undoing_is_not_offered_and_says_why(mover, place, spring, owner_of_site):
    yesterday = timezone.now() - timedelta(hours=25)
    move(place_id=place.pk, target_id=spring.pk, by=owner_of_site, now=yesterday)

    page = mover.get(address("enrollment", "inspect", place.pk)).content.decode()
    refused = mover.post(address("enrollment", "undo", place.pk)).content.decode()

    assert "Undo the move" not in page
    assert "More than a day has passed since the move." in refused
    assert fresh(place).state == "moved"


def test_whoever_may_only_look_is_offered_nothing(place):
    viewer = browser_of(make_person("viewer"))

    page = viewer.get(address("enrollment", "inspect", place.pk)).content.decode()

    assert "Take out of the group" not in page


@pytest.mark.parametrize("typed", ["", "Winter", "Spring 2027"])
def test_a_quarter_is_not_cancelled_by_a_slip(canceller, place, quarter, typed):
    answer = canceller.post(address("quarter", "cancel", quarter.pk), {"label": typed})

    assert "Type Winter 2027 to confirm" in answer.content.decode()
    assert fresh(quarter).state == "open"


def test_a_cancelled_quarter_shows_how_far_it_has_come(canceller, standin, held_order, quarter):
    standin.pay(held_order.url)
    fulfil(held_order.session_id, now=timezone.now())

    answer = canceller.post(
        address("quarter", "cancel", quarter.pk), {"label": " winter 2027 "}, follow=True
    )

    page = answer.content.decode()
    assert fresh(quarter).state == "cancelled"
    assert "Money on its way back" in page
    assert ModelLogEntry.objects.filter(action="enrollments.cancel").count() == 1


def test_what_is_cancelled_already_is_not_cancelled_again(canceller, quarter):
    Quarter.objects.filter(pk=quarter.pk).update(state="cancelled")

    page = canceller.get(address("quarter", "cancel", quarter.pk)).content.decode()

    assert "nothing to cancel" in page


@pytest.mark.parametrize("may_look", [True, False])
def test_what_needs_a_person_leads_to_the_orders_for_whoever_may_look(quarter, may_look):
    order = make_order(quarter, attention="disputed")
    record(order, LedgerEntry.Action.QUARTER_CANCELLED, now=timezone.now())
    Quarter.objects.filter(pk=quarter.pk).update(state="cancelled")
    permissions = ("view_quarter", "view_order") if may_look else ("view_quarter",)
    staff = browser_of(make_staff("looker@example.org", *permissions))

    page = staff.get(address("quarter", "inspect", quarter.pk)).content.decode()

    assert ("?attention=any" in page) == may_look


@pytest.mark.parametrize("count", [1, 3])
def test_a_cancelled_quarter_costs_the_same_however_many_were_in_it(
    canceller, quarter, count, django_assert_num_queries
):
    for number in range(count):
        order = make_order(quarter, f"Ann{number}")
        record(order, LedgerEntry.Action.QUARTER_CANCELLED, now=timezone.now())
    Quarter.objects.filter(pk=quarter.pk).update(state="cancelled")
    page = address("quarter", "inspect", quarter.pk)
    canceller.get(page)

    with django_assert_num_queries(17):
        canceller.get(page)
