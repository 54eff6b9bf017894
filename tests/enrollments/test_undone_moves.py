"""Taking a move back within a day: all as it was, or a reason why not."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from enrollments import access
from enrollments.errors import (
    AlreadyThere,
    HasGoneOn,
    MoveNotUndoable,
    MoveTooOld,
    NoSeatThere,
    NothingToComeBackTo,
    SomebodyWaitsThere,
)
from enrollments.models import (
    Enrollment,
    Quarter,
)
from enrollments.operations import departures, moves
from enrollments.operations.books import discrepancies
from tests.enrollments.movers import make_spring, move
from tests.enrollments.rows import fresh, place_of
from tests.factories.enrollments import (
    bundle,
    make_entry,
    make_member,
    make_place,
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


def test_a_move_is_undone_within_a_day(paid, quarter, spring, staff):
    old = place_of(paid)
    new = move(old, spring, staff)

    back = moves.undo_move(place_id=old.pk, by=staff, now=timezone.now() + timedelta(hours=23))
    again = moves.undo_move(place_id=old.pk, by=staff, now=timezone.now() + timedelta(hours=23))

    assert (back.pk, again.pk, back.state, back.quarter) == (old.pk, old.pk, "enrolled", quarter)
    assert fresh(new).state == "released"
    assert access.may_open_bundle(paid.member, bundle()) is True
    assert place_of(paid) == old
    assert discrepancies(timezone.now()) == []


def test_after_a_day_a_move_stands(paid, spring, staff):
    old = place_of(paid)
    move(old, spring, staff)

    with pytest.raises(MoveTooOld):
        moves.undo_move(place_id=old.pk, by=staff, now=timezone.now() + moves.UNDO)


def test_whoever_has_left_meanwhile_does_not_come_back(paid, spring, staff):
    old = place_of(paid)
    new = move(old, spring, staff)
    departures.leave(place_id=new.pk, by=staff, now=timezone.now())

    with pytest.raises(HasGoneOn):
        moves.undo_move(place_id=old.pk, by=staff, now=timezone.now())


def test_nobody_comes_back_to_a_group_that_has_begun(paid, quarter, spring, staff):
    old = place_of(paid)
    move(old, spring, staff)
    Quarter.objects.filter(pk=quarter.pk).update(state="running")

    with pytest.raises(NothingToComeBackTo):
        moves.undo_move(place_id=old.pk, by=staff, now=timezone.now())


def test_nobody_comes_back_to_a_quarter_that_was_cancelled(paid, quarter, spring, staff):
    old = place_of(paid)
    move(old, spring, staff)
    departures.cancel_quarter(quarter_id=quarter.pk, by=staff, now=timezone.now())

    with pytest.raises(NothingToComeBackTo):
        moves.undo_move(place_id=old.pk, by=staff, now=timezone.now())

    assert place_of(paid).quarter == spring


def test_whoever_waits_for_the_old_seat_comes_first(paid, quarter, spring, staff):
    old = place_of(paid)
    move(old, spring, staff)
    make_entry(quarter, "rose@example.org")

    with pytest.raises(SomebodyWaitsThere):
        moves.undo_move(place_id=old.pk, by=staff, now=timezone.now())


def test_whoever_has_taken_another_place_there_has_one(paid, quarter, spring, staff):
    old = place_of(paid)
    move(old, spring, staff)
    make_place(quarter, paid.member)

    with pytest.raises(AlreadyThere):
        moves.undo_move(place_id=old.pk, by=staff, now=timezone.now())


def test_what_was_never_moved_is_not_undone(paid, spring, staff):
    Enrollment.objects.update(state="left")

    with pytest.raises(MoveNotUndoable):
        moves.undo_move(place_id=Enrollment.objects.get().pk, by=staff, now=timezone.now())


def test_undoing_is_told_once_and_frees_the_seat_for_whoever_waits(paid, quarter, spring, staff):
    spring.capacity = 1
    spring.save()
    old = place_of(paid)
    move(old, spring, staff)
    rose = make_entry(spring, "rose@example.org")
    mail.outbox.clear()

    for _ in range(2):
        moves.undo_move(place_id=old.pk, by=staff, now=timezone.now())

    assert fresh(rose).state == "offered"
    told = [m for m in mail.outbox if m.to == [paid.email]]
    assert [m.subject for m in told] == ["You have your earlier dates again"]
    assert "From Saturday, January 9, 2027" in told[0].body
    assert paid.ledger.get(action="move_undone").detail == "Spring 2027 > Winter 2027"


def test_she_can_be_moved_again_after_undoing(paid, spring, staff):
    old = place_of(paid)
    move(old, spring, staff)
    moves.undo_move(place_id=old.pk, by=staff, now=timezone.now())

    new = move(old, spring, staff)

    assert (place_of(paid), new.quarter) == (new, spring)


def test_a_move_is_not_undone_when_the_old_seats_are_gone(paid, quarter, spring, staff):
    quarter.capacity = 1
    quarter.save()
    old = place_of(paid)
    move(old, spring, staff)
    make_place(quarter, make_member("rose@example.org"))

    with pytest.raises(NoSeatThere):
        moves.undo_move(place_id=old.pk, by=staff, now=timezone.now())

    assert place_of(paid).quarter == spring


def test_whoever_was_moved_on_is_not_moved_back_from_the_first(paid, spring, staff):
    summer = make_quarter(label="Summer 2027", first_date=date(2027, 7, 10))
    old = place_of(paid)
    new = move(old, spring, staff)
    move(new, summer, staff)

    with pytest.raises(MoveNotUndoable):
        moves.undo_move(place_id=old.pk, by=staff, now=timezone.now())
