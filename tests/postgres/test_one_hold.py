"""One form pressed many times, and one address in many browsers, on a real PostgreSQL."""

from __future__ import annotations

from collections import Counter
from threading import Barrier, Thread

import pytest
from django.db import connection, connections
from django.utils import timezone

from devtools.stripe_standin.control import StandIn
from enrollments.errors import CodeNotUsable
from enrollments.models import CheckoutAttempt, HelpCode, Order, Quarter, Refund
from enrollments.operations import books, checkout, codes
from enrollments.operations.checkout import Buyer
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.wishes import NOTHING_MORE, Wishes
from tests.enrollments.buyers import orders
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


def presses_of_one_form() -> list[Buyer]:
    return [make_buyer()] * BROWSERS


def holds(quarter: Quarter) -> int:
    return quarter.enrollments.filter(state="held").count()


def test_one_form_pressed_many_times_at_the_same_instant_holds_one_seat(loaded_site, standin):
    for _ in range(ROUNDS):
        quarter = make_quarter(capacity=BROWSERS)

        outcomes = race(quarter, presses_of_one_form())

        assert outcomes == Counter(page=BROWSERS)
        assert holds(quarter) == 1
        order = Order.objects.get(lines__quarter=quarter)
        assert CheckoutAttempt.objects.get(order=order).state == "open"


def test_control_without_the_look_under_the_lock_one_form_holds_several(
    loaded_site, stripe_is_up, monkeypatch
):
    monkeypatch.setattr(checkout, "_only_hers", lambda _waiting, _buyer: [])

    most = max(
        holds(quarter)
        for quarter in (make_quarter(capacity=BROWSERS) for _ in range(ROUNDS))
        if race(quarter, presses_of_one_form())
    )

    assert most > 1


def pay_in_every_browser(standin: StandIn, quarter: Quarter) -> list[str]:
    """The sessions of one address, begun in many browsers, all of them paid at Stripe."""
    browsers = [orders(quarter, "ann") for _ in range(BROWSERS)]
    for order in browsers:
        standin.pay(order.url)
    return [order.session_id for order in browsers]


def hear_of_all_at_once(sessions: list[str]) -> None:
    start = Barrier(len(sessions))

    def hear(session_id: str) -> None:
        start.wait(timeout=60)
        fulfil(session_id, now=timezone.now())
        connections.close_all()

    threads = [Thread(target=hear, args=[session_id]) for session_id in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)


def test_of_many_browsers_with_one_address_that_pay_at_once_one_has_the_seat(loaded_site, standin):
    quarter = make_quarter(capacity=BROWSERS)

    hear_of_all_at_once(pay_in_every_browser(standin, quarter))

    assert quarter.enrollments.occupying().get().state == "enrolled"
    states = Counter(Order.objects.values_list("state", "attention"))
    assert states == Counter({("paid", ""): 1, ("refunded", "paid_twice"): BROWSERS - 1})
    assert Refund.objects.count() == BROWSERS - 1
    assert books.discrepancies(timezone.now()) == []


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
