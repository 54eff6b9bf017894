"""Fifty people want the last three seats at the same moment, on a real PostgreSQL."""

from __future__ import annotations

import re
from collections import Counter
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.test import Client
from django.urls import reverse

from enrollments.models import Enrollment, Quarter
from enrollments.operations import seats
from tests.factories.enrollments import make_quarter

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="rows are locked on PostgreSQL"),
]

BUYERS = 50
SEATS = 3
ROUNDS = 10
ONE_PERSON_PER_SEAT = next(
    c for c in Enrollment._meta.constraints if c.name == "one_person_per_seat"
)


def race(quarter: Quarter) -> Counter[int]:
    """Fifty visitors send the form at once; how often each status was answered."""
    start, answers = Barrier(BUYERS), Counter()
    address = reverse("enroll", args=[quarter.slug])

    def buyer(number: int) -> None:
        client = Client(raise_request_exception=False)
        page = client.get(address).content.decode()
        # The page was read; from here on this thread must begin with a connection of its own.
        connections.close_all()
        start.wait(timeout=60)
        answer = client.post(
            address,
            {
                "chosen_name": "Ann",
                "email": f"buyer{number}@example.org",
                "form_id": form_id_in(page),
            },
        )
        answers[answer.status_code] += 1
        connections.close_all()

    threads = [Thread(target=buyer, args=[number]) for number in range(BUYERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return answers


def form_id_in(page: str) -> str:
    """The number of the form, read from the page itself: contexts are shared among threads."""
    return re.search(r'name="form_id" value="([^"]+)"', page)[1]


def held_seats(quarter: Quarter) -> list[int]:
    return sorted(quarter.enrollments.occupying().values_list("seat_number", flat=True))


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_the_last_three_seats_go_to_three_of_fifty_and_nobody_sees_an_error(
    loaded_site, stripe_is_up
):
    for _ in range(ROUNDS):
        quarter = make_quarter(capacity=SEATS)

        answers = race(quarter)

        assert held_seats(quarter) == [1, 2, 3]
        assert answers == Counter({303: SEATS, 409: BUYERS - SEATS})


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_without_the_lock_the_constraint_alone_still_refuses_a_fourth(
    loaded_site, stripe_is_up, monkeypatch
):
    monkeypatch.setattr(seats, "lock_quarter", lambda pk: Quarter.objects.get(pk=pk))
    quarter = make_quarter(capacity=SEATS)

    answers = race(quarter)

    taken = held_seats(quarter)
    assert taken == sorted(set(taken))
    assert len(taken) <= SEATS
    assert set(answers) <= {303, 409}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_control_without_lock_and_constraint_the_same_harness_oversells(
    loaded_site, stripe_is_up, monkeypatch
):
    monkeypatch.setattr(seats, "lock_quarter", lambda pk: Quarter.objects.get(pk=pk))
    with connection.schema_editor() as editor:
        editor.remove_constraint(Enrollment, ONE_PERSON_PER_SEAT)
    try:
        oversold = any(
            len(held_seats(quarter)) > SEATS
            for quarter in (make_quarter(capacity=SEATS) for _ in range(ROUNDS))
            if race(quarter)
        )
    finally:
        Enrollment.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Enrollment, ONE_PERSON_PER_SEAT)

    assert oversold
