"""Two hundred people want the last seat at the same moment, over HTTP, on a real PostgreSQL.

As often as it takes to believe it: ``make prove``, or PROOF_SEAT_ROUNDS=1000 in the environment.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from urllib.parse import urlencode
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from enrollments.models import Enrollment, Quarter
from enrollments.operations import seats
from tests.factories.enrollments import make_quarter
from tests.postgres.crowd import at_once, open_door
from tests.proof.sizes import size
from tests.reading import carried_by

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="rows are locked on PostgreSQL"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

BUYERS = 200
ROUNDS = size("PROOF_SEAT_ROUNDS", 2)
# How many rounds a control gets to go wrong in.
TRIES = 10
# Any secret of this length will do, as long as cookie and form agree.
CSRF = "a" * 32
ONE_PERSON_PER_SEAT = next(
    c for c in Enrollment._meta.constraints if c.name == "one_person_per_seat"
)


@pytest.fixture
def port(loaded_site, stripe_is_up) -> Iterator[int]:
    with open_door() as port:
        yield port


@pytest.fixture
def unlocked(monkeypatch) -> None:
    """Nobody waits for anybody else's seat any more."""
    monkeypatch.setattr(seats, "lock_quarter", lambda pk: Quarter.objects.get(pk=pk))


def race(port: int, quarter: Quarter) -> Counter[int]:
    """All send the form at once; how often each status was answered."""
    page = Client().get(reverse("enroll", args=[quarter.slug]))
    shown = carried_by(page)["shown"]
    return at_once([buyer(port, quarter, number, shown) for number in range(BUYERS)])


def buyer(port: int, quarter: Quarter, number: int, shown: str) -> Callable[[], int]:
    address = reverse("enroll", args=[quarter.slug])
    form = {
        "chosen_name": "Ann",
        "email": f"buyer{number}@example.org",
        "form_id": str(uuid4()),
        "shown": shown,
        "csrfmiddlewaretoken": CSRF,
    }
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Cookie": f"csrftoken={CSRF}",
    }

    def sends_the_form() -> int:
        visit = HTTPConnection("127.0.0.1", port, timeout=300)
        try:
            visit.request("POST", address, urlencode(form), headers)
            return visit.getresponse().status
        finally:
            visit.close()

    return sends_the_form


def held_seats(quarter: Quarter) -> list[int]:
    return sorted(quarter.enrollments.occupying().values_list("seat_number", flat=True))


@pytest.mark.proof
def test_the_last_seat_goes_to_one_of_two_hundred_and_nobody_sees_an_error(port, standin):
    for number in range(1, ROUNDS + 1):
        quarter = make_quarter(capacity=1)

        answers = race(port, quarter)

        assert held_seats(quarter) == [1]
        assert answers == Counter({303: 1, 409: BUYERS - 1})
        # Stripe is not even asked for a page for those who come too late.
        assert len(standin.requests("/v1/checkout/sessions")) == number


def test_without_the_lock_the_constraint_alone_still_refuses_a_second(port, unlocked):
    quarter = make_quarter(capacity=1)

    answers = race(port, quarter)

    assert held_seats(quarter) == [1]
    assert set(answers) <= {303, 409}


def test_control_without_lock_and_constraint_the_same_crowd_oversells(port, unlocked):
    with connection.schema_editor() as editor:
        editor.remove_constraint(Enrollment, ONE_PERSON_PER_SEAT)
    try:
        oversold = any(
            len(held_seats(quarter)) > 1
            for quarter in (make_quarter(capacity=1) for _ in range(TRIES))
            if race(port, quarter)
        )
    finally:
        Enrollment.objects.all().delete()
        with connection.schema_editor() as editor:
            editor.add_constraint(Enrollment, ONE_PERSON_PER_SEAT)

    assert oversold
