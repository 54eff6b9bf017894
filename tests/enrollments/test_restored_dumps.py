"""After an older dump is restored: every payment has its order or its refund, none twice."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core import serializers
from django.core.management import call_command
from django.utils import timezone

from enrollments import stripe_gateway
from enrollments.desks.order_page import WHAT_TO_DO
from enrollments.models import (
    CheckoutAttempt,
    Enrollment,
    Installation,
    LedgerEntry,
    Order,
    OrderLine,
    Payment,
    Reconciliation,
    Refund,
    StripeEvent,
)
from enrollments.operations import checkout, refunds_at_stripe
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.reconcile import reconcile
from enrollments.operations.wishes import Paying, Wishes
from tests.enrollments.buyers import buys, orders
from tests.enrollments.desk_cast import address, text_of
from tests.enrollments.events import deliver, event_body
from tests.factories.enrollments import make_buyer, make_quarter
from tests.stripe_fixtures import WaitingOrder, waiting

pytestmark = pytest.mark.django_db

LATER = timedelta(minutes=3)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
# In the order in which rows may be deleted.
SOLD = (
    StripeEvent,
    LedgerEntry,
    Refund,
    Payment,
    Enrollment,
    OrderLine,
    CheckoutAttempt,
    Order,
    Reconciliation,
)


def run(**changes) -> Reconciliation:
    return reconcile(**{"now": timezone.now() + LATER} | changes)


class Dump:
    """What our books held at one moment, to be put back later."""

    def __init__(self) -> None:
        rows = [row for model in reversed(SOLD) for row in model.objects.all()]
        # Enrollments name the members and lines of orders, so those come first.
        self.text = serializers.serialize("json", rows)

    def restore(self) -> None:
        for model in SOLD:
            model.objects.all().delete()
        for row in serializers.deserialize("json", self.text):
            row.save()


@pytest.fixture
def silent(standin):
    """Whatever Stripe would tell us goes nowhere."""
    standin.drop_webhooks()


@pytest.fixture
def lost(standin, quarter, silent) -> WaitingOrder:
    """Rose paid after the dump that was restored."""
    Installation.own_code()
    dump = Dump()
    rose = buys(standin, quarter, "rose")
    dump.restore()
    return rose


def findings(run: Reconciliation) -> set[str]:
    return {finding.split()[0] for finding in run.findings}


def books() -> dict[str, object]:
    """What a second run must leave alone."""
    return {
        "orders": list(Order.objects.order_by("pk").values("uuid", "state", "attention")),
        "payments": list(Payment.objects.order_by("pk").values("payment_intent_id", "order")),
        "refunds": list(Refund.objects.order_by("pk").values("stripe_id", "state")),
        "attempts": CheckoutAttempt.objects.count(),
    }


def test_after_a_restore_every_payment_has_its_order_or_its_refund_and_none_twice(
    standin, silent, loaded_site
):
    quarter, other = make_quarter(capacity=3), make_quarter()
    before = buys(standin, quarter, "ann")
    at_the_page = orders(quarter, "may")
    dump = Dump()
    standin.pay(at_the_page.url)
    fulfil(at_the_page.session_id, now=timezone.now())
    after = [buys(standin, quarter, "rose"), *[buys(standin, other, n) for n in ("zoe", "ida")]]
    given_back = after[-1].order.payments.get().payment_intent_id
    standin.refund(given_back)
    refunds_at_stripe.send_waiting_refunds(now=timezone.now())
    dump.restore()
    sold_again = buys(standin, quarter, "eve")

    found = run()
    first = books()
    again = run()

    charged = {charge.payment_intent_id for charge in stripe_gateway.list_charges(LONG_AGO)}
    assert len(charged) == 6
    recorded = Payment.objects.values_list("payment_intent_id", flat=True)
    assert sorted(recorded) == sorted(charged)
    states = dict(Order.objects.values_list("email", "state"))
    assert {
        email: states[f"{email}@example.org"] for email in ("ann", "may", "eve")
    } == dict.fromkeys(("ann", "may", "eve"), "paid")
    restored = Order.objects.filter(attention="restored")
    assert {order.uuid for order in restored} == {each.order.uuid for each in after}
    assert Refund.objects.get().payment.payment_intent_id == given_back
    assert found.findings == [f"payment_had_no_order {each.order.uuid}" for each in reversed(after)]
    assert quarter.enrollments.occupying().count() == 3
    assert (books(), again.findings) == (first, [])
    assert before.refreshed().state == sold_again.refreshed().state == "paid"


def test_what_nobody_knows_of_is_said_to_be_missing_and_waits_for_a_person(lost, caplog):
    found = run()

    order = Order.objects.get()
    assert (order.uuid, order.state, order.attention) == (lost.order.uuid, "review", "restored")
    assert (order.email, order.chosen_name) == ("rose@example.org", "")
    assert order.payments.get().amount_cents == 60_000
    assert found.findings == [f"payment_had_no_order {order.uuid}"]
    assert f"order {order.uuid} needs a person: restored" in caplog.text
    assert "rose@example.org" not in caplog.text


def test_a_webhook_makes_no_order_of_it(lost, client):
    body = event_body(lost_session(lost))

    answer = deliver(client, body)

    assert answer.status_code == 200
    assert not Order.objects.exists()
    assert StripeEvent.objects.get().outcome == StripeEvent.Outcome.NOT_OURS


def lost_session(lost: WaitingOrder) -> str:
    """The session of an order that our books have forgotten."""
    return next(
        each.session_id
        for each in stripe_gateway.list_completed_checkouts(LONG_AGO)
        if each.order_reference == str(lost.order.uuid)
    )


def test_a_late_webhook_finds_the_order_that_was_made_and_changes_nothing(lost, client):
    run()
    before = books()

    assert deliver(client, event_body(lost_session(lost))).status_code == 200

    assert books() == before


def test_a_payment_of_another_installation_is_nothing_of_ours(lost, settings):
    Installation.renew_code()
    settings.BASE_URL = "https://copy.example"

    found = run()

    assert (found.findings, Order.objects.count()) == ([], 0)


def test_a_payment_that_leads_here_without_our_code_is_told_and_becomes_no_order(
    lost, settings, caplog
):
    Installation.renew_code()
    settings.BASE_URL = "http://testserver"

    found, again = run(), run()

    assert found.findings == again.findings == [f"payment_without_order {lost_session(lost)}"]
    assert not Order.objects.exists()
    assert "the books do not balance: payment_without_order" in caplog.text


def test_a_charge_that_is_in_no_payment_is_told(standin, paid, silent):
    intent = paid.payments.get().payment_intent_id
    Payment.objects.all().delete()

    found = run()

    assert f"charge_without_payment {intent}" in found.findings


def test_a_charge_of_this_moment_is_left_alone(standin, paid, silent):
    Payment.objects.all().delete()

    assert "charge_without_payment" not in findings(run(now=timezone.now()))


def test_what_was_paid_long_ago_is_found_from_that_day_on(lost, capsys):
    later = timezone.now() + timedelta(days=40)

    assert run(now=later).findings == []
    call_command("reconcile", since=timezone.now() - timedelta(days=1))

    assert "payment_had_no_order" in capsys.readouterr().out


def test_the_day_is_typed_as_a_date(lost, capsys):
    call_command("reconcile", "--since", "2026-11-01")

    assert "payment_had_no_order" in capsys.readouterr().out


def test_money_that_is_still_on_its_way_is_told_and_becomes_an_order_when_it_has_come(
    standin, quarter, silent
):
    dump = Dump()
    rose = orders(quarter, "rose")
    standin.pay_by_bank(rose.url)
    session_id = rose.session_id
    dump.restore()

    under_way = run()
    standin.settle(session_id)
    come = run()

    assert findings(under_way) == {"payment_without_order"}
    assert findings(come) == {"payment_had_no_order"}


def test_an_order_whose_second_page_is_missing_is_paid_by_it(standin, quarter, silent):
    order = checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now())
    dump = Dump()
    ann = waiting(order)
    standin.pay(ann.url)
    dump.restore()
    CheckoutAttempt.objects.update(number=7)

    run()

    assert ann.refreshed().state == Order.State.PAID
    assert Payment.objects.count() == 1


def test_a_plan_that_nobody_knows_of_takes_nothing_more(standin, silent, loaded_site):
    monthly = make_quarter(instalment_count=3, instalment_cents=21_000)
    dump = Dump()
    order = checkout.enroll(
        quarter_id=monthly.pk,
        buyer=make_buyer(),
        wishes=Wishes(paying=Paying.MONTHLY),
        now=timezone.now(),
    )
    ann = waiting(order)
    standin.pay(ann.url)
    dump.restore()

    run()
    run(now=timezone.now() + 2 * LATER)

    order = Order.objects.get()
    assert (order.attention, order.payments.get().amount_cents) == ("restored", 21_000)
    assert stripe_gateway.list_running_plans() == []


def test_its_page_in_the_admin_says_what_to_do_and_gives_the_money_back(lost, staff_client):
    run()
    order = Order.objects.get()

    text = text_of(staff_client, address("order", "inspect", order.pk))

    assert WHAT_TO_DO[Order.Attention.RESTORED][:60] in text


def test_the_code_of_an_installation_stays_and_a_copy_gets_another(db, capsys):
    own = Installation.own_code()
    assert Installation.own_code() == own
    assert str(uuid.UUID(own)) == own

    call_command("new_installation_code")

    assert Installation.own_code() != own
    assert Installation.own_code() in capsys.readouterr().out
    assert Installation.objects.count() == 1
