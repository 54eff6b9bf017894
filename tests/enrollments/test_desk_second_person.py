"""Refunds that wait for a person: for her word, for what they were for, for any reason at all."""

from __future__ import annotations

import pytest

from enrollments.models import BundleAccess, LedgerEntry, MoneySettings, Order, Payment, Refund
from tests.enrollments.desk_cast import (
    FORM_ID,
    MAY_ASK,
    MOMENT,
    address,
    answers,
    browser_of,
    make_order,
    make_refund,
    make_staff,
    mistakes,
    outcome,
    proposed,
    refund_page,
    text_of,
    with_bundle,
)
from tests.factories.enrollments import bundle, make_quarter

# --- two persons --------------------------------------------------------------------------------


@pytest.fixture
def limit(db) -> None:
    """Above $100, two persons."""
    settings = MoneySettings.load()
    settings.second_person_above_cents = 10_000
    settings.save()


def test_above_the_limit_it_is_proposed_and_a_second_person_approves(limit, paid, staff_client):
    assert "Above $100, a second person has to approve it first." in text_of(
        staff_client, refund_page(paid)
    )

    staff_client.post(refund_page(paid), answers())
    waiting = Refund.objects.get()
    second = browser_of(make_staff("second@example.org", "view_refund", "approve_refund"))
    asked = text_of(second, address("refund", "approve", waiting.pk))
    second.post(address("refund", "approve", waiting.pk))

    assert waiting.state == "proposed"
    assert "$600 for Facing Heartbreak, Winter 2027." in asked
    assert "Her place ends, and the seat goes to whoever is next." in asked
    done = Refund.objects.get()
    assert (done.state, done.approved_by.email) == ("succeeded", "second@example.org")


def test_up_to_the_limit_one_person_is_enough(limit, paid, staff_client):
    staff_client.post(refund_page(paid), answers(how_much="part", amount="100"))

    assert Refund.objects.get().state == "succeeded"


def test_nobody_approves_her_own(loaded_site, now, staff_client, owner_of_site):
    refund = proposed(make_order(make_quarter()), by=owner_of_site)

    page = text_of(staff_client, address("refund", "inspect", refund.pk))
    answer = staff_client.post(address("refund", "approve", refund.pk))

    assert "Approve" not in page.replace("Approved by", "")
    assert "A second person has to approve this refund." in answer.content.decode()
    assert Refund.objects.get().state == "proposed"


@pytest.mark.parametrize("who", ["proposer", "second"])
def test_whoever_proposed_and_whoever_may_approve_can_withdraw(loaded_site, now, who):
    proposer = make_staff("proposer@example.org", *MAY_ASK)
    second = make_staff("second@example.org", "approve_refund")
    refund = proposed(make_order(make_quarter()), by=proposer)
    client = browser_of({"proposer": proposer, "second": second}[who])

    assert "Withdraw" in text_of(client, address("refund", "inspect", refund.pk))
    client.post(address("refund", "withdraw", refund.pk))

    assert Refund.objects.get().state == "canceled"


def test_who_may_ask_cannot_withdraw_anothers(loaded_site, now):
    refund = proposed(make_order(make_quarter()), by=make_staff("proposer@example.org", *MAY_ASK))
    client = browser_of(make_staff("other@example.org", *MAY_ASK))

    answer = client.post(address("refund", "withdraw", refund.pk))

    assert outcome(answer) == "denied"
    assert Refund.objects.get().state == "proposed"


@pytest.mark.parametrize("action", ["approve", "withdraw"])
def test_what_no_longer_waits_is_left_alone(loaded_site, now, action):
    refund = make_refund(make_order(make_quarter()))
    client = browser_of(make_staff("second@example.org", "approve_refund"))

    answers_given = [
        client.get(address("refund", action, refund.pk)),
        client.post(address("refund", action, refund.pk)),
    ]

    assert "no longer waits for anybody" in answers_given[0].content.decode()
    assert Refund.objects.get().state == "succeeded"


# --- refunds of the dashboard -------------------------------------------------------------------


@pytest.fixture
def unclear(loaded_site, now) -> Refund:
    """$297 of an order with a quarter and a bundle, given back in the dashboard."""
    order = with_bundle(make_order(make_quarter()))
    Order.objects.filter(pk=order.pk).update(attention="refund_unclear")
    return make_refund(
        order, line=None, reason="in_dashboard", requested_by=None, amount_cents=29_700
    )


def test_a_refund_of_the_dashboard_is_said_to_be_of_a_line(unclear, staff_client):
    line = unclear.order.lines.last()
    BundleAccess.objects.update(revoked_at=MOMENT)
    access = BundleAccess.objects.create(
        member=unclear.order.member, bundle=bundle(), line=line, granted_at=MOMENT
    )

    page = text_of(staff_client, address("refund", "inspect", unclear.pk))
    form = text_of(staff_client, address("refund", "allot", unclear.pk))
    staff_client.post(address("refund", "allot", unclear.pk), {"line": line.pk})

    assert "Say what it was for" in page
    assert "Nothing else changes: she keeps what she has. Am I A Sex Addict?" in form
    assert "The bundle closes for her." in form
    access.refresh_from_db()
    assert Refund.objects.get().line == line
    assert access.revoked_at is not None
    assert Order.objects.get().attention == ""


@pytest.mark.parametrize("line", ["", "x", "0", "99999999999999999999999"])
def test_what_it_was_for_is_one_of_the_orders_lines(unclear, staff_client, line):
    answer = staff_client.post(address("refund", "allot", unclear.pk), {"line": line})

    assert list(mistakes(answer)) == ["line"]
    assert Refund.objects.get().line is None


def test_what_is_known_is_not_said_again(loaded_site, now, staff_client):
    refund = make_refund(make_order(make_quarter()))

    answer = staff_client.post(address("refund", "allot", refund.pk), {"line": refund.line_id})

    assert "It is known already." in answer.content.decode()
    assert LedgerEntry.objects.count() == 0


# --- payments that paid for nothing -------------------------------------------------------------


@pytest.fixture
def mismatched(loaded_site, now) -> Order:
    """$600 came for an order that had another amount, so nothing was granted."""
    order = make_order(
        make_quarter(), state="review", attention="amount_mismatch", paid_at=None, member=None
    )
    order.lines.update(paid_cents=None)
    return order


def test_a_payment_that_paid_for_nothing_goes_back_whole(mismatched, queued, staff_client):
    url = address("order", "return", mismatched.pk)

    page = text_of(staff_client, address("order", "inspect", mismatched.pk))
    form = text_of(staff_client, url)
    sent = {"form_id": FORM_ID, "reason": "mistake", "note": ""}
    first, second = staff_client.post(url, sent), staff_client.post(url, sent)

    refund = Refund.objects.get()
    assert "Give the payment back" in page
    assert "To be given back $600" in form
    assert (refund.amount_cents, refund.line, refund.state) == (60_000, None, "requested")
    assert first.url == second.url == address("refund", "inspect", refund.pk)


def test_the_limit_holds_for_payments_too(mismatched, limit, queued, staff_client):
    staff_client.post(
        address("order", "return", mismatched.pk),
        {"form_id": FORM_ID, "reason": "mistake", "note": ""},
    )

    assert Refund.objects.get().state == "proposed"


def test_a_duplicate_that_the_bank_would_not_take_goes_back_once_more(
    loaded_site, now, queued, staff_client
):
    order = make_order(make_quarter(), attention="refund_failed")
    twice = Payment.objects.create(
        order=order,
        payment_intent_id="pi_twice",
        amount_cents=60_000,
        currency="usd",
        received_at=MOMENT,
    )
    make_refund(
        order, payment=twice, line=None, reason="paid_twice", amount_cents=60_000, state="failed"
    )

    staff_client.post(
        address("order", "return", order.pk),
        {"form_id": FORM_ID, "reason": "paid_twice", "note": ""},
    )

    again = Refund.objects.get(state="requested")
    assert (again.payment, again.line, again.amount_cents) == (twice, None, 60_000)


def test_a_payment_that_bought_something_is_not_returned_as_a_whole(
    loaded_site, now, queued, staff_client
):
    order = make_order(make_quarter())

    answer = staff_client.post(
        address("order", "return", order.pk),
        {"form_id": FORM_ID, "reason": "mistake", "note": ""},
    )

    assert "belongs to something in it" in answer.content.decode()
    assert Refund.objects.count() == 0
