"""One address enrolls in many browsers at the same moment, on a real PostgreSQL: one seat."""

from __future__ import annotations

from collections import Counter
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.utils import timezone

from enrollments.errors import CodeNotUsable, OrderBusy
from enrollments.models import CheckoutAttempt, HelpCode, Order, Quarter
from enrollments.operations import checkout, codes
from enrollments.operations.checkout import Buyer
from enrollments.operations.wishes import NOTHING_MORE, Wishes
from tests.factories.enrollments import make_buyer, make_code, make_quarter
from tests.stripe_fixtures import ORDER_ADDRESS, at_stripe

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="rows are locked on PostgreSQL"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

BROWSERS = 8
ROUNDS = 5


def race(
    quarter: Quarter | list[Quarter], buyers: list[Buyer], wishes: Wishes = NOTHING_MORE
) -> Counter[str]:
    """Each of them enrolls and opens the payment page at once; what each came to.

    In one quarter, or each in a quarter of her own.
    """
    start, outcomes = Barrier(len(buyers)), Counter()
    quarters = quarter if isinstance(quarter, list) else [quarter] * len(buyers)

    def enroll(quarter: Quarter, buyer: Buyer) -> None:
        start.wait(timeout=60)
        try:
            now = timezone.now()
            order = checkout.enroll(quarter_id=quarter.pk, buyer=buyer, wishes=wishes, now=now)
            checkout.open_checkout(
                order_id=order.pk, order_address=ORDER_ADDRESS, now=timezone.now()
            )
            outcomes["page"] += 1
        except Exception as error:  # noqa: BLE001 (whatever it is, it is counted)
            outcomes[type(error).__name__] += 1
        connections.close_all()

    threads = [Thread(target=enroll, args=each) for each in zip(quarters, buyers, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
    return outcomes


def of_one_address() -> list[Buyer]:
    return [make_buyer() for _ in range(BROWSERS)]


def holds(quarter: Quarter) -> int:
    return quarter.enrollments.filter(state="held").count()


def test_the_same_address_at_the_same_instant_never_holds_two_seats(loaded_site, standin):
    for _ in range(ROUNDS):
        quarter = make_quarter(capacity=BROWSERS)

        outcomes = race(quarter, of_one_address())

        # Another browser may have been quicker: then an order ends, or she is asked to try again.
        assert set(outcomes) <= {"page", "OrderNotPayable", OrderBusy.__name__}
        assert holds(quarter) <= 1
        waits = Order.objects.filter(lines__quarter=quarter, state="pending")
        sessions = CheckoutAttempt.objects.filter(order__lines__quarter=quarter, state="open")
        assert waits.count() == holds(quarter)
        assert {session.order_id for session in sessions} <= {order.pk for order in waits}


def test_control_without_the_second_look_the_same_browsers_hold_several(
    loaded_site, stripe_is_up, monkeypatch
):
    def whatever_others_hold(waiting: list[Order], buyer: Buyer) -> list[Order]:
        return [order for order in waiting if buyer.wants(order)]

    monkeypatch.setattr(checkout, "_only_hers", whatever_others_hold)

    most = max(
        holds(quarter)
        for quarter in (make_quarter(capacity=BROWSERS) for _ in range(ROUNDS))
        if race(quarter, of_one_address())
    )

    assert most > 1


def test_the_last_use_of_a_code_goes_to_one_of_many(loaded_site, standin):
    for number in range(ROUNDS):
        quarter = make_quarter(capacity=BROWSERS)
        code = at_stripe(make_code(code=f"QUIET{number}", most_uses=1))
        buyers = [make_buyer(f"buyer{each}@example.org") for each in range(BROWSERS)]

        outcomes = race(quarter, buyers, Wishes(code_id=code.pk))

        assert outcomes == Counter({"page": 1, CodeNotUsable.__name__: BROWSERS - 1})
        assert codes.uses(code, now=timezone.now()) == 1


def test_control_without_the_lock_on_the_code_it_is_used_too_often(
    loaded_site, stripe_is_up, monkeypatch
):
    """The lock of the quarter would hide it: everybody enrolls in another one."""
    monkeypatch.setattr("django.db.models.query.QuerySet.select_for_update", lambda self, **_: self)
    code = at_stripe(make_code(most_uses=1))

    used = [used_at_once(code) for _ in range(ROUNDS)]

    assert max(used) > 1


def used_at_once(code: HelpCode) -> int:
    Order.objects.update(state="cancelled")
    quarters = [make_quarter() for _ in range(BROWSERS)]
    buyers = [make_buyer(f"{quarter.pk}@example.org") for quarter in quarters]
    race(quarters, buyers, Wishes(code_id=code.pk))
    return codes.uses(code, now=timezone.now())
