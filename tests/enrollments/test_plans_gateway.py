"""What is sent to Stripe about plans: the fields on the list, in the shape of its contract."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
import stripe

from core.discretion import leak_words_in
from enrollments import stripe_gateway
from enrollments.models import PaymentPlan
from enrollments.operations import plans
from enrollments.stripe_gateway import months_between
from enrollments.stripe_gateway.plans import subscription_of
from tests.enrollments.plan_stage import begin_plan
from tests.factories.enrollments import make_quarter
from tests.sent_to_stripe import ALLOWED_FIELDS, leaves

RETURN_URL = "https://practice.example/orders/plan/x/"


@pytest.fixture
def plan(standin, loaded_site):
    """Ann has paid the first of three instalments of $210."""
    return begin_plan(standin, make_quarter(instalment_count=3, instalment_cents=21_000))


def sent(standin, path: str) -> list[dict]:
    """The bodies that were posted to ``path``; the stand-in has checked each by the contract."""
    return [r["body"] for r in standin.requests() if r["method"] == "POST" and r["path"] == path]


def test_the_schedule_is_made_from_the_subscription_and_nothing_else(plan, standin):
    [body] = sent(standin, "/v1/subscription_schedules")

    assert body == {"from_subscription": plan.row.subscription_id}


def test_its_end_is_set_after_the_agreed_number_of_months(plan, standin):
    [body] = sent(standin, f"/v1/subscription_schedules/{plan.row.schedule_id}")
    subscription = plan.subscription()
    price = subscription["items"]["data"][0]["price"]["id"]

    assert body == {
        "end_behavior": "cancel",
        "phases": {
            "0": {
                "items": {"0": {"price": price, "quantity": "1"}},
                "start_date": str(subscription["start_date"]),
                "duration": {"interval": "month", "interval_count": "3"},
            }
        },
    }


def test_only_the_fields_on_the_list_are_sent_and_none_tells_anything(settings):
    settings.STRIPE_PORTAL_CONFIGURATION = "bpc_1"
    schedule = stripe_gateway.ScheduleView(
        schedule_id="sub_sched_1",
        ends_it=False,
        starts_at=datetime(2026, 11, 23, tzinfo=UTC),
        ends_at=datetime(2026, 12, 23, tzinfo=UTC),
        prices=(("price_1", 1),),
    )

    bodies = [
        stripe_gateway.schedule_params("sub_1"),
        stripe_gateway.schedule_end_params(schedule, months=3),
        stripe_gateway.portal_params("cus_1", return_url=RETURN_URL),
    ]

    fields = [{path for path, _ in leaves(body)} for body in bodies]
    assert fields == [
        ALLOWED_FIELDS["/v1/subscription_schedules"],
        ALLOWED_FIELDS["/v1/subscription_schedules/{id}"],
        ALLOWED_FIELDS["/v1/billing_portal/sessions"],
    ]
    assert leak_words_in(json.dumps(bodies)) == []
    values = [value for body in bodies for _, value in leaves(body)]
    assert [value for value in values if isinstance(value, float)] == []


def test_the_keys_are_the_orders_own(plan, standin):
    schedules = [r for r in standin.requests() if r["path"].startswith("/v1/subscription_sch")]
    posts = [request for request in schedules if request["method"] == "POST"]

    keys = [{k.lower(): v for k, v in r["headers"].items()}["idempotency-key"] for r in posts]

    assert keys == [f"schedule:{plan.order.uuid}", f"schedule-end:{plan.order.uuid}"]


def test_the_portal_is_opened_with_the_pinned_configuration(plan, standin, stripe_sdk, settings):
    made = stripe_sdk.v1.billing_portal.configurations.create(
        {"features": {"payment_method_update": {"enabled": True}}}
    )
    settings.STRIPE_PORTAL_CONFIGURATION = made.id

    url = plans.portal_page(plan.row, return_url=RETURN_URL)

    assert url.startswith(standin.base_url)
    assert sent(standin, "/v1/billing_portal/sessions") == [
        {"customer": plan.row.customer_id, "return_url": RETURN_URL, "configuration": made.id}
    ]


@pytest.mark.parametrize("mode", ["test", "live"])
def test_outside_development_there_is_no_portal_without_its_configuration(settings, mode):
    settings.STRIPE_MODE, settings.STRIPE_PORTAL_CONFIGURATION = mode, ""

    with pytest.raises(stripe_gateway.GatewayMisconfigured):
        stripe_gateway.portal_params("cus_1", return_url=RETURN_URL)


def test_every_page_of_the_portal_is_a_new_one(plan):
    pages = {plans.portal_page(plan.row, return_url=RETURN_URL) for _ in range(2)}

    assert len(pages) == 2


def test_a_plan_that_is_over_already_is_cancelled_again_without_complaint(plan):
    stripe_gateway.cancel_plan(plan.row.subscription_id)

    stripe_gateway.cancel_plan(plan.row.subscription_id)

    assert stripe_gateway.get_plan(plan.row.subscription_id).is_over


def test_what_stripe_never_knew_is_not_over(standin):
    with pytest.raises(stripe_gateway.NoSuchObject):
        stripe_gateway.cancel_plan("sub_none")


def test_an_invoice_and_a_schedule_lead_to_their_plan(plan, standin):
    row = plan.row
    by_invoice = stripe_gateway.get_plan_of_invoice(standin.invoices()[0]["id"])
    by_schedule = stripe_gateway.get_plan_of_schedule(row.schedule_id)

    assert by_invoice == by_schedule == stripe_gateway.get_plan(row.subscription_id)
    assert by_invoice.order_reference == str(plan.order.uuid)


def test_a_schedule_that_let_go_still_leads_to_its_plan(plan, stripe_sdk):
    schedule_id = plan.row.schedule_id
    stripe_sdk.v1.subscription_schedules.release(schedule_id)

    view = stripe_gateway.get_plan_of_schedule(schedule_id)

    assert (view.subscription_id, view.months) == (plan.row.subscription_id, None)


@pytest.mark.parametrize(
    "about",
    [
        stripe.Invoice.construct_from({"id": "in_1", "parent": None}, "sk"),
        stripe.Invoice.construct_from(
            {"id": "in_1", "parent": {"subscription_details": None}}, "sk"
        ),
        stripe.SubscriptionSchedule.construct_from(
            {"id": "sub_sched_1", "subscription": None, "released_subscription": None}, "sk"
        ),
    ],
    ids=["an invoice by hand", "an invoice of a quote", "a schedule that has not begun"],
)
def test_what_belongs_to_no_subscription_is_nothing_of_ours(about):
    with pytest.raises(stripe_gateway.NoSuchObject):
        subscription_of(about)


def test_every_running_subscription_is_found_however_many_pages_they_fill(
    plan, standin, monkeypatch
):
    quarter = make_quarter(instalment_count=2, instalment_cents=10_000)
    other = begin_plan(standin, quarter, email="rose@example.org")
    monkeypatch.setattr(stripe_gateway.plans, "MOST_AT_ONCE", 1)

    found = stripe_gateway.list_running_plans()

    assert {view.subscription_id: view.months for view in found} == {
        plan.row.subscription_id: 3,
        other.row.subscription_id: 2,
    }


@pytest.mark.parametrize(
    ("start", "end", "months"),
    [
        ((2026, 11, 23), (2027, 2, 23), 3),
        ((2027, 1, 31), (2027, 2, 28), 1),
        ((2027, 1, 31), (2027, 3, 31), 2),
        ((2026, 12, 31), (2027, 12, 31), 12),
    ],
)
def test_months_are_counted_by_the_calendar(start, end, months):
    counted = months_between(datetime(*start, tzinfo=UTC), datetime(*end, tzinfo=UTC))

    assert counted == months


def test_the_money_of_a_plan_is_found_by_its_invoice(plan):
    [invoice] = stripe_gateway.get_plan(plan.row.subscription_id).invoices

    assert invoice.is_paid
    assert invoice.payment_intent_id == plan.order.payments.get().payment_intent_id
    assert invoice.amount_paid_cents == 21_000
    assert PaymentPlan.objects.get().instalments.get().invoice_id == invoice.invoice_id
