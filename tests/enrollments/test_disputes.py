"""Disputes: what each status means for the flag, for access and for money."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone

from enrollments import access
from enrollments.errors import UnknownPayment
from enrollments.models import BundleAccess, Dispute, Enrollment, MoneySettings, Order
from enrollments.operations import disputes
from enrollments.operations.orders import resolve
from enrollments.stripe_gateway import get_dispute, list_disputes
from tests.enrollments.events import deliver, event_body
from tests.factories.enrollments import bundle, make_member


@pytest.fixture
def quarter(quarter):
    """The bundle is included."""
    quarter.bundles.add(bundle())
    return quarter


@pytest.fixture
def view(standin, paid):
    """The dispute of Ann's payment as Stripe has it when it begins."""
    standin.dispute(paid.payments.get().payment_intent_id)
    [found] = list_disputes(paid.payments.get().payment_intent_id)
    return found


def rest_while_disputed() -> None:
    settings = MoneySettings.load()
    settings.pauses_access_on_dispute = True
    settings.save()


def take_in(view, status: str) -> Order:
    disputes.take_in_dispute(replace(view, status=status), now=timezone.now())
    return Order.objects.get()


def is_open_to_ann(order: Order) -> bool:
    member = Order.objects.get(pk=order.pk).member
    is_in = [place.quarter_id for place in access.places_of(member)] != []
    assert access.may_open_bundle(member, bundle()) is is_in
    return is_in


# (flag on the order, open when nothing rests, open when access rests, may money be given back)
RULES = {
    "warning_needs_response": (True, True, True, True),
    "warning_under_review": (False, True, True, True),
    "warning_closed": (False, True, True, True),
    "needs_response": (True, True, False, False),
    "under_review": (False, True, False, False),
    "won": (False, True, True, True),
    "lost": (True, False, False, True),
    "prevented": (True, True, True, True),
    "appeal_needs_response": (True, True, True, False),
    "appeal_under_review": (False, True, True, False),
    "something_new": (True, True, True, False),
}


@pytest.mark.parametrize("status", RULES)
@pytest.mark.parametrize("rests", [False, True], ids=["access is kept", "access rests"])
def test_what_a_status_means(view, paid, status, rests):
    flagged, open_when_kept, open_when_resting, may_be_given_back = RULES[status]
    if rests:
        rest_while_disputed()

    order = take_in(view, status)

    assert (order.attention == Order.Attention.DISPUTED) is flagged
    assert is_open_to_ann(paid) is (open_when_resting if rests else open_when_kept)
    assert disputes.open_disputes(order).exists() is not may_be_given_back


def test_every_status_that_stripe_names_has_a_rule():
    assert set(disputes.MEANINGS) == set(RULES) - {"something_new"}


def test_a_dispute_that_is_won_opens_everything_again(view, paid):
    rest_while_disputed()
    take_in(view, "needs_response")
    assert is_open_to_ann(paid) is False

    order = take_in(view, "won")

    assert is_open_to_ann(paid) is True
    assert (order.attention, order.paused_for) == ("", "")


def test_a_dispute_that_is_lost_ends_the_place_and_frees_the_seat(view, paid, quarter):
    take_in(view, "lost")

    assert Enrollment.objects.get(line__order=paid).state == Enrollment.State.ENDED
    assert BundleAccess.objects.usable().count() == 0
    assert quarter.enrollments.occupying().count() == 0


def test_a_decision_stands_whatever_is_told_late(view, paid):
    take_in(view, "lost")

    take_in(view, "under_review")

    assert Dispute.objects.get().status == "lost"
    assert is_open_to_ann(paid) is False


def test_an_appeal_follows_a_decision(view):
    take_in(view, "lost")

    take_in(view, "appeal_under_review")

    assert Dispute.objects.get().status == "appeal_under_review"


def test_telling_the_same_twice_changes_nothing(view, paid):
    first = take_in(view, "needs_response")
    resolve(order_id=first.pk, by=make_member("s@example.org"), now=timezone.now())

    order = take_in(view, "needs_response")

    assert order.attention == ""
    assert Dispute.objects.count() == 1
    assert order.ledger.filter(action="dispute").count() == 1


def test_the_webhook_brings_a_dispute(standin, client, view, paid):
    body = event_body(view.dispute_id, type="charge.dispute.created")

    answer = deliver(client, body)

    assert answer.status_code == 200
    assert Dispute.objects.get().order == paid
    assert get_dispute(view.dispute_id).amount_cents == 60_000


def test_a_dispute_of_somebody_elses_payment_is_not_ours(view, paid):
    with pytest.raises(UnknownPayment):
        disputes.take_in_dispute(
            replace(view, payment_intent_id="pi_elsewhere"), now=timezone.now()
        )

    assert Dispute.objects.count() == 0


def test_a_warning_of_fraud_flags_the_order_and_takes_nothing_away(paid):
    intent = paid.payments.get().payment_intent_id

    order = disputes.take_in_warning(intent, now=timezone.now())
    disputes.take_in_warning(intent, now=timezone.now())

    assert order.attention == Order.Attention.FRAUD_WARNING
    assert is_open_to_ann(paid) is True
    assert order.ledger.filter(action="needs_a_person").count() == 1


def test_a_lost_dispute_of_one_order_leaves_another_alone(standin, view, paid, quarter):
    other = make_member("rose@example.org")
    place = Enrollment.objects.create(
        quarter=quarter, member=other, seat_number=7, state="enrolled", created_at=timezone.now()
    )

    take_in(view, "lost")

    assert Enrollment.objects.get(pk=place.pk).state == "enrolled"
