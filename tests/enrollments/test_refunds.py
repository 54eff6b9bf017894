"""Giving money back: what is asked of Stripe, what Stripe says, and what follows from it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from enrollments.errors import (
    NothingLeftToRefund,
    OwnProposal,
    PaymentDisputed,
    RefundNotWaiting,
    RefundRefused,
    UnknownPayment,
)
from enrollments.models import (
    BundleAccess,
    LedgerEntry,
    MoneySettings,
    Order,
    OrderLine,
    Payment,
    Refund,
    WaitlistEntry,
)
from enrollments.operations import refund_rules, refunds, refunds_at_stripe
from enrollments.operations.disputes import take_in_dispute
from enrollments.operations.endings import has_begun
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.orders import lock_order
from enrollments.stripe_gateway import GatewayDown, get_refund, list_disputes, list_refunds
from tests.enrollments.rows import fresh, place_of
from tests.factories.enrollments import bundle, make_member

Reason, State = Refund.Reason, Refund.State


@pytest.fixture
def money_staff(db):
    return make_member("money@example.org", chosen_name="Money", is_staff=True)


@pytest.fixture
def second_person(db):
    return make_member("second@example.org", chosen_name="Second", is_staff=True)


@pytest.fixture
def paid_bundle(standin, bundle_order) -> Order:
    """Ann has paid $297 for the bundle."""
    standin.pay(bundle_order.url)
    return fulfil(bundle_order.session_id, now=timezone.now())


def line_of(order: Order) -> OrderLine:
    return order.lines.order_by("pk").first()


def ask(order: Order, by, cents: int = 60_000, **changes) -> list[Refund]:
    return refunds.request_refund(
        **{
            "line_id": line_of(order).pk,
            "amount_cents": cents,
            "reason": Reason.ASKED,
            "note": "",
            "by": by,
            "now": timezone.now(),
        }
        | changes
    )


def begin_group(order: Order) -> None:
    """The first meeting of the order's group was an hour ago."""
    first = place_of(order).quarter.meetings.first()
    first.starts_at = timezone.now() - timedelta(hours=1)
    first.save()


def letters() -> list[str]:
    return [letter.subject for letter in mail.outbox]


def test_a_whole_refund_gives_the_money_back_and_frees_the_seat(paid, money_staff):
    [refund] = ask(paid, money_staff)

    order = fresh(paid)
    assert [(view.amount_cents, view.status) for view in list_refunds(payment_id(paid))] == [
        (60_000, "succeeded")
    ]
    assert fresh(refund).state == State.SUCCEEDED
    assert (order.state, place_of(order).state) == ("refunded", "refunded")
    assert place_of(order).quarter.enrollments.occupying().count() == 0


def payment_id(order: Order) -> str:
    return order.payments.get().payment_intent_id


# A row for each rule of the table: how much of the price, has it begun, and what is left.
@pytest.mark.parametrize(
    ("cents", "begun", "place", "order_state", "offered_again"),
    [
        (60_000, False, "refunded", "refunded", True),
        (60_000, True, "refunded", "refunded", False),
        (15_000, False, "enrolled", "paid", False),
        (15_000, True, "enrolled", "paid", False),
    ],
    ids=["whole, before", "whole, after", "part, before", "part, after"],
)
def test_what_follows_for_a_place(
    paid, money_staff, quarter, cents, begun, place, order_state, offered_again
):
    next_in_line = WaitlistEntry.objects.create(
        quarter=quarter, email="rose@example.org", chosen_name="Rose", joined_at=timezone.now()
    )
    quarter.capacity = 1
    quarter.save()
    if begun:
        begin_group(paid)

    ask(paid, money_staff, cents)

    assert has_begun(line_of(paid), timezone.now()) is begun
    assert place_of(paid).state == place
    assert fresh(paid).state == order_state
    assert (fresh(next_in_line).state == "offered") is offered_again


@pytest.mark.parametrize(
    ("cents", "is_open", "order_state"),
    [(29_700, False, "refunded"), (9_700, True, "paid")],
    ids=["whole", "part"],
)
def test_what_follows_for_a_bundle(paid_bundle, money_staff, cents, is_open, order_state):
    ask(paid_bundle, money_staff, cents)

    assert BundleAccess.objects.usable().filter(member=paid_bundle.member).exists() is is_open
    assert fresh(paid_bundle).state == order_state


def test_every_rule_of_the_table_has_a_case_above():
    cases = {(what, share) for what, share, _ in refund_rules.CONSEQUENCES}

    assert cases == {(w, s) for w in ("quarter", "bundle") for s in ("whole", "part")}
    assert len(refund_rules.CONSEQUENCES) == 6


def test_two_parts_that_make_the_whole_end_access(paid, money_staff):
    ask(paid, money_staff, 20_000)
    assert place_of(paid).state == "enrolled"

    ask(paid, money_staff, 40_000)

    assert (place_of(paid).state, fresh(paid).state) == ("refunded", "refunded")


def test_what_came_with_a_place_ends_with_it(standin, held_order, quarter, money_staff):
    quarter.bundles.add(bundle())
    standin.pay(held_order.url)
    order = fulfil(held_order.session_id, now=timezone.now())
    assert BundleAccess.objects.usable().count() == 1

    ask(order, money_staff)

    assert BundleAccess.objects.usable().count() == 0


@pytest.mark.parametrize("cents", [0, -1, 60_001], ids=["nothing", "less", "more than was paid"])
def test_an_amount_that_is_not_there_is_refused(paid, money_staff, cents):
    with pytest.raises(NothingLeftToRefund):
        ask(paid, money_staff, cents)

    assert Refund.objects.count() == 0


def test_what_was_asked_for_is_not_there_a_second_time(paid, money_staff, standin):
    standin.fault("refuse", count=2)
    ask(paid, money_staff, 50_000)
    assert Refund.objects.get().state == State.REQUESTED

    with pytest.raises(NothingLeftToRefund):
        ask(paid, money_staff, 10_001)


def test_while_stripe_is_down_nothing_changes_and_the_request_is_kept(paid, money_staff, standin):
    standin.fault("refuse", path="POST /v1/refunds", count=2)

    [refund] = ask(paid, money_staff)

    assert fresh(refund).state == State.REQUESTED
    assert (fresh(paid).state, place_of(paid).state) == ("paid", "enrolled")
    assert refunds_at_stripe.send_waiting_refunds(now=timezone.now()) == 1
    assert (fresh(paid).state, place_of(paid).state) == ("refunded", "refunded")


@pytest.mark.parametrize("fault", ["lost", "500", "503", "429"])
def test_asking_again_after_any_failure_moves_the_money_once(paid, money_staff, standin, fault):
    standin.fault(fault, path="POST /v1/refunds", count=2)
    ask(paid, money_staff)

    refunds_at_stripe.send_waiting_refunds(now=timezone.now())
    refunds_at_stripe.send_waiting_refunds(now=timezone.now())

    assert [view.amount_cents for view in list_refunds(payment_id(paid))] == [60_000]
    assert Refund.objects.get().state == State.SUCCEEDED


def test_a_saved_failure_gets_a_key_of_its_own(paid, money_staff, standin):
    standin.fault("500", path="POST /v1/refunds", count=2)

    [refund] = ask(paid, money_staff)
    refunds_at_stripe.send_waiting_refunds(now=timezone.now())

    asked = [r for r in standin.requests() if (r["method"], r["path"]) == ("POST", "/v1/refunds")]
    keys = {request["headers"]["idempotency-key"] for request in lowered(asked)}
    assert keys == {f"refund:{refund.uuid}", f"refund:{refund.uuid}:2"}


def lowered(requests):
    return [
        {"headers": {name.lower(): value for name, value in request["headers"].items()}}
        for request in requests
    ]


def test_a_refund_that_stripe_refuses_changes_nothing_and_says_so(paid, money_staff, stripe_sdk):
    stripe_sdk.v1.refunds.create({"payment_intent": payment_id(paid), "amount": 60_000})
    refund = Refund.objects.create(
        order=paid,
        payment=paid.payments.get(),
        line=line_of(paid),
        amount_cents=60_000,
        currency="usd",
        reason=Reason.ASKED,
        requested_at=timezone.now(),
    )

    with pytest.raises(RefundRefused):
        refunds_at_stripe.send_refund(refund_id=refund.pk, now=timezone.now())

    assert fresh(refund).state == State.REFUSED
    assert Refund.objects.given_back().total_cents() == 60_000
    assert fresh(paid).attention == Order.Attention.REFUND_FAILED


def test_a_refund_of_the_dashboard_is_mirrored(paid, stripe_sdk):
    made = stripe_sdk.v1.refunds.create({"payment_intent": payment_id(paid), "amount": 15_000})

    refunds_at_stripe.take_in_refund(get_refund(made.id), now=timezone.now())
    refunds_at_stripe.take_in_refund(get_refund(made.id), now=timezone.now())

    [refund] = Refund.objects.all()
    assert (refund.amount_cents, refund.reason, refund.line) == (
        15_000,
        Reason.IN_DASHBOARD,
        line_of(paid),
    )
    assert (fresh(paid).state, place_of(paid).state) == ("paid", "enrolled")


def test_a_whole_refund_of_the_dashboard_frees_the_seat(paid, stripe_sdk):
    made = stripe_sdk.v1.refunds.create({"payment_intent": payment_id(paid)})

    refunds_at_stripe.take_in_refund(get_refund(made.id), now=timezone.now())

    assert (fresh(paid).state, place_of(paid).state) == ("refunded", "refunded")


def test_a_refund_of_somebody_elses_payment_is_not_ours(standin, db, stripe_sdk):
    session = stripe_sdk.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "success_url": "https://elsewhere.example/",
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {
                        "currency": "usd",
                        "unit_amount": 900,
                        "product_data": {"name": "Something"},
                    },
                }
            ],
        }
    )
    standin.pay(session.url)
    intent = stripe_sdk.v1.checkout.sessions.retrieve(session.id).payment_intent
    made = stripe_sdk.v1.refunds.create({"payment_intent": intent})

    with pytest.raises(UnknownPayment):
        refunds_at_stripe.take_in_refund(get_refund(made.id), now=timezone.now())

    assert Refund.objects.count() == 0


def test_a_refund_that_fails_opens_the_order_again_and_alarms_staff(paid, money_staff, standin):
    [refund] = ask(paid, money_staff)
    assert fresh(paid).state == Order.State.REFUNDED
    standin.fail_refund(fresh(refund).stripe_id)

    refunds_at_stripe.take_in_refund(get_refund(fresh(refund).stripe_id), now=timezone.now())

    order = fresh(paid)
    assert fresh(refund).state == State.FAILED
    assert (order.state, order.attention) == ("review", Order.Attention.REFUND_FAILED)
    assert refunds.left_to_refund(line_of(order)) == 60_000


def test_old_news_of_a_refund_never_undoes_newer_facts(paid, money_staff, standin):
    [refund] = ask(paid, money_staff)
    old = get_refund(fresh(refund).stripe_id)
    standin.fail_refund(old.refund_id)
    refunds_at_stripe.take_in_refund(get_refund(old.refund_id), now=timezone.now())

    refunds_at_stripe.take_in_refund(old, now=timezone.now())

    assert fresh(refund).state == State.FAILED


def test_the_buyer_is_told_once(paid, money_staff):
    mail.outbox.clear()

    [refund] = ask(paid, money_staff, 15_000)
    refunds_at_stripe.take_in_refund(get_refund(fresh(refund).stripe_id), now=timezone.now())

    assert letters() == ["Money on its way back to you"]
    assert "$150 of the $600" in mail.outbox[0].body


def test_above_the_limit_a_second_person_has_to_say_yes(paid, money_staff, second_person, standin):
    limit(50_000)

    [refund] = ask(paid, money_staff)
    assert (refund.state, list(list_refunds(payment_id(paid)))) == (State.PROPOSED, [])
    with pytest.raises(OwnProposal):
        refunds.approve_refund(refund_id=refund.pk, by=money_staff, now=timezone.now())
    refunds.approve_refund(refund_id=refund.pk, by=second_person, now=timezone.now())

    assert fresh(refund).state == State.SUCCEEDED
    assert fresh(refund).approved_by == second_person


def limit(cents: int | None) -> None:
    settings = MoneySettings.load()
    settings.second_person_above_cents = cents
    settings.save()


def test_up_to_the_limit_one_person_is_enough(paid, money_staff):
    limit(60_000)

    [refund] = ask(paid, money_staff)

    assert fresh(refund).state == State.SUCCEEDED


def test_several_small_parts_do_not_get_past_the_limit(paid, money_staff):
    limit(30_000)

    [first] = ask(paid, money_staff, 20_000)
    [second] = ask(paid, money_staff, 20_000)

    assert (fresh(first).state, second.state) == (State.SUCCEEDED, State.PROPOSED)


def test_a_proposal_that_is_withdrawn_is_over(paid, money_staff, second_person):
    limit(0)
    [refund] = ask(paid, money_staff)

    refunds.withdraw_refund(refund_id=refund.pk, by=money_staff, now=timezone.now())
    refunds.withdraw_refund(refund_id=refund.pk, by=money_staff, now=timezone.now())

    with pytest.raises(RefundNotWaiting):
        refunds.approve_refund(refund_id=refund.pk, by=second_person, now=timezone.now())
    assert refunds.left_to_refund(line_of(paid)) == 60_000


def test_the_schema_lets_nobody_approve_her_own_refund(paid, money_staff):
    with pytest.raises(IntegrityError), transaction.atomic():
        Refund.objects.create(
            order=paid,
            payment=paid.payments.get(),
            amount_cents=1,
            currency="usd",
            reason=Reason.ASKED,
            requested_by=money_staff,
            approved_by=money_staff,
            requested_at=timezone.now(),
        )


def test_access_can_go_on_until_a_later_day(paid, money_staff):
    end = timezone.now() + timedelta(days=3)
    ask(paid, money_staff, access_ends_at=end)
    assert (fresh(paid).state, place_of(paid).state) == ("refunded", "enrolled")
    assert refund_rules.end_due_access(now=end - timedelta(seconds=1)) == 0

    ended = refund_rules.end_due_access(now=end)

    assert (ended, place_of(paid).state) == (1, "refunded")
    assert refund_rules.end_due_access(now=end + timedelta(days=1)) == 0


def test_money_that_a_bank_disputes_is_not_given_back_here(paid, money_staff, standin):
    standin.dispute(payment_id(paid))
    [view] = list_disputes(payment_id(paid))
    take_in_dispute(view, now=timezone.now())

    with pytest.raises(PaymentDisputed):
        ask(paid, money_staff)


def test_who_asked_and_why_is_kept_and_the_note_stays_with_staff(paid, money_staff):
    mail.outbox.clear()

    [refund] = ask(paid, money_staff, note="Her bank called.")

    story = LedgerEntry.objects.filter(order=paid, action="refund_requested", by=money_staff)
    assert story.get().detail == f"{refund.uuid} asked"
    assert "Her bank called." not in mail.outbox[0].body


def test_stripe_is_told_numbers_only(paid, money_staff, standin):
    [refund] = ask(paid, money_staff, 15_000, note="Her bank called.")

    body = next(r["body"] for r in standin.requests() if r["path"] == "/v1/refunds" and r["body"])
    assert body == {
        "payment_intent": payment_id(paid),
        "amount": "15000",
        "metadata": {"refund": str(refund.uuid), "order": str(paid.uuid)},
    }


def test_when_the_list_cannot_be_fetched_the_failed_try_is_not_lost(paid, money_staff, standin):
    standin.fault("500", path="POST /v1/refunds", count=2)
    standin.fault("refuse", path="GET /v1/refunds", count=2)
    [refund] = ask(paid, money_staff)
    assert fresh(refund).tries == 1

    with pytest.raises(GatewayDown):
        refunds_at_stripe.send_refund(refund_id=refund.pk, now=timezone.now())
    refunds_at_stripe.send_refund(refund_id=refund.pk, now=timezone.now())

    assert fresh(refund).state == State.SUCCEEDED


def test_a_payment_that_paid_for_nothing_is_given_back_whole(paid):
    with transaction.atomic():
        lock_order(paid.pk)
        [refund] = refunds.give_back_payment(
            Payment.objects.get(), reason=Reason.PAID_TWICE, now=timezone.now()
        )
        again = refunds.give_back_payment(
            Payment.objects.get(), reason=Reason.PAID_TWICE, now=timezone.now()
        )

    assert (fresh(refund).amount_cents, again) == (60_000, [])
