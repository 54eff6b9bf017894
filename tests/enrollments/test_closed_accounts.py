"""A closed account that buys: nothing opens, nothing is lost, and staff decide."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from enrollments.errors import MoneyFirst, StillUndecided
from enrollments.models import (
    BundleAccess,
    Enrollment,
    LedgerEntry,
    Order,
    PaymentPlan,
    Refund,
    WaitlistEntry,
)
from enrollments.operations import books, checkout, departures, giving_up, refunds, waitlist
from enrollments.operations.closed_accounts import let_go, open_and_go_on
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.orders import ask_for_a_person, no_longer_needs, resolve
from enrollments.operations.plans import bring_up_to_date
from enrollments.operations.wishes import Paying, Wishes
from tests.enrollments.desk_cast import address, browser_of, make_staff, text_of
from tests.factories.enrollments import (
    bundle,
    make_buyer,
    make_code,
    make_entry,
    make_member,
    make_place,
    make_price,
    make_quarter,
)
from tests.stripe_fixtures import at_stripe, waiting

pytestmark = pytest.mark.django_db

State, Attention, Place = Order.State, Order.Attention, Enrollment.State


def buy(standin, quarter, *, email: str = "ann@example.org", **wishes) -> Order:
    """Somebody has paid for a place, or had nothing to pay, and the site knows of it."""
    order = checkout.enroll(
        quarter_id=quarter.pk,
        buyer=make_buyer(email),
        wishes=Wishes(**wishes),
        now=timezone.now(),
    )
    if order.state == State.PENDING:
        page = waiting(order)
        standin.pay(page.url)
        fulfil(page.session_id, now=timezone.now())
    return Order.objects.get(pk=order.pk)


def seat(order: Order) -> Enrollment:
    return Enrollment.objects.get(line__order=order)


def give_all_back(order: Order, staff: User) -> None:
    for line in order.lines.all():
        refunds.request_refund(
            line_id=line.pk,
            amount_cents=line.paid_cents,
            reason=Refund.Reason.ASKED,
            note="",
            by=staff,
            now=timezone.now(),
        )


def subjects() -> list[str]:
    return [letter.subject for letter in mail.outbox]


@pytest.fixture
def ann(loaded_site) -> User:
    """Her account is closed."""
    return make_member(is_active=False)


@pytest.fixture
def kept(standin, quarter, ann) -> Order:
    """Ann has paid for a place, and her account is closed."""
    quarter.bundles.add(bundle())
    return buy(standin, quarter)


def test_money_of_a_closed_account_waits_for_a_person(kept, ann):
    ann.refresh_from_db()
    assert (kept.state, kept.attention) == (State.CLOSED_ACCOUNT, Attention.ACCOUNT_CLOSED)
    assert (kept.member, ann.is_active) == (ann, False)
    assert [payment.amount_cents for payment in kept.payments.all()] == [60_000]
    assert (seat(kept).state, seat(kept).seat_number) == (Place.HELD, 1)
    assert BundleAccess.objects.count() == 0
    assert subjects() == ["About your order"]
    assert "Sign in" not in mail.outbox[0].body
    assert books.discrepancies(timezone.now()) == []


def test_hearing_of_it_again_changes_nothing(kept):
    session_id = kept.attempts.get().session_id

    assert fulfil(session_id, now=timezone.now()).state == State.CLOSED_ACCOUNT
    assert (len(mail.outbox), kept.payments.count()) == (1, 1)


def test_its_seat_is_kept_until_staff_have_decided(kept, quarter):
    later = timezone.now() + timedelta(days=3)

    released = giving_up.release_lapsed_holds(now=later)
    giving_up.give_up(order_id=kept.pk, now=later)

    assert released == 0
    assert seat(kept).state == Place.HELD
    assert not Enrollment.objects.lapsed_holds(later).exists()


def test_the_database_itself_lets_no_closed_account_be_silent(kept):
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.update(attention="")


def test_it_stays_on_the_list_whatever_else_comes_and_goes(kept, staff):
    for other in (Attention.DISPUTED, Attention.REFUND_FAILED):
        ask_for_a_person(kept, other, now=timezone.now())
        no_longer_needs(kept, other, now=timezone.now())
        assert kept.attention == Attention.ACCOUNT_CLOSED
    ask_for_a_person(kept, Attention.FRAUD_WARNING, now=timezone.now())

    assert resolve(order_id=kept.pk, by=staff, now=timezone.now()).attention == "account_closed"
    with pytest.raises(StillUndecided):
        resolve(order_id=kept.pk, by=staff, now=timezone.now())


def test_staff_open_the_account_and_all_that_waited_is_hers(kept, ann, staff):
    mail.outbox.clear()

    orders = [open_and_go_on(order_id=kept.pk, by=staff, now=timezone.now()) for _ in range(2)]

    ann.refresh_from_db()
    kept.refresh_from_db()
    assert ann.is_active
    assert {(order.state, order.attention) for order in orders} == {(State.PAID, "")}
    assert (seat(kept).state, seat(kept).member) == (Place.ENROLLED, ann)
    assert BundleAccess.objects.usable().filter(member=ann).count() == 1
    assert subjects() == ["Your receipt"]
    opened = LedgerEntry.objects.get(order=kept, action="account_opened")
    assert opened.by == staff
    assert books.discrepancies(timezone.now()) == []


def test_staff_give_the_money_back_and_the_seat_goes_on(kept, ann, staff, quarter):
    make_entry(quarter)
    quarter.capacity = 1
    quarter.save()

    give_all_back(kept, staff)

    kept.refresh_from_db()
    ann.refresh_from_db()
    assert (kept.state, kept.attention, ann.is_active) == (State.REFUNDED, "", False)
    assert seat(kept).state == Place.REFUNDED
    assert WaitlistEntry.objects.get().state == WaitlistEntry.State.OFFERED
    assert books.discrepancies(timezone.now()) == []


def test_the_account_opened_after_the_money_went_back_changes_nothing_any_more(kept, staff):
    give_all_back(kept, staff)

    open_and_go_on(order_id=kept.pk, by=staff, now=timezone.now())

    kept.refresh_from_db()
    assert (kept.state, seat(kept).state) == (State.REFUNDED, Place.REFUNDED)


def test_a_free_order_waits_too_and_can_be_let_go(standin, quarter, ann, staff):
    code = at_stripe(make_code(percent_off=100))
    order = buy(standin, quarter, code_id=code.pk)
    before = (order.state, seat(order).state, subjects())

    for _ in range(2):
        let_go(order_id=order.pk, by=staff, now=timezone.now())

    order.refresh_from_db()
    assert before == (State.CLOSED_ACCOUNT, Place.HELD, ["About your order"])
    assert (order.state, order.attention) == (State.CANCELLED, "")
    assert seat(order).state == Place.RELEASED
    assert len(mail.outbox) == 2
    assert "it does not go ahead" in mail.outbox[1].body


def test_what_was_paid_for_is_not_just_let_go(kept, staff):
    with pytest.raises(MoneyFirst):
        let_go(order_id=kept.pk, by=staff, now=timezone.now())


def test_a_bundle_waits_like_a_place(standin, bundle_order, ann, staff):
    standin.pay(bundle_order.url)
    fulfil(bundle_order.session_id, now=timezone.now())
    waits = (bundle_order.refreshed().state, BundleAccess.objects.count())

    open_and_go_on(order_id=bundle_order.order.pk, by=staff, now=timezone.now())

    assert waits == (State.CLOSED_ACCOUNT, 0)
    assert bundle_order.refreshed().state == State.PAID
    assert BundleAccess.objects.usable().filter(member=ann).count() == 1


def test_of_two_lines_what_was_given_back_is_not_given_later(standin, quarter, ann, staff):
    order = buy(standin, quarter, bundle_ids=[make_price().bundle_id])
    bundle_line = order.lines.get(quarter=None)
    refunds.request_refund(
        line_id=bundle_line.pk,
        amount_cents=29_700,
        reason=Refund.Reason.ASKED,
        note="",
        by=staff,
        now=timezone.now(),
    )
    waits = Order.objects.get().state

    open_and_go_on(order_id=order.pk, by=staff, now=timezone.now())

    assert waits == State.CLOSED_ACCOUNT
    assert seat(order).state == Place.ENROLLED
    assert BundleAccess.objects.count() == 0
    assert books.discrepancies(timezone.now()) == []


def test_a_closed_account_that_pays_too_late_gets_its_money_back(standin, loaded_site, ann):
    quarter = make_quarter(capacity=1)
    late = waiting(checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now()))
    standin.pay(late.url)
    Enrollment.objects.update(state="released")
    make_place(quarter, make_member("rose@example.org"))

    fulfil(late.session_id, now=timezone.now())

    assert (late.refreshed().state, late.refreshed().attention) == (State.REFUNDED, "seat_gone")


def test_a_closed_account_that_has_the_place_already_gets_its_money_back_once_open(
    standin, quarter, ann, staff
):
    make_place(quarter, ann, seat_number=9)
    order = buy(standin, quarter)

    open_and_go_on(order_id=order.pk, by=staff, now=timezone.now())

    order.refresh_from_db()
    assert (order.state, order.attention) == (State.REFUNDED, Attention.PAID_TWICE)
    assert quarter.enrollments.occupying().count() == 1


def test_a_plan_of_a_closed_account_has_its_end_and_stops_with_the_refund(
    standin, loaded_site, ann, staff
):
    quarter = make_quarter(instalment_count=3, instalment_cents=21_000)
    order = buy(standin, quarter, paying=Paying.MONTHLY)
    plan = PaymentPlan.objects.get()
    waits = (order.state, bool(plan.schedule_id), plan.instalments.count())

    give_all_back(order, staff)

    plan.refresh_from_db()
    assert waits == (State.CLOSED_ACCOUNT, True, 1)
    assert plan.state == PaymentPlan.State.ENDED
    assert Order.objects.get().state == State.REFUNDED


def test_an_offered_seat_that_a_closed_account_has_paid_for_is_no_offer_any_more(
    standin, loaded_site, ann, staff
):
    quarter = make_quarter(capacity=1)
    make_entry(quarter, "ann@example.org")
    waitlist.follow_up(now=timezone.now())
    offer = WaitlistEntry.objects.get()
    order = waiting(
        checkout.enroll(
            quarter_id=quarter.pk, buyer=make_buyer(offer=offer.uuid), now=timezone.now()
        )
    )
    standin.pay(order.url)
    fulfil(order.session_id, now=timezone.now())
    mail.outbox.clear()

    give_all_back(order.refreshed(), staff)

    offer.refresh_from_db()
    assert offer.state == WaitlistEntry.State.ACCEPTED
    assert subjects() == ["Money on its way back to you"]


def test_a_cancelled_quarter_gives_the_money_of_a_closed_account_back(kept, quarter, staff):
    departures.cancel_quarter(quarter_id=quarter.pk, by=staff, now=timezone.now())

    kept.refresh_from_db()
    assert (kept.state, seat(kept).state) == (State.REFUNDED, Place.REFUNDED)
    assert [refund.reason for refund in kept.refunds.all()] == ["quarter_cancelled"]


def test_what_came_after_the_account_was_closed_is_told_to_staff(standin, loaded_site, staff):
    quarter = make_quarter(instalment_count=3, instalment_cents=21_000)
    order = buy(standin, quarter, paying=Paying.MONTHLY)
    calm = order.attention
    User.objects.filter(email="ann@example.org").update(is_active=False)
    standin.advance(32 * 86_400)
    bring_up_to_date(plan_id=PaymentPlan.objects.get().pk, now=timezone.now())

    order.refresh_from_db()
    assert (calm, order.state, order.attention) == ("", State.PAID, Attention.ACCOUNT_CLOSED)
    assert resolve(order_id=order.pk, by=staff, now=timezone.now()).attention == ""


# --- what staff see ------------------------------------------------------------------------------


def test_staff_read_why_it_waits_and_what_they_can_do(kept, staff_client):
    page = staff_client.get(address("order", "inspect", kept.pk)).content.decode()

    assert "Paid by somebody whose account is closed" in page
    assert "Open the account and go on" in page
    assert "Give money back" in page
    assert "Mark as dealt with" not in page
    assert "Do not go on with it" not in page


def test_staff_open_the_account_from_the_order(kept, staff_client):
    page = text_of(staff_client, address("order", "open", kept.pk))
    answer = staff_client.post(address("order", "open", kept.pk))

    kept.refresh_from_db()
    assert "becomes hers now" in page
    assert answer.status_code == 302
    assert (kept.state, kept.member.is_active) == (State.PAID, True)


def test_an_order_that_waits_for_no_account_refuses_both(paid, staff_client):
    for action in ("open", "let_go"):
        assert "waits for nobody" in text_of(staff_client, address("order", action, paid.pk))


@pytest.mark.parametrize(
    ("held", "offered"),
    [
        (("view_order",), False),
        (("view_order", "change_order"), False),
        (("view_order", "change_order", "change_user"), True),
    ],
)
def test_the_account_is_opened_by_who_may_change_people(kept, held, offered):
    browser = browser_of(make_staff("money@example.org", *held))

    page = browser.get(address("order", "inspect", kept.pk)).content.decode()
    browser.post(address("order", "open", kept.pk))

    kept.refresh_from_db()
    assert ("Open the account and go on" in page) is offered
    assert kept.member.is_active is offered
