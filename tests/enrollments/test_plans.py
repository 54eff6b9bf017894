"""Payment plans: as many instalments as were agreed, never one more, whatever goes wrong."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from enrollments.models import Instalment, Order, Payment, PaymentPlan, Refund
from enrollments.operations import plans
from enrollments.operations.books import discrepancies
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.wishes import Wishes
from enrollments.stripe_gateway import get_plan
from tests.enrollments.plan_stage import (
    MONTH,
    MONTHLY,
    amounts,
    as_told,
    begin_plan,
    hear,
    letters,
    place_order,
    settle,
)
from tests.factories.enrollments import bundle, make_price, make_quarter
from tests.stripe_fixtures import waiting

State, Attention = PaymentPlan.State, Order.Attention


@pytest.fixture
def quarter(loaded_site):
    """A quarter for $600, or three payments of $210."""
    return make_quarter(instalment_count=3, instalment_cents=21_000)


@pytest.fixture
def plan(standin, quarter):
    """Ann has paid the first of three instalments."""
    return begin_plan(standin, quarter)


# --- as agreed ----------------------------------------------------------------------------------


def test_the_first_instalment_opens_everything_and_the_end_is_set(plan):
    order = plan.order

    assert (order.state, plan.place.state, plan.row.state) == ("paid", "enrolled", State.ACTIVE)
    assert (amounts(), plan.paid_cents) == ([21_000], 21_000)
    assert get_plan(plan.row.subscription_id).months == 3
    assert letters() == ["Your receipt"]


def test_three_instalments_are_three_payments_and_nothing_in_the_fourth_month(plan, standin):
    for _ in range(5):
        plan.months_pass()
        settle()

    assert amounts() == [21_000, 21_000, 21_000]
    assert [i.number for i in Instalment.objects.all()] == [1, 2, 3]
    assert (plan.row.state, plan.paid_cents) == (State.FINISHED, 63_000)
    assert len(standin.invoices()) == 3
    assert plan.row.subscription_ended_at is not None
    assert plan.order.attention == Attention.NONE
    assert letters() == ["Your receipt", "That was your last payment"]
    assert discrepancies(timezone.now()) == []


def test_the_schedule_alone_ends_it_while_the_site_hears_nothing(plan, standin):
    standin.advance(days=MONTH * 6)

    assert len(standin.invoices()) == 3
    assert plan.subscription()["status"] == "canceled"


def test_what_was_told_late_is_caught_up_with_at_once(plan, standin):
    standin.advance(days=MONTH * 6)

    plan.hear()

    assert (plan.row.state, amounts()) == (State.FINISHED, [21_000] * 3)
    assert plan.order.paused_for == ""
    assert letters() == ["Your receipt", "That was your last payment"]


def test_events_may_come_twice_and_in_any_order(plan, standin):
    standin.advance(days=MONTH * 4)
    events = plan.news() * 2
    random.Random(7).shuffle(events)

    hear(events)

    assert (plan.row.state, amounts()) == (State.FINISHED, [21_000] * 3)
    assert plan.paid_cents == 63_000
    assert letters() == ["Your receipt", "That was your last payment"]
    assert Refund.objects.count() == 0


def test_a_bundle_bought_with_it_is_paid_once_and_is_no_part_of_the_instalment(standin, quarter):
    make_price()
    wishes = Wishes(bundle_ids=[bundle().pk], paying=MONTHLY.paying)
    page = waiting(place_order(quarter, wishes=wishes))
    standin.pay(page.url)

    order = fulfil(page.session_id, now=timezone.now())

    assert amounts() == [50_700]
    assert Instalment.objects.get().amount_cents == 21_000
    assert sorted(line.paid_cents for line in order.lines.all()) == [21_000, 29_700]
    assert discrepancies(timezone.now()) == []


def test_the_plan_of_somebody_else_is_not_ours(standin, db, stripe_sdk):
    price = {
        "currency": "usd",
        "unit_amount": 900,
        "recurring": {"interval": "month"},
        "product_data": {"name": "Something"},
    }
    session = stripe_sdk.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "success_url": "https://elsewhere.example/",
            "line_items": [{"quantity": 1, "price_data": price}],
        }
    )
    standin.pay(session.url)
    told = [as_told(event) for event in standin.events()]

    hear(event for event in told if event.type.startswith(("invoice", "customer")))
    plans.check_plans(now=timezone.now() + timedelta(days=1))

    assert Payment.objects.count() == 0
    assert standin.subscriptions()[0]["status"] == "active"


# --- its end ------------------------------------------------------------------------------------


def begin_without_end(standin, quarter, *faults):
    """Ann has paid the first instalment, and the site died before the end was set."""
    for fault in faults:
        standin.fault(*fault, count=2)
    return begin_plan(standin, quarter)


@pytest.mark.parametrize(
    "fault",
    [
        ("refuse", "GET /v1/subscriptions"),
        ("refuse", "POST /v1/subscription_schedules"),
        ("lost", "POST /v1/subscription_schedules"),
        ("500", "POST /v1/subscription_schedules"),
        ("429", "POST /v1/subscription_schedules"),
        ("refuse", "POST /v1/subscription_schedules/"),
        ("lost", "POST /v1/subscription_schedules/"),
        ("500", "POST /v1/subscription_schedules/"),
    ],
    ids=" ".join,
)
def test_killed_at_any_step_the_next_run_sets_the_end(standin, quarter, fault):
    plan = begin_without_end(standin, quarter, fault)
    assert (plan.row.state, plan.row.schedule_id) == (State.UNSCHEDULED, "")
    assert PaymentPlan.objects.without_end().count() == 1

    settle()
    settle()

    assert (plan.row.state, get_plan(plan.row.subscription_id).months) == (State.ACTIVE, 3)
    assert len(standin.schedules()) == 1
    assert settle() == 0


def test_a_saved_failure_gets_a_key_of_its_own(standin, quarter):
    plan = begin_without_end(standin, quarter, ("500", "POST /v1/subscription_schedules"))

    settle()

    sent = [r for r in standin.requests("/v1/subscription_schedules") if r["method"] == "POST"]
    headers = [{k.lower(): v for k, v in request["headers"].items()} for request in sent]
    assert {header["idempotency-key"] for header in headers} == {
        f"schedule:{plan.order.uuid}",
        f"schedule:{plan.order.uuid}:2",
    }


def test_an_end_that_is_set_late_is_still_after_the_last_instalment(standin, quarter):
    plan = begin_without_end(standin, quarter, ("refuse", "GET /v1/subscriptions"))
    standin.advance(days=MONTH)

    settle()
    standin.advance(days=MONTH * 5)

    assert len(standin.invoices()) == 3
    assert plan.subscription()["status"] == "canceled"


def test_an_end_that_comes_too_late_is_now(standin, quarter):
    plan = begin_without_end(standin, quarter, ("refuse", "GET /v1/subscriptions"))
    standin.advance(days=MONTH * 3)
    assert len(standin.invoices()) == 4

    settle()
    settle()
    standin.advance(days=MONTH * 5)

    assert len(standin.invoices()) == 4
    assert plan.row.state == State.FINISHED
    assert [(r.reason, r.state) for r in Refund.objects.all()] == [
        (Refund.Reason.TOO_MANY_INSTALMENTS, Refund.State.SUCCEEDED)
    ]


def test_without_a_schedule_our_own_count_ends_it(standin, quarter, stripe_sdk):
    plan = begin_plan(standin, quarter)
    stripe_sdk.v1.subscription_schedules.release(plan.row.schedule_id)

    standin.advance(days=MONTH * 2)
    hear(event for event in plan.news() if event.type == "invoice.paid")
    assert plan.row.state == State.FINISHED
    settle()
    standin.advance(days=MONTH * 3)

    assert (len(standin.invoices()), plan.subscription()["status"]) == (3, "canceled")


def test_an_end_that_was_taken_away_is_set_again(plan, stripe_sdk):
    plan.hear()
    stripe_sdk.v1.subscription_schedules.release(plan.row.schedule_id)
    plan.hear()
    assert (plan.row.state, plan.row.schedule_id) == (State.UNSCHEDULED, "")

    settle()

    assert (plan.row.state, get_plan(plan.row.subscription_id).months) == (State.ACTIVE, 3)


def test_an_end_that_was_switched_off_is_switched_on_again(plan, stripe_sdk):
    stripe_sdk.v1.subscription_schedules.update(plan.row.schedule_id, {"end_behavior": "release"})
    plan.hear()
    assert plan.row.state == State.UNSCHEDULED

    settle()

    assert (plan.row.state, get_plan(plan.row.subscription_id).months) == (State.ACTIVE, 3)


def test_an_end_that_is_too_late_and_cannot_be_moved_alarms_staff(standin, quarter, stripe_sdk):
    plan = begin_without_end(standin, quarter, ("refuse", "POST /v1/subscription_schedules"))
    began = datetime.fromtimestamp(plan.subscription()["start_date"], tz=UTC)
    months = began.year * 12 + began.month - 1 + 5
    too_late = began.replace(year=months // 12, month=months % 12 + 1)
    stripe_sdk.v1.subscriptions.update(
        plan.row.subscription_id, {"cancel_at": int(too_late.timestamp())}
    )

    assert settle() == 0

    assert plan.order.attention == Attention.PLAN_TROUBLE
    assert PaymentPlan.objects.without_end().count() == 1


def test_an_end_that_is_too_early_alarms_staff(standin, quarter, stripe_sdk):
    plan = begin_without_end(standin, quarter, ("refuse", "POST /v1/subscription_schedules"))
    stripe_sdk.v1.subscriptions.update(plan.row.subscription_id, {"cancel_at_period_end": True})

    settle()

    assert plan.order.attention == Attention.PLAN_TROUBLE
    assert plan.place.state == "enrolled"


def test_the_hourly_run_finds_what_no_event_told(plan, stripe_sdk, standin):
    standin.advance(days=MONTH)
    stripe_sdk.v1.subscription_schedules.release(plan.row.schedule_id)

    call_command("reconcile")
    settle()

    assert amounts() == [21_000, 21_000]
    assert get_plan(plan.row.subscription_id).months == 3


def test_the_command_does_what_is_due(standin, quarter, capsys):
    plan = begin_without_end(standin, quarter, ("refuse", "GET /v1/subscriptions"))

    call_command("settle_plans")
    call_command("settle_plans")

    assert capsys.readouterr().out == "plans settled: 1\n"
    assert plan.row.state == State.ACTIVE
