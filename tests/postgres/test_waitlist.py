"""Everybody at once wants the seat that was promised to one, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection, connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from enrollments.models import Enrollment, Order, Quarter, WaitlistEntry
from enrollments.operations import checkout, seats, waitlist
from tests.factories.enrollments import make_buyer, make_entry, make_quarter
from tests.reading import carried_by

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="rows are locked on PostgreSQL"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

ACCEPTING = 20
PASSING_ON = 4
VISITORS = 50
ROUNDS = 10
State = WaitlistEntry.State
ONE_PERSON_PER_SEAT = next(
    c for c in Enrollment._meta.constraints if c.name == "one_person_per_seat"
)


def at_once(jobs: Sequence[Callable[[], object]]) -> Counter[object]:
    """Do all ``jobs``, each in a thread of its own; how often each answer came."""
    start, answers = Barrier(len(jobs)), Counter()

    def do(job: Callable[[], object]) -> None:
        # Whatever was read before was read on a connection that this thread does not have.
        connections.close_all()
        start.wait(timeout=60)
        try:
            answers[job()] += 1
        except DatabaseError as error:
            answers[type(error)] += 1
        finally:
            connections.close_all()

    threads = [Thread(target=do, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return answers


def offered_seat() -> tuple[Quarter, WaitlistEntry, WaitlistEntry]:
    """A quarter whose only seat is kept for Ann; Bea comes next."""
    quarter = make_quarter(capacity=1)
    now = timezone.now()
    ann = make_entry(quarter, "ann@example.org", joined_at=now - timedelta(hours=1))
    bea = make_entry(quarter, "bea@example.org", joined_at=now)
    waitlist.follow_up(now=now)
    ann.refresh_from_db()
    return quarter, ann, bea


def offer_page(entry: WaitlistEntry) -> str:
    return reverse("waitlist_offer", args=[entry.uuid])


def posting(address: str, form: dict[str, str]) -> Callable[[], int]:
    client = Client(raise_request_exception=False)
    return lambda: client.post(address, form).status_code


def form_on(address: str) -> dict[str, str]:
    return {"chosen_name": "Ann"} | carried_by(Client().get(address))


def seats_of(quarter: Quarter) -> list[tuple[int, str]]:
    taken = quarter.enrollments.occupying().order_by("seat_number", "pk")
    return list(taken.values_list("seat_number", "state"))


def orders_of(quarter: Quarter) -> Counter[str]:
    return Counter(Order.objects.filter(lines__quarter=quarter).values_list("state", flat=True))


def state_of(entry: WaitlistEntry) -> str:
    return WaitlistEntry.objects.get(pk=entry.pk).state


@pytest.fixture
def without_lock(monkeypatch):
    monkeypatch.setattr(seats, "lock_quarter", lambda pk: Quarter.objects.get(pk=pk))
    monkeypatch.setattr(
        seats, "lock_quarters", lambda which: list(Quarter.objects.filter(which).order_by("pk"))
    )


@pytest.fixture
def without_constraint():
    with connection.schema_editor() as editor:
        editor.remove_constraint(Enrollment, ONE_PERSON_PER_SEAT)
    yield
    WaitlistEntry.objects.all().delete()
    Enrollment.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Enrollment, ONE_PERSON_PER_SEAT)


# --- one offer, accepted by many ------------------------------------------------------------


def accept_the_same_form() -> tuple[Counter[object], Counter[str], list[tuple[int, str]]]:
    """One form, sent twenty times at once: answers, orders by state, seats."""
    quarter, ann, _ = offered_seat()
    address = offer_page(ann)
    form = form_on(address)
    answers = at_once([posting(address, form) for _ in range(ACCEPTING)])
    return answers, orders_of(quarter), seats_of(quarter)


def test_one_offer_sent_by_twenty_at_once_is_one_order_and_one_seat(loaded_site, stripe_is_up):
    for _ in range(3):
        answers, orders, taken = accept_the_same_form()

        assert answers == Counter({303: ACCEPTING})
        assert orders == Counter({"pending": 1})
        assert taken == [(1, "held")]


def test_control_without_the_lock_the_same_harness_makes_more_of_it(
    loaded_site, stripe_is_up, without_lock
):
    outcomes = [accept_the_same_form() for _ in range(ROUNDS)]

    one_each = (Counter({303: ACCEPTING}), Counter({"pending": 1}), [(1, "held")])
    assert any(outcome != one_each for outcome in outcomes)


def test_one_offer_opened_in_twenty_browsers_is_never_more_than_one_order_and_one_seat(
    loaded_site, stripe_is_up
):
    quarter, ann, bea = offered_seat()
    address = offer_page(ann)

    answers = at_once([posting(address, form_on(address)) for _ in range(ACCEPTING)])

    orders = orders_of(quarter)
    assert set(answers) <= {303, 409}
    assert (orders["pending"], set(orders)) in [(1, {"pending"}), (1, {"pending", "cancelled"})]
    assert seats_of(quarter) == [(1, "held")]
    assert (state_of(ann), state_of(bea)) == (State.OFFERED, State.WAITING)


# --- accepted while it lapses ---------------------------------------------------------------


Outcome = tuple[list[tuple[int, str]], str, str, Counter[str]]


def accept_while_it_lapses(looks: int) -> Outcome:
    """Ann accepts at the moment in which her time ends: seats, how both stand, and orders.

    Whoever passes it on has something else to do first, now more, now less of it: so sometimes
    the one is quicker, sometimes the other.
    """
    quarter, ann, bea = offered_seat()
    address, over = offer_page(ann), ann.offered_until
    form = form_on(address)

    def pass_on() -> str:
        for _ in range(looks):
            Client().get(address)
        waitlist.follow_up(now=over)
        return "passed on"

    at_once([*(posting(address, form) for _ in range(PASSING_ON)), *[pass_on] * PASSING_ON])
    return seats_of(quarter), state_of(ann), state_of(bea), orders_of(quarter)


SHE_HAS_IT = ([(1, "held")], State.OFFERED, State.WAITING, Counter({"pending": 1}))
THE_NEXT_HAS_IT = ([(1, "offered")], State.PASSED, State.OFFERED, Counter())


def test_an_offer_that_is_accepted_while_it_lapses_is_hers_or_the_nexts(loaded_site, stripe_is_up):
    outcomes = [accept_while_it_lapses(looks % 5) for looks in range(2 * ROUNDS)]

    assert all(outcome in (SHE_HAS_IT, THE_NEXT_HAS_IT) for outcome in outcomes)
    # It was a race: neither was always first.
    assert SHE_HAS_IT in outcomes
    assert THE_NEXT_HAS_IT in outcomes


def test_control_without_lock_and_constraint_it_is_both_of_theirs(
    loaded_site, stripe_is_up, without_lock, without_constraint
):
    outcomes = [accept_while_it_lapses(looks % 5) for looks in range(2 * ROUNDS)]

    assert any(outcome not in (SHE_HAS_IT, THE_NEXT_HAS_IT) for outcome in outcomes)


# --- a seat that comes free in a crowd ------------------------------------------------------


def free_a_seat_in_a_crowd() -> tuple[Counter[object], list[tuple[int, str]], str]:
    """Rose gives her seat back while Ann waits and fifty visitors enroll."""
    quarter = make_quarter(capacity=1)
    buyer = make_buyer("rose@example.org")
    order = checkout.enroll(quarter_id=quarter.pk, buyer=buyer, now=timezone.now())
    ann = make_entry(quarter, "ann@example.org")
    rose = Client()
    session = rose.session
    session["orders"] = [str(order.uuid)]
    session.save()

    def give_back() -> str:
        rose.post(reverse("order_cancel", args=[order.uuid]))
        return "given back"

    address = reverse("enroll", args=[quarter.slug])
    shown = Client().get(address).context["form"]["shown"].value()
    visitors = [
        posting(
            address,
            {
                "chosen_name": "Eve",
                "email": f"visitor{number}@example.org",
                "form_id": str(make_buyer().form_id),
                "shown": shown,
            },
        )
        for number in range(VISITORS)
    ]
    answers = at_once([*visitors, give_back])
    return answers, seats_of(quarter), state_of(ann)


HERS_ALONE = (Counter({409: VISITORS, "given back": 1}), [(1, "offered")], State.OFFERED)


def test_a_seat_that_comes_free_among_fifty_visitors_is_hers_who_waits(loaded_site, stripe_is_up):
    for _ in range(3):
        assert free_a_seat_in_a_crowd() == HERS_ALONE


def test_control_without_offering_in_the_same_step_a_visitor_takes_it(
    loaded_site, stripe_is_up, monkeypatch
):
    monkeypatch.setattr(waitlist, "offer_free_seats", lambda *_arguments, **_named: 0)
    monkeypatch.setattr(waitlist, "refuse_while_somebody_waits", lambda _quarter: None)

    outcomes = [free_a_seat_in_a_crowd() for _ in range(ROUNDS)]

    assert any(taken == [(1, "held")] for _, taken, _ in outcomes)
