"""A cancellation that stops in the middle goes on: everybody once, and all of it.

And what of it is left to a person.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

import pytest
from django.core import mail
from django.core.management import call_command
from django.utils import timezone

from enrollments import stripe_gateway
from enrollments.models import (
    LedgerEntry,
    Order,
    OrderLine,
    Quarter,
    Refund,
)
from enrollments.operations import (
    checkout,
    departures,
    disputes,
    refunds_at_stripe,
    waitlist,
)
from enrollments.operations.books import discrepancies
from tests.enrollments.buyers import NAMES, buys
from tests.enrollments.cancelling import SUBJECT, cancel, everything, given_back
from tests.enrollments.rows import fresh, place_of
from tests.factories.enrollments import (
    bundle,
)

# --- stopped in the middle ------------------------------------------------------------------


class Stopped(Exception):
    """The process ended here."""


# What is done for three people who have paid and one who is paying, each before its effect.
STEPS = [
    (departures.endings, "end_line"),
    (departures.refunds, "give_back_line"),
    (departures.emails, "queue"),
    (departures.giving_up, "give_up"),
    (departures.giving_up, "_cancel"),
    (refunds_at_stripe, "_ask"),
    (refunds_at_stripe, "take_in_refund"),
]
# Her place ends, her money is claimed, a letter waits; then Stripe is asked, answers, and what
# follows from a refund follows. The payment page of whoever is paying takes two.
STEP_COUNT = 3 * (3 + 3) + 2


def stop_at(step: int, patched) -> list[str]:
    """End the process before the ``step``-th of ``STEPS``; what was done is counted."""
    done: list[str] = []

    def counted(name: str, function: Callable) -> Callable:
        @wraps(function)
        def run(*args, **kwargs):
            done.append(name)
            if len(done) == step:
                raise Stopped
            return function(*args, **kwargs)

        return run

    for module, name in STEPS:
        patched.setattr(module, name, counted(name, getattr(module, name)))
    return done


def cancel_to_the_end(quarter: Quarter, staff) -> None:
    cancel(quarter, staff)
    call_command("send_refunds", verbosity=0)


@pytest.mark.parametrize("step", range(1, STEP_COUNT + 1))
def test_stopped_before_any_step_and_run_again_it_ends_the_same(
    three, at_the_page, staff, quarter, queued, monkeypatch, step
):
    with monkeypatch.context() as patched:
        stop_at(step, patched)
        with pytest.raises(Stopped):
            cancel_to_the_end(quarter, staff)

    for _ in range(2):
        call_command("finish_cancellations", verbosity=0)
        call_command("send_refunds", verbosity=0)

    assert [order.refreshed().state for order in three] == ["refunded"] * 3
    assert [given_back(order) for order in three] == [[60_000]] * 3
    assert Refund.objects.count() == 3
    assert LedgerEntry.objects.filter(detail="quarter_cancelled").count() == 3
    assert at_the_page.refreshed().state in checkout.OVER
    assert departures.progress(quarter) == departures.Progress(
        waiting=0, money_on_its_way=0, done=4, needs_a_person=0
    )
    assert discrepancies(timezone.now()) == []


def test_control_the_steps_are_all_there_are(
    three, at_the_page, staff, quarter, queued, monkeypatch
):
    with monkeypatch.context() as patched:
        done = stop_at(0, patched)
        cancel_to_the_end(quarter, staff)

    assert len(done) == STEP_COUNT


def test_stopped_before_it_is_marked_nothing_has_happened(three, staff, quarter, monkeypatch):
    before = everything()

    def stop(_quarter: Quarter) -> int:
        raise Stopped

    monkeypatch.setattr(waitlist, "close_list", stop)
    with pytest.raises(Stopped):
        cancel(quarter, staff)

    assert (fresh(quarter).state, everything()) == ("open", before)


def test_the_tick_goes_on_with_it(three, staff, quarter, queued):
    Quarter.objects.filter(pk=quarter.pk).update(state="cancelled")

    call_command("tick", verbosity=0)

    assert [order.refreshed().state for order in three] == ["refunded"] * 3


# --- what needs a person --------------------------------------------------------------------


def test_while_stripe_takes_no_refund_the_money_is_claimed_and_follows(
    three, staff, quarter, standin
):
    standin.fault("refuse", path="POST /v1/refunds", count=6)

    cancel(quarter, staff)

    assert departures.progress(quarter).money_on_its_way == 3
    refunds_at_stripe.send_waiting_refunds(now=timezone.now())
    assert departures.progress(quarter) == departures.Progress(
        waiting=0, money_on_its_way=0, done=3, needs_a_person=0
    )


def test_disputed_money_is_left_to_staff(three, staff, quarter, standin):
    intent = three[0].order.payments.get().payment_intent_id
    standin.dispute(intent)
    [view] = stripe_gateway.list_disputes(intent)
    disputes.take_in_dispute(view, now=timezone.now())

    cancel(quarter, staff)

    assert Refund.objects.filter(order=three[0].order).count() == 0
    assert three[0].refreshed().attention == Order.Attention.DISPUTED
    assert place_of(three[0].order).state == "refunded"
    assert departures.progress(quarter).needs_a_person == 1
    letter = next(m for m in mail.outbox if m.to == ["ann@example.org"] and m.subject == SUBJECT)
    assert "goes back" not in letter.body


def test_money_that_nobody_gives_back_is_not_called_done(three, staff, quarter):
    """A dispute that was won, say: nothing asks for a person any more."""
    cancel(quarter, staff)
    Refund.objects.filter(order=three[0].order).update(state="failed")
    Order.objects.update(attention="")

    found = departures.progress(quarter)

    assert (found.done, found.needs_a_person) == (2, 1)


def test_what_the_dashboard_gave_back_unexplained_stops_nobody_else(standin, three, staff, quarter):
    first = three[0].order
    OrderLine.objects.create(
        order=first, bundle=bundle(), discreet_name="Lessons", unit_price_cents=0, paid_cents=0
    )
    intent = first.payments.get().payment_intent_id
    standin.refund(intent, amount=10_000)
    refunds_at_stripe.mirror_payment(first.payments.get(), now=timezone.now())

    cancel(quarter, staff)

    assert three[0].refreshed().attention == Order.Attention.REFUND_UNCLEAR
    assert given_back(three[0]) == [10_000]
    assert [given_back(order) for order in three[1:]] == [[60_000]] * 2
    assert departures.progress(quarter).needs_a_person == 1


@pytest.mark.parametrize("count", [1, 3])
def test_progress_costs_three_queries(standin, quarter, staff, count, django_assert_num_queries):
    for name in NAMES[:count]:
        buys(standin, quarter, name)
    cancel(quarter, staff)

    with django_assert_num_queries(3):
        found = departures.progress(quarter)

    assert found.done == count
