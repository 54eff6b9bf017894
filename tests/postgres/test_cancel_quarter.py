"""A quarter is cancelled by several at once, and moved into by many, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from django.db import connection, connections
from django.utils import timezone

from enrollments.errors import Refusal
from enrollments.models import Enrollment, LedgerEntry, Order, Quarter, Refund
from enrollments.operations import checkout, departures, moves
from enrollments.operations.books import discrepancies
from enrollments.operations.fulfilment import fulfil
from enrollments.stripe_gateway import list_refunds
from tests.enrollments.buyers import buys, orders
from tests.enrollments.rows import fresh, place_of
from tests.factories.enrollments import make_buyer, make_member, make_place, make_quarter
from tests.postgres.crowd import at_once
from tests.stripe_fixtures import WaitingOrder

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="rows are locked on PostgreSQL"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

NAMES = ("ann", "rose", "zoe", "may", "bea")
ROUNDS = 5
ONE_PERSON_PER_SEAT = next(
    c for c in Enrollment._meta.constraints if c.name == "one_person_per_seat"
)


@pytest.fixture
def without_lock(monkeypatch) -> None:
    """Nobody waits for anybody else any more."""
    monkeypatch.setattr("django.db.models.query.QuerySet.select_for_update", lambda self, **_: self)


@pytest.fixture
def without_constraint() -> Iterator[None]:
    with connection.schema_editor() as editor:
        editor.remove_constraint(Enrollment, ONE_PERSON_PER_SEAT)
    yield
    Enrollment.objects.update(moved_to=None)
    Enrollment.objects.all().delete()
    with connection.schema_editor() as editor:
        editor.add_constraint(Enrollment, ONE_PERSON_PER_SEAT)


def job(do: Callable[[], object]) -> Callable[[], int]:
    """A job that says 200, 409 when it was refused and 500 when it fell over."""

    def run() -> int:
        # Whatever was read before was read on a connection that this thread does not have.
        connections.close_all()
        try:
            do()
        except Refusal:
            return 409
        except Exception:  # noqa: BLE001 (whatever it is, it is counted)
            return 500
        return 200

    return run


# --- cancelled by several at once -----------------------------------------------------------


@pytest.fixture
def five(standin, quarter) -> list[WaitingOrder]:
    """Five people have paid for their places."""
    return [buys(standin, quarter, name) for name in NAMES]


def finishing(quarter: Quarter) -> Callable[[], int]:
    return job(lambda: departures.finish_cancellation(quarter, now=timezone.now()))


def cancelled_by(quarter: Quarter, by) -> Callable[[], int]:
    return job(lambda: departures.cancel_quarter(quarter_id=quarter.pk, by=by, now=timezone.now()))


def effects(paid: list[WaitingOrder]) -> tuple[list[str], int, int, list[list[int]]]:
    """How the orders stand, refunds, letters about it, and what Stripe has given back."""
    return (
        [order.refreshed().state for order in paid],
        Refund.objects.count(),
        LedgerEntry.objects.filter(detail="quarter_cancelled").count(),
        [
            [refund.amount_cents for refund in list_refunds(payment.payment_intent_id)]
            for order in paid
            for payment in order.order.payments.all()
        ],
    )


ONCE_EACH = (["refunded"] * 5, 5, 5, [[60_000]] * 5)


def test_two_runs_side_by_side_give_back_once_and_write_once(five, quarter):
    Quarter.objects.update(state=Quarter.State.CANCELLED)

    answers = at_once([finishing(quarter)] * 2)

    assert answers == Counter({200: 2})
    assert effects(five) == ONCE_EACH
    assert discrepancies(timezone.now()) == []


def test_pressed_by_four_at_once_it_is_cancelled_once(five, quarter):
    staff = make_member("staff@example.org", is_staff=True)

    answers = at_once([cancelled_by(quarter, staff)] * 4)

    assert answers == Counter({200: 4})
    assert effects(five) == ONCE_EACH
    assert LedgerEntry.objects.filter(action="quarter_cancelled").count() == 5


def test_control_without_the_locks_two_runs_claim_or_write_twice(five, quarter, without_lock):
    Quarter.objects.update(state=Quarter.State.CANCELLED)

    at_once([finishing(quarter)] * 4)

    _, claimed, letters, _ = effects(five)
    assert max(claimed, letters) > 5


def test_whoever_pays_while_it_is_cancelled_has_her_money_back(standin, loaded_site):
    staff = make_member("staff@example.org", is_staff=True)
    for number in range(ROUNDS):
        quarter = make_quarter(slug=f"round-{number}")
        order = orders(quarter, f"may{number}")
        standin.pay(order.url)

        answers = at_once(
            [
                cancelled_by(quarter, staff),
                job(lambda order=order: fulfil(order.session_id, now=timezone.now())),
            ]
        )
        departures.finish_cancellation(quarter, now=timezone.now())

        assert answers == Counter({200: 2})
        assert order.refreshed().state == Order.State.REFUNDED
        assert quarter.enrollments.occupying().count() == 0
        assert Refund.objects.filter(order=order.order).count() == 1
        assert order.order.ledger.filter(detail="quarter_cancelled").count() == 1


def test_nobody_begins_to_enroll_behind_the_back_of_a_cancellation(standin, loaded_site):
    staff = make_member("staff@example.org", is_staff=True)
    quarter = make_quarter(capacity=20)

    def enrolls(number: int) -> Callable[[], int]:
        buyer = make_buyer(f"buyer{number}@example.org")
        return job(lambda: checkout.enroll(quarter_id=quarter.pk, buyer=buyer, now=timezone.now()))

    answers = at_once([*map(enrolls, range(10)), cancelled_by(quarter, staff)])
    departures.finish_cancellation(quarter, now=timezone.now())

    assert set(answers) <= {200, 409}
    assert quarter.enrollments.occupying().count() == 0


# --- a move and a buyer want the last seat --------------------------------------------------

BUYERS = 6
MOVERS = 3


def the_last_seat(round_number: int) -> tuple[Counter[int], int]:
    """Buyers and staff want the only seat of a quarter: answers, and how many have it."""
    staff = make_member(f"staff{round_number}@example.org", is_staff=True)
    old = make_quarter(slug=f"old-{round_number}")
    target = make_quarter(slug=f"target-{round_number}", capacity=1)
    places = [
        make_place(old, make_member(f"m{round_number}-{number}@example.org"))
        for number in range(MOVERS)
    ]

    def moves_her(place: Enrollment) -> Callable[[], int]:
        return job(
            lambda: moves.move(place_id=place.pk, target_id=target.pk, by=staff, now=timezone.now())
        )

    def enrolls(number: int) -> Callable[[], int]:
        buyer = make_buyer(f"b{round_number}-{number}@example.org")
        return job(lambda: checkout.enroll(quarter_id=target.pk, buyer=buyer, now=timezone.now()))

    answers = at_once([*map(moves_her, places), *map(enrolls, range(BUYERS))])
    still_there = old.enrollments.occupying().count()
    moved = target.enrollments.filter(state="enrolled").count()
    assert still_there + moved == MOVERS
    return answers, target.enrollments.occupying().count()


def test_a_move_never_oversells_the_seat_that_buyers_want(loaded_site, stripe_is_up):
    for number in range(ROUNDS):
        answers, taken = the_last_seat(number)

        assert taken == 1
        assert answers == Counter({200: 1, 409: BUYERS + MOVERS - 1})


def test_control_without_lock_and_constraint_it_is_sold_and_moved_into(
    loaded_site, stripe_is_up, without_lock, without_constraint
):
    assert max(the_last_seat(number)[1] for number in range(2 * ROUNDS)) > 1


# --- one place, moved by many ---------------------------------------------------------------


def test_one_place_moved_by_many_to_two_quarters_is_in_one(standin, quarter):
    staff = make_member("staff@example.org", is_staff=True)
    order = buys(standin, quarter, "ann")
    place = place_of(order.order)
    choices = [make_quarter(slug="spring"), make_quarter(slug="summer")]

    answers = at_once(
        [
            job(
                lambda target=target: moves.move(
                    place_id=place.pk, target_id=target.pk, by=staff, now=timezone.now()
                )
            )
            for target in choices * 4
        ]
    )

    assert answers == Counter({200: 4, 409: 4})
    assert Enrollment.objects.occupying().count() == 1
    assert order.order.ledger.filter(action="moved").count() == 1
    assert fresh(place).moved_to == place_of(order.order)


def test_moves_that_cross_wait_for_each_other(loaded_site, stripe_is_up):
    """From winter to spring and from spring to winter: in another sequence they would lock up."""
    staff = make_member("staff@example.org", is_staff=True)
    winter, spring = make_quarter(slug="winter"), make_quarter(slug="spring")
    there = [make_place(winter, make_member(f"w{n}@example.org")) for n in range(4)]
    back = [make_place(spring, make_member(f"s{n}@example.org")) for n in range(4)]

    def going(place: Enrollment, to: Quarter) -> Callable[[], int]:
        return job(
            lambda: moves.move(place_id=place.pk, target_id=to.pk, by=staff, now=timezone.now())
        )

    answers = at_once([*(going(p, spring) for p in there), *(going(p, winter) for p in back)])

    assert answers == Counter({200: 8})
    assert winter.enrollments.occupying().count() == 4
    assert spring.enrollments.occupying().count() == 4


def test_moved_undone_and_left_at_once_she_has_one_place_or_none(standin, quarter):
    staff = make_member("staff@example.org", is_staff=True)
    spring = make_quarter(slug="spring")
    order = buys(standin, quarter, "ann")
    place = place_of(order.order)
    now = timezone.now()

    def undoes() -> None:
        moves.undo_move(place_id=place.pk, by=staff, now=now)

    def goes() -> None:
        moves.move(place_id=place.pk, target_id=spring.pk, by=staff, now=now)

    def leaves() -> None:
        departures.leave(place_id=place.pk, by=staff, now=now)

    answers = at_once([job(do) for do in (goes, undoes, leaves) * 3])

    assert answers[500] == 0
    assert Enrollment.objects.occupying().count() <= 1
    assert Enrollment.objects.filter(line__isnull=False).count() == 1
    assert discrepancies(timezone.now()) == []
