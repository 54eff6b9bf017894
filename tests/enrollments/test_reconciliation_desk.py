"""The desk on which our books are compared with Stripe's."""

from __future__ import annotations

import pytest
from django.utils import timezone

from enrollments.models import Enrollment, Order, Reconciliation
from enrollments.operations.fulfilment import fulfil
from tests.enrollments.desk_cast import (
    address,
    browser_of,
    make_person,
    make_staff,
    outcome,
)

PAGE = "reconciliation"


def make_run(**changes) -> Reconciliation:
    return Reconciliation.objects.create(
        **{"started_at": timezone.now(), "finished_at": timezone.now()} | changes
    )


@pytest.mark.parametrize(
    ("role", "seen"),
    [("owner", "page"), ("staff", "denied"), ("member", "404"), ("visitor", "sign in")],
)
def test_runs_are_for_staff_who_may_look(db, role, seen):
    run = make_run()
    client = browser_of(make_person(role))

    pages = [address(PAGE), address(PAGE, "inspect", run.pk), address(PAGE, "create")]

    assert [outcome(client.get(page)) for page in pages] == [seen] * 3


def test_whoever_may_only_look_cannot_start_a_run(standin, db):
    client = browser_of(make_staff("looks@example.org", "view_reconciliation"))

    answers = [outcome(client.get(address(PAGE))), outcome(client.post(address(PAGE, "create")))]

    assert answers == ["page", "denied"]
    assert Reconciliation.objects.count() == 0


def test_asking_alone_starts_nothing(standin, db):
    client = browser_of(make_person("owner"))

    client.get(address(PAGE, "create"))

    assert Reconciliation.objects.count() == 0


def test_a_run_by_hand_catches_up_and_says_who_started_it(standin, held_order):
    owner = make_person("owner")
    standin.pay(held_order.url)
    held_order.order.attempts.update(created_at="2026-01-01T00:00:00Z")

    answer = browser_of(owner).post(address(PAGE, "create"), follow=True)

    assert Reconciliation.objects.get().by == owner
    assert "Everything balances" in answer.content.decode()
    assert held_order.refreshed().state == Order.State.PAID


def test_what_does_not_balance_leads_to_its_order(standin, held_order):
    standin.pay(held_order.url)
    order = fulfil(held_order.session_id, now=timezone.now())
    Enrollment.objects.update(state="released")

    answer = browser_of(make_person("owner")).post(address(PAGE, "create"), follow=True)

    text = answer.content.decode()
    assert "1 thing to look at" in text
    assert "Paid, but without a place and without a refund" in text
    assert address("order", "inspect", order.pk) in answer.content.decode()


def test_when_stripe_cannot_be_asked_it_says_so(standin, db):
    standin.fault("refuse", count=2)

    answer = browser_of(make_person("owner")).post(address(PAGE, "create"), follow=True)

    assert "Stripe could not be asked" in answer.content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_however_long_it_is(db, count, django_assert_num_queries):
    owner = make_person("owner")
    for _ in range(count):
        make_run(by=owner, findings=["oversold 1"])
    client = browser_of(owner)
    client.get(address(PAGE))

    with django_assert_num_queries(10):
        client.get(address(PAGE))
