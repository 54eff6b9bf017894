"""Giving money back at the desk: what staff are told, type and press, and who may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from enrollments.desks.refund_forms import CHOSEN_BY_STAFF
from enrollments.models import (
    BundleAccess,
    Enrollment,
    OrderLine,
    Payment,
    PaymentPlan,
    Refund,
)
from enrollments.operations.refunds import request_refund
from enrollments.stripe_gateway import list_refunds
from tests.enrollments.desk_cast import (
    FORM_ID,
    MOMENT,
    address,
    answers,
    make_dispute,
    make_order,
    make_refund,
    mistakes,
    refund_page,
    text_of,
    with_bundle,
)
from tests.enrollments.rows import place_of
from tests.factories.enrollments import bundle, make_quarter

# --- what is said before ------------------------------------------------------------------------


def test_the_page_says_what_was_paid_what_is_left_and_what_follows(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    make_refund(order)
    make_refund(order, amount_cents=10_000, state="proposed", stripe_id=None)

    text = text_of(staff_client, refund_page(order))

    for words in (
        "Paid for it $600",
        "Given back so far $50",
        "Asked for, not yet given back $100",
        "All that is left: $450",
        "Her place ends, and the seat goes to whoever is next.",
        "What came with it closes too (Am I A Sex Addict?).",
        "Nothing else changes: she keeps what she has.",
        "A refund will also appear on her statement.",
        "Kept from members.",
    ):
        assert words in text


def test_the_page_says_that_a_group_that_has_met_gets_nobody_new(loaded_site, staff_client):
    quarter = make_quarter(state="running")
    order = make_order(quarter)

    assert "nobody else gets the seat" in text_of(staff_client, refund_page(order))


def test_the_page_says_that_a_plan_ends(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    PaymentPlan.objects.create(
        order=order,
        subscription_id="sub_1",
        customer_id="cus_1",
        instalment_count=3,
        instalment_cents=20_000,
        created_at=MOMENT,
    )

    assert "no further instalment is taken" in text_of(staff_client, refund_page(order))


def test_the_page_says_when_there_is_nothing_to_end(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    Enrollment.objects.filter(line__order=order).update(state="left")

    assert "Her place has ended already" in text_of(staff_client, refund_page(order))


def test_of_several_lines_one_is_chosen_first(loaded_site, now, staff_client):
    order = with_bundle(make_order(make_quarter()))
    line = order.lines.last()
    BundleAccess.objects.update(revoked_at=MOMENT)
    BundleAccess.objects.create(member=order.member, bundle=bundle(), line=line, granted_at=MOMENT)

    choice = text_of(staff_client, refund_page(order))
    form = text_of(staff_client, refund_page(order) + f"?line={line.pk}")

    assert "Facing Heartbreak, Winter 2027 $600 left" in choice
    assert "Am I A Sex Addict? $297 left" in choice
    assert "All that is left: $297" in form
    assert "The bundle closes for her." in form


@pytest.mark.parametrize("query", ["?line=0", "?line=x", "?line=99999999999999999999", "?line="])
def test_a_line_that_is_not_there_leads_to_the_choice(loaded_site, now, staff_client, query):
    order = with_bundle(make_order(make_quarter()))

    assert "For what?" in text_of(staff_client, refund_page(order) + query)


def test_an_order_for_nothing_offers_no_refund_and_says_why(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    order.payments.all().delete()
    order.lines.update(paid_cents=0)

    page = text_of(staff_client, address("order", "inspect", order.pk))
    form = text_of(staff_client, refund_page(order))

    assert "Give money back" not in page
    assert "Nothing was paid for this order, so there is nothing to give back." in page
    assert "Nothing was paid for this order, so there is nothing to give back." in form


def test_a_disputed_order_offers_no_refund_and_says_why(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    make_dispute(order)

    page = text_of(staff_client, address("order", "inspect", order.pk))
    answer = staff_client.post(refund_page(order), answers())

    assert "Give money back" not in page
    assert "The bank is looking at this payment" in answer.content.decode()
    assert Refund.objects.count() == 0


def test_what_was_given_back_is_not_offered_again(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    make_refund(order, amount_cents=60_000)

    answer = staff_client.post(refund_page(order), answers())

    assert "Nothing is left to give back" in answer.content.decode()
    assert Refund.objects.count() == 1


# --- giving back --------------------------------------------------------------------------------


def test_all_of_it_goes_back_and_her_place_ends(paid, staff_client):
    answer = staff_client.post(refund_page(paid), answers(note="She wrote on Monday."))

    refund = Refund.objects.get()
    assert answer.url == address("refund", "inspect", refund.pk)
    assert (refund.amount_cents, refund.state, refund.note) == (
        60_000,
        "succeeded",
        "She wrote on Monday.",
    )
    assert refund.requested_by.email == "staff@example.org"
    assert place_of(paid).state == "refunded"
    assert "Given back" in text_of(staff_client, answer.url)


def test_a_part_goes_back_and_she_keeps_her_place(paid, staff_client):
    staff_client.post(refund_page(paid), answers(how_much="part", amount="120.50", shown_cents=""))

    assert Refund.objects.get().amount_cents == 12_050
    assert place_of(paid).state == "enrolled"


def test_the_same_form_sent_twice_is_one_refund(paid, staff_client):
    first = staff_client.post(refund_page(paid), answers(how_much="part", amount="100"))
    second = staff_client.post(refund_page(paid), answers(how_much="part", amount="100"))

    assert second.url == first.url
    assert [view.amount_cents for view in list_refunds(paid.payments.get().payment_intent_id)] == [
        10_000
    ]


def test_the_operation_too_takes_a_form_once(paid, staff_client, owner_of_site):
    asked = {
        "line_id": paid.lines.get().pk,
        "amount_cents": 10_000,
        "reason": Refund.Reason.ASKED,
        "note": "",
        "by": owner_of_site,
        "now": timezone.now(),
        "form_id": UUID(FORM_ID),
    }

    first, second = request_refund(**asked), request_refund(**asked)

    assert [refund.pk for refund in second] == [refund.pk for refund in first]
    assert Refund.objects.count() == 1


def test_another_form_is_another_refund(paid, staff_client):
    staff_client.post(refund_page(paid), answers(how_much="part", amount="100"))
    staff_client.post(
        refund_page(paid),
        answers(
            form_id="7d7f6cf2-55f8-4b55-a2b8-3fd0b5c7a001",
            how_much="part",
            amount="100",
        ),
    )

    assert Refund.objects.count() == 2


def test_nobody_gives_back_more_than_she_has_read(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    make_refund(order)

    answer = staff_client.post(refund_page(order), answers(shown_cents=60_000))

    assert mistakes(answer) == {
        "how_much": [
            "Something has changed meanwhile: $550 is left now. Look again, then press once more."
        ]
    }
    assert 'name="shown_cents" value="55000"' in answer.content.decode()
    assert Refund.objects.count() == 1


HOW_TO_WRITE = (
    "Write the amount as a number, with at most 2 digits after the point, for example 120.50."
)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", HOW_TO_WRITE),
        ("12,5", HOW_TO_WRITE),
        ("1.005", HOW_TO_WRITE),
        ("0", "Enter more than zero."),
        ("600.01", "That is more than is left: $600."),
    ],
)
def test_a_wrong_amount_gets_a_sentence_and_loses_nothing(
    loaded_site, now, staff_client, typed, sentence
):
    order = make_order(make_quarter())

    answer = staff_client.post(
        refund_page(order), answers(how_much="part", amount=typed, note="Her own words")
    )

    assert mistakes(answer) == {"amount": [sentence]}
    assert "Her own words" in answer.content.decode()
    assert Refund.objects.count() == 0


@pytest.mark.parametrize(
    ("currency", "typed", "cents"), [("jpy", "1,200", 1_200), ("kwd", "12.345", 12_345)]
)
@pytest.mark.usefixtures("loaded_site", "queued")
def test_amounts_are_read_in_the_orders_own_currency(staff_client, currency, typed, cents):
    order = make_order(make_quarter(), currency=currency)
    order.payments.update(currency=currency)

    staff_client.post(refund_page(order), answers(how_much="part", amount=typed))

    assert [(r.amount_cents, r.currency) for r in Refund.objects.all()] == [(cents, currency)]


def test_a_currency_without_a_smaller_unit_takes_whole_amounts(loaded_site, now, staff_client):
    order = make_order(make_quarter(), currency="jpy")

    answer = staff_client.post(refund_page(order), answers(how_much="part", amount="100.5"))

    assert mistakes(answer) == {
        "amount": ["Write the amount as a number, without a point, for example 120."]
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"how_much": ""}, "how_much"),
        ({"how_much": "double"}, "how_much"),
        ({"reason": ""}, "reason"),
        ({"reason": "in_dashboard"}, "reason"),
        ({"reason": "seat_gone"}, "reason"),
        ({"note": "x" * 501}, "note"),
        ({"form_id": "x"}, "form_id"),
        ({"ends": "on_a_day"}, "last_day"),
        ({"ends": "on_a_day", "last_day": "2026-11-22"}, "last_day"),
        ({"ends": "on_a_day", "last_day": "9999-12-31"}, "last_day"),
        ({"ends": "on_a_day", "last_day": "soon"}, "last_day"),
    ],
)
def test_what_is_missing_or_wrong_is_said_beside_it(loaded_site, now, staff_client, changes, field):
    order = make_order(make_quarter())

    answer = staff_client.post(refund_page(order), answers(**changes))

    assert list(mistakes(answer)) == [field]
    assert Refund.objects.count() == 0


def test_staff_choose_among_their_own_reasons():
    assert {reason.value for reason in CHOSEN_BY_STAFF} == {
        "asked",
        "cannot_attend",
        "goodwill",
        "paid_twice",
        "mistake",
    }


def test_access_can_stay_open_until_the_end_of_a_day(loaded_site, now, queued, staff_client):
    order = make_order(make_quarter())

    staff_client.post(refund_page(order), answers(ends="on_a_day", last_day="2026-12-31"))

    # Midnight where the group is.
    assert Refund.objects.get().access_ends_at == datetime(2027, 1, 1, 5, tzinfo=UTC)


def test_a_part_ends_nothing_whatever_day_was_typed(loaded_site, now, queued, staff_client):
    order = make_order(make_quarter())

    staff_client.post(
        refund_page(order),
        answers(how_much="part", amount="10", ends="on_a_day", last_day="2026-12-31"),
    )

    assert Refund.objects.get().access_ends_at is None


# --- what Stripe makes of it --------------------------------------------------------------------


def test_before_a_worker_has_asked_the_page_says_so(loaded_site, now, queued, staff_client):
    order = make_order(make_quarter())

    answer = staff_client.post(refund_page(order), answers())

    text = text_of(staff_client, answer.url)
    assert "Not yet at Stripe" in text
    assert "Look at this page again in a moment." in text


def test_when_stripe_is_down_the_refund_is_kept_and_nothing_has_changed(
    paid, standin, staff_client
):
    standin.fault("503", "POST /v1/refunds", count=9)

    answer = staff_client.post(refund_page(paid), answers())
    Refund.objects.update(requested_at=timezone.now() - timedelta(minutes=3))

    assert "is kept and will be tried again" in text_of(staff_client, answer.url)
    assert Refund.objects.get().state == "requested"
    assert place_of(paid).state == "enrolled"


def test_when_stripe_refuses_the_page_says_so_and_nothing_has_changed(paid, staff_client):
    Payment.objects.update(amount_cents=70_000)
    OrderLine.objects.update(paid_cents=70_000)

    answer = staff_client.post(refund_page(paid), answers(shown_cents=70_000))

    text = text_of(staff_client, answer.url)
    assert "Nothing was given back, and nothing else was changed." in text
    assert Refund.objects.get().state == "refused"
    assert place_of(paid).state == "enrolled"
    assert "A refund failed" in text_of(staff_client, address("order", "inspect", paid.pk))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("failed", "it is here again and still owed to her"),
        ("refused", "ask for the refund again from the order's page"),
        ("proposed", "Nothing is given back until somebody else"),
    ],
)
def test_a_refunds_page_says_what_to_do(loaded_site, now, staff_client, state, words):
    refund = make_refund(make_order(make_quarter()), state=state)

    assert words in text_of(staff_client, address("refund", "inspect", refund.pk))
