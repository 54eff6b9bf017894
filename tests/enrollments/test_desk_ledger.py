"""An order's whole story on its page, and taking the order off the list of what needs a person."""

from __future__ import annotations

from datetime import timedelta

import pytest

from enrollments.desks.order_page import WHAT_TO_DO
from enrollments.desks.wording import NOTHING
from enrollments.models import (
    CheckoutAttempt,
    Dispute,
    Instalment,
    LedgerEntry,
    Order,
    OrderLine,
    Payment,
    PaymentPlan,
    Refund,
)
from tests.enrollments.desk_cast import (
    MOMENT,
    address,
    browser_of,
    make_dispute,
    make_event,
    make_order,
    make_refund,
    make_staff,
    text_of,
)
from tests.factories.enrollments import make_member, make_quarter

Action = LedgerEntry.Action


def story_of(client, order: Order) -> str:
    """The last section of the order's page."""
    text = text_of(client, address("order", "inspect", order.pk))
    return text[text.index("The whole story, oldest first") :]


def tell(order: Order, action: LedgerEntry.Action, minutes: int, **fields) -> LedgerEntry:
    return LedgerEntry.objects.create(
        order=order, action=action, at=MOMENT + timedelta(minutes=minutes), **fields
    )


@pytest.fixture
def lived(loaded_site, now) -> Order:
    """An order to which everything has happened that can."""
    order = make_order(make_quarter(), created_at=MOMENT - timedelta(minutes=9))
    staff = make_member("kim@example.org", chosen_name="Kim", is_staff=True)
    CheckoutAttempt.objects.create(
        order=order,
        number=2,
        session_id="cs_test_second",
        fingerprint="x",
        created_at=MOMENT - timedelta(minutes=5),
        expires_at=MOMENT,
        state="expired",
    )
    tell(order, Action.ENROLLED, 1, detail="seat 1")
    tell(order, Action.LETTER_SENT, 2, detail="receipt")
    refund = make_refund(order, requested_by=staff)
    tell(order, Action.REFUND_REQUESTED, 60, detail=f"{refund.uuid} asked", by=staff)
    tell(order, Action.REFUND_REQUESTED, 119, detail=f"{refund.uuid} confirmed")
    dispute = make_dispute(order)
    tell(order, Action.DISPUTE, 180, detail=f"{dispute.stripe_id} needs_response")
    tell(order, Action.NEEDS_A_PERSON, 181, detail="disputed")
    tell(order, Action.ACCESS_PAUSED, 182, detail="dispute")
    tell(order, Action.RESOLVED, 200, detail="disputed", by=staff)
    make_event(1, order=order)
    make_event(2, order=order, outcome="error", error="GatewayDown", type="refund.updated")
    return order


def test_the_story_is_told_from_the_first_to_the_last(lived, staff_client):
    story = story_of(staff_client, lived)

    told = [
        f"Order begun $600 {NOTHING} The buyer",
        "Payment page 2 asked for ended without a payment",
        "Payment page 1 asked for completed",
        "Payment received on payment page 1 $600 pi_Ann Stripe",
        "Stripe told us: checkout. session. completed Done",
        "Stripe told us: refund. updated Failed; Stripe will deliver it again: GatewayDown",
        "Enrolled seat 1",
        "Letter sent receipt",
        "Refund requested $50",
        "Stripe has the refund $50",
        "Refund Given back Facing Heartbreak, Winter 2027.",
        "Payment disputed Reason given: product not received $600",
        "Dispute Waits for an answer",
        "Needs a person Payment disputed",
        "Access paused A dispute",
        "Marked as dealt with Payment disputed",
    ]
    places = [story.index(line) for line in told]
    assert places == sorted(places)


def test_the_story_says_who_did_what(lived, staff_client):
    story = story_of(staff_client, lived)

    assert story.count("Kim") == 3
    assert f"Marked as dealt with Payment disputed {NOTHING} {NOTHING} Kim" in story


def test_the_story_is_told_on_the_clocks_of_its_reader(lived, staff_client):
    # 15:00 UTC is ten in the morning where the practice is.
    assert "Fri, Nov 20, 2026 10:00 am Eastern Payment received" in story_of(staff_client, lived)


@pytest.mark.parametrize(
    ("held", "is_read"),
    [
        (("view_order",), False),
        (("view_order", "view_refund"), True),
        (("view_order", "add_refund"), True),
        (("view_order", "approve_refund"), True),
    ],
)
def test_notes_are_for_who_may_see_refunds(lived, held, is_read):
    client = browser_of(make_staff("money@example.org", *held))

    page = client.get(address("order", "inspect", lived.pk)).content.decode()

    assert ("She wrote on Monday." in page) is is_read
    assert ("She asked for it" in page) is is_read
    assert (address("refund", "inspect", Refund.objects.get().pk) in page) is is_read


def test_who_only_sees_refunds_sees_no_order(lived):
    client = browser_of(make_staff("money@example.org", "view_refund"))

    assert client.get(address("order", "inspect", lived.pk)).status_code == 302


def test_instalments_are_told_one_by_one(loaded_site, now, staff_client):
    order = make_order(make_quarter(), instalment_count=3, instalment_cents=20_000)
    plan = PaymentPlan.objects.create(
        order=order,
        subscription_id="sub_1",
        customer_id="cus_1",
        instalment_count=3,
        instalment_cents=20_000,
        state="active",
        created_at=MOMENT,
    )
    Instalment.objects.create(
        plan=plan,
        number=1,
        invoice_id="in_1",
        payment=order.payments.get(),
        amount_cents=20_000,
        paid_at=MOMENT,
    )
    Instalment.objects.create(
        plan=plan, number=2, invoice_id="in_2", amount_cents=0, paid_at=MOMENT + timedelta(days=30)
    )

    text = text_of(staff_client, address("order", "inspect", order.pk))

    assert "3 instalments of $200: being paid" in text
    assert "Instalment 1 of 3 received" in text
    assert f"Instalment 2: nothing to pay {NOTHING} in_2" in text


def test_an_order_for_nothing_tells_so(loaded_site, now, staff_client):
    order = make_order(make_quarter())
    order.payments.all().delete()

    assert "Nothing was left to pay" in story_of(staff_client, order)


def more_of_everything(order: Order, number: int) -> None:
    """One more of each thing that an order can have several of."""
    OrderLine.objects.create(
        order=order,
        quarter=make_quarter(label=f"Quarter {number}"),
        discreet_name="Saturday course",
        unit_price_cents=60_000,
        paid_cents=60_000,
    )
    CheckoutAttempt.objects.create(
        order=order,
        number=number + 10,
        session_id=f"cs_more_{number}",
        fingerprint="x",
        created_at=MOMENT,
        expires_at=MOMENT,
    )
    payment = Payment.objects.create(
        order=order,
        payment_intent_id=f"pi_more_{number}",
        amount_cents=20_000,
        currency="usd",
        received_at=MOMENT,
    )
    Instalment.objects.create(
        plan=order.plan,
        number=number + 10,
        invoice_id=f"in_more_{number}",
        payment=payment,
        amount_cents=20_000,
        paid_at=MOMENT,
    )
    make_refund(order, payment=payment, requested_by=order.member)
    make_event(number + 100, order=order)
    tell(order, Action.NEEDS_A_PERSON, number, detail="drift", by=order.member)
    Dispute.objects.all().delete()
    for _ in range(number + 1):
        make_dispute(order, status="won")


@pytest.mark.parametrize("count", [1, 3])
def test_the_story_costs_the_same_however_long_it_is(
    loaded_site, now, django_assert_num_queries, staff_client, count
):
    order = make_order(make_quarter(), instalment_count=3, instalment_cents=20_000)
    PaymentPlan.objects.create(
        order=order,
        subscription_id="sub_1",
        customer_id="cus_1",
        instalment_count=3,
        instalment_cents=20_000,
        created_at=MOMENT,
    )
    for number in range(count):
        more_of_everything(order, number)
    staff_client.get(address("order", "inspect", order.pk))

    with django_assert_num_queries(28):
        staff_client.get(address("order", "inspect", order.pk))


# --- what needs a person ------------------------------------------------------------------------


def test_every_reason_says_what_to_do():
    assert set(WHAT_TO_DO) == set(Order.Attention) - {Order.Attention.NONE}


def test_an_order_is_marked_as_dealt_with(loaded_site, now):
    order = make_order(make_quarter(), attention="drift")
    client = browser_of(make_staff("money@example.org", "view_order", "change_order"))

    page = client.get(address("order", "inspect", order.pk)).content.decode()
    client.post(address("order", "resolve", order.pk))

    assert f'action="{address("order", "resolve", order.pk)}"' in page
    assert Order.objects.get().attention == ""
    entry = LedgerEntry.objects.get()
    assert (entry.action, entry.detail, entry.by.email) == (
        "resolved",
        "drift",
        "money@example.org",
    )


def test_looking_at_the_question_changes_nothing(loaded_site, now, staff_client):
    order = make_order(make_quarter(), attention="drift")

    text = text_of(staff_client, address("order", "resolve", order.pk))

    assert "Is this dealt with?" in text
    assert Order.objects.get().attention == "drift"


def test_who_may_only_look_is_not_offered_the_button(loaded_site, now):
    order = make_order(make_quarter(), attention="drift")
    client = browser_of(make_staff("viewer@example.org", "view_order"))

    text = text_of(client, address("order", "inspect", order.pk))

    assert "Our books and Stripe's differ" in text
    assert "Mark as dealt with" not in text


def test_an_order_that_was_dealt_with_asks_for_nobody(loaded_site, now, staff_client):
    order = make_order(make_quarter(), state="review", attention="")

    text = text_of(staff_client, address("order", "inspect", order.pk))

    assert "State Dealt with" in text
    assert "Needs a person" not in text
