"""What a member's page says before, during and after a meeting."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from django.test import Client

from tests.factories.enrollments import make_member, make_place, make_quarter

pytestmark = pytest.mark.django_db
BEGINS = datetime(2027, 1, 9, 15, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def ann(loaded_site):
    return make_member()


def page_at(member, moment):
    client = Client()
    with time_machine.travel(moment, tick=False):
        client.force_login(member)
        soup = BeautifulSoup(client.get("/member/").content, "html.parser")
    return " ".join(soup.main.get_text(" ").split())


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (BEGINS - SECOND, "Next: week 1, Saturday, January 9, 10:00 am Eastern"),
        (BEGINS, "Now: week 1, since 10:00 am Eastern"),
        (BEGINS + timedelta(minutes=120) - SECOND, "Now: week 1, since 10:00 am Eastern"),
        (BEGINS + timedelta(minutes=120), "Next: week 2, Saturday, January 16, 10:00 am Eastern"),
    ],
    ids=["a second before", "as it begins", "a second before its end", "at its end"],
)
def test_a_meeting_is_over_when_it_ends(ann, moment, said):
    make_place(make_quarter(), ann)

    page = page_at(ann, moment)

    assert said in page
    assert ("Now:" in page) == said.startswith("Now")


def test_while_it_runs_the_end_and_the_next_meeting_are_said_too(ann):
    make_place(make_quarter(), ann)

    page = page_at(ann, BEGINS + timedelta(minutes=5))

    assert "It ends at 12:00 pm Eastern" in page
    assert "Next: week 2, Saturday, January 16" in page


def test_the_group_that_meets_now_comes_first(ann):
    make_place(make_quarter(label="Spring 2027", first_date=date(2027, 2, 6)), ann)
    make_place(make_quarter(label="Winter 2027"), ann)

    page = page_at(ann, BEGINS)

    order = [page.index(words) for words in ("Winter 2027", "Now: week 1", "Spring 2027")]
    assert order == sorted(order)


def test_a_cancelled_meeting_does_not_run(ann):
    quarter = make_quarter()
    quarter.meetings.filter(number=1).update(is_cancelled=True)
    make_place(quarter, ann)

    page = page_at(ann, BEGINS)

    assert "Now:" not in page
    assert "Next: week 2" in page


def test_during_and_after_the_last_meeting(ann):
    make_place(make_quarter(), ann)
    last = datetime(2027, 3, 27, 14, tzinfo=UTC)

    during, after = page_at(ann, last), page_at(ann, last + timedelta(hours=2))

    assert "Now: week 12" in during
    assert "This is the last meeting." in during
    assert "All meetings are over." in after


def test_nothing_is_said_to_be_over_that_never_was(ann):
    quarter = make_quarter()
    quarter.meetings.update(is_cancelled=True)
    make_place(quarter, ann)

    page = page_at(ann, BEGINS)

    assert "No meeting is planned now." in page
    assert "over" not in page
