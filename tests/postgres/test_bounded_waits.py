"""Cut lines and long locks, on a real PostgreSQL: an answer in time, and nothing lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from enrollments.models import Enrollment, Order, Quarter
from enrollments.operations import moves
from tests.enrollments.events import deliver, event_body
from tests.factories.enrollments import make_member, make_place, make_quarter
from tests.postgres.crowd import at_once
from tests.reading import carried_by

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="others lock in other ways"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

TYPED = {"chosen_name": "Ann <3", "email": "ann@example.org"}


@contextmanager
def another_line() -> Iterator[psycopg.Connection]:
    """A connection of somebody else to the same database."""
    known = ("host", "port", "user", "password", "dbname")
    facts = connection.get_connection_params()
    with psycopg.connect(**{name: facts[name] for name in known if facts.get(name)}) as line:
        yield line


@contextmanager
def locked(quarter: Quarter) -> Iterator[None]:
    """Somebody has the quarter's row and does not let go of it."""
    with another_line() as line:
        line.execute("SELECT * FROM enrollments_quarter WHERE id = %s FOR UPDATE", [quarter.pk])
        yield
        line.rollback()


@pytest.fixture
def impatient(monkeypatch) -> Iterator[None]:
    """Nobody waits longer than a fifth of a second for a lock."""
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "options", "-c lock_timeout=200ms")
    connection.close()
    yield
    connection.close()


def cut_at(statement: str) -> Callable:
    """A wrapper that has the site's own connection cut right before the first such statement."""
    cut = []

    def execute_or_cut(execute, sql, *rest):
        if statement in sql and not cut:
            cut.append(sql)
            with another_line() as line:
                line.execute("SELECT pg_terminate_backend(%s)", [backend_pid()])
        return execute(sql, *rest)

    return execute_or_cut


def backend_pid() -> int:
    return connection.connection.info.backend_pid


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("lock_timeout", "25s"),
        ("statement_timeout", "30s"),
        ("idle_in_transaction_session_timeout", "2min"),
    ],
)
def test_nobody_waits_for_ever(db, name, limit):
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")

        assert cursor.fetchone() == (limit,)


def test_a_long_lock_ends_in_a_page_that_says_so_and_keeps_what_was_typed(
    loaded_site, standin, impatient
):
    quarter = make_quarter()
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    address = reverse("enroll", args=[quarter.slug])
    page = client.get(address)
    form = {**TYPED, **carried_by(page)}
    token = {"csrfmiddlewaretoken": client.cookies["csrftoken"].value}

    with locked(quarter):
        answer = client.post(address, form | token)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    text = answer.content.decode()
    assert f'action="{address}"' in text
    assert 'name="chosen_name" value="Ann &lt;3"' in text
    assert f'name="form_id" value="{form["form_id"]}"' in text
    assert not Order.objects.exists()
    assert client.post(address, form | token).status_code == 303


def test_a_webhook_that_meets_a_long_lock_is_delivered_again(standin, held_order, impatient):
    standin.pay(held_order.url)
    body = event_body(held_order.session_id)
    client = Client(raise_request_exception=False)

    with locked(Quarter.objects.get(enrollments__line__order=held_order.order)):
        answers = [deliver(client, body).status_code]
    answers.append(deliver(client, body).status_code)

    assert answers == [500, 200]
    assert held_order.refreshed().state == Order.State.PAID


@pytest.mark.parametrize(
    "statement",
    [
        'INSERT INTO "enrollments_stripeevent"',
        'INSERT INTO "enrollments_payment"',
        'UPDATE "enrollments_enrollment"',
        'INSERT INTO "django_tasks',
    ],
)
def test_a_webhook_whose_database_is_cut_off_is_delivered_again(
    standin, held_order, queued, statement
):
    standin.pay(held_order.url)
    body = event_body(held_order.session_id)
    client = Client(raise_request_exception=False)

    with connection.execute_wrapper(cut_at(statement)):
        cut_off = deliver(client, body).status_code
    connection.close()
    assert cut_off in (500, 503)
    assert held_order.refreshed().state == Order.State.PENDING

    again = deliver(client, body).status_code

    assert again == 200
    assert held_order.refreshed().state == Order.State.PAID
    assert queued.count() == 1


def test_moves_in_opposite_directions_at_once_never_wait_in_a_circle(loaded_site):
    staff = User.objects.create_superuser("staff@example.org")
    pairs = [(make_quarter(), make_quarter()) for _ in range(5)]
    there_and_back = [pair for one, two in pairs for pair in ((one, two), (two, one))]
    calls = []
    for number, (start, target) in enumerate(there_and_back):
        place = make_place(start, make_member(f"member{number}@example.org"))
        calls.append(moved(place, target, staff))

    statuses = at_once(calls)

    assert statuses == Counter({200: len(calls)})
    for one, two in pairs:
        assert [q.enrollments.occupying().count() for q in (one, two)] == [1, 1]


def moved(place: Enrollment, target: Quarter, staff: User) -> Callable[[], int]:
    def move() -> int:
        moves.move(place_id=place.pk, target_id=target.pk, by=staff, now=timezone.now())
        return 200

    return move
