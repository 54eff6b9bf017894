"""Instalments, told by many callers at the same moment, on a real PostgreSQL: each counts once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from django.db import DatabaseError, connection
from django.test import Client
from django.utils import timezone

from enrollments.models import LedgerEntry, Payment, Refund
from enrollments.operations import plans
from tests.enrollments.events import deliver, event_body
from tests.enrollments.plan_stage import MONTH, Plan, begin_plan
from tests.factories.enrollments import make_quarter
from tests.postgres.crowd import at_once

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="rows are locked on PostgreSQL"),
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]


@pytest.fixture
def plan(standin, loaded_site) -> Plan:
    """Ann has paid the first of three instalments of $210."""
    return begin_plan(standin, make_quarter(instalment_count=3, instalment_cents=21_000))


def told(invoice_id: str, number: int) -> Callable[[], int]:
    """Stripe's delivery of an event of its own about an invoice."""
    about = {"object": {"id": invoice_id, "object": "invoice"}}
    body = event_body(id=f"evt_{invoice_id}_{number}", type="invoice.paid", data=about)
    return lambda: deliver(Client(), body).status_code


def job_about(plan: Plan) -> Callable[[], int]:
    """What runs every hour; 500 when it failed."""
    plan_id = plan.row.pk

    def job() -> int:
        try:
            plans.bring_up_to_date(plan_id=plan_id, now=timezone.now())
        except DatabaseError:
            return 500
        return 200

    return job


def test_many_callers_at_once_record_each_instalment_once(plan, standin):
    standin.advance(days=MONTH * 4)
    events = [told(i["id"], number) for i in standin.invoices() for number in range(5)]

    statuses = at_once([*events, *[job_about(plan)] * 5])

    assert statuses == Counter({200: 20})
    assert (Payment.objects.count(), plan.paid_cents, plan.row.state) == (3, 63_000, "finished")
    assert LedgerEntry.objects.filter(detail="plan_finished").count() == 1
    assert Refund.objects.count() == 0


def test_one_too_many_goes_back_once_however_many_tell_of_it(plan, standin, stripe_sdk):
    stripe_sdk.v1.subscription_schedules.release(plan.row.schedule_id)
    standin.advance(days=MONTH * 3)
    events = [told(i["id"], number) for i in standin.invoices() for number in range(4)]

    statuses = at_once([*events, *[job_about(plan)] * 4])

    assert statuses == Counter({200: 20})
    assert (Payment.objects.count(), plan.row.instalments.count()) == (4, 3)
    assert [refund.amount_cents for refund in Refund.objects.all()] == [21_000]
