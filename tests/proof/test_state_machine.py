"""Whatever happens in whatever order: no seat is sold twice, and every cent is accounted for.

Hypothesis looks for the sequence that proves otherwise. More of it, with other sequences each time:
``make prove``, or ``PROOF_EXAMPLES=2000 PROOF_STEPS=60 pytest tests/proof/test_state_machine.py``.
``PROOF_SHRINK=0`` shows what it found as it found it, without looking for the shortest.
"""

from __future__ import annotations

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from devtools.stripe_standin.control import SUCCESSFUL_CARD
from enrollments.operations import fulfilment, giving_up, refunds_at_stripe, waitlist
from tests.proof import reckoning
from tests.proof.machine import Trade
from tests.proof.sizes import size

pytestmark = [pytest.mark.proof, pytest.mark.django_db]

USUAL = 25
EXAMPLES = size("PROOF_EXAMPLES", USUAL)
ONLY_LOOK = [Phase.generate]
BOUNDED = settings(
    max_examples=EXAMPLES,
    stateful_step_count=size("PROOF_STEPS", 30),
    # The same sequences each time, unless more are asked for than usual.
    derandomize=EXAMPLES <= USUAL,
    phases=[*ONLY_LOOK, Phase.shrink] if size("PROOF_SHRINK", 1) else ONLY_LOOK,
    deadline=None,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
# Enough for every control below, several times over.
CONTROL = settings(BOUNDED, max_examples=100, derandomize=True, phases=ONLY_LOOK)


def test_whatever_happens_the_books_balance(shop):
    run_state_machine_as_test(lambda: Trade(shop), settings=BOUNDED)


def a_payment_counts_each_time_it_is_heard_of(monkeypatch) -> None:
    settle = fulfilment._settle_paid

    def settle_again(order, attempt, found, now) -> None:
        attempt.state = attempt.State.OPEN
        settle(order, attempt, found, now)

    monkeypatch.setattr(fulfilment, "_settle_paid", settle_again)


def a_free_seat_is_not_offered(monkeypatch) -> None:
    monkeypatch.setattr(waitlist, "offer_free_seats", lambda quarter, now: 0)


def every_try_of_a_refund_is_another_refund(monkeypatch) -> None:
    create = refunds_at_stripe.stripe_gateway.create_refund

    def create_anew(**facts):
        create(**facts | {"idempotency_key": str(uuid4())})
        return create(**facts)

    monkeypatch.setattr(refunds_at_stripe.stripe_gateway, "create_refund", create_anew)


@pytest.mark.parametrize(
    "break_it",
    [
        a_payment_counts_each_time_it_is_heard_of,
        a_free_seat_is_not_offered,
        every_try_of_a_refund_is_another_refund,
    ],
)
def test_control_when_a_rule_is_broken_the_machine_finds_it(shop, monkeypatch, break_it):
    break_it(monkeypatch)

    with pytest.raises(Exception) as found:  # noqa: PT011 (whichever rule is the first to fail)
        run_state_machine_as_test(lambda: Trade(shop), settings=CONTROL)

    assert any("Failing test case" in note for note in found.value.__notes__)


@pytest.mark.parametrize(("asks_stripe", "is_seen"), [(True, False), (False, True)])
def test_control_a_seat_freed_while_its_page_can_be_paid_is_seen(
    shop, monkeypatch, asks_stripe, is_seen
):
    """Rare, so its steps are given: the last seat is given up, goes to the next, and is paid."""
    if not asks_stripe:
        monkeypatch.setattr(giving_up.attempts, "open_sessions", lambda order_id: [])
    machine = Trade(shop)
    try:
        machine.begin("last seat is being paid")
        machine.give_up(1)
        machine.pay(0, SUCCESSFUL_CARD)
        machine.come_back(0)
        seen = reckoning.paid_in_time_without_a_seat()
    finally:
        machine.close()

    assert bool(seen) == is_seen
